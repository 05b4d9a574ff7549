//! Requirement files, and an employee judged by what they say.

use chrono::{Days, NaiveDate};
use kurskoll_domain::compliance::definition::{from_json, to_json};
use kurskoll_domain::compliance::span::{scope_spans, state_spans};
use kurskoll_domain::compliance::state::state_on;
use kurskoll_domain::compliance::{Item, Person, Requirement, RequirementVersion};
use kurskoll_domain::directory::{Absence, Employment, EmploymentForm};
use kurskoll_domain::ids::{AdministrationCode, EmploymentId, EventId, PlatformId};
use kurskoll_domain::training::{LinkedResult, ResultKind, Score, Target};
use kurskoll_intake::requirements_toml;
use rust_decimal::Decimal;

use super::{now, text};

pub fn read(bytes: &[u8]) {
    match requirements_toml::read(text(bytes)) {
        Ok(requirements) => {
            for requirement in requirements {
                let stored = from_json(to_json(&requirement));
                assert_eq!(stored.ok().as_ref(), Some(&requirement));
                judge(requirement);
            }
        }
        Err(problems) => {
            assert!(!problems.0.is_empty());
            assert!(problems.0.iter().all(|problem| !problem.to_string().is_empty()));
        }
    }
}

/// An employee who began on the day from which the requirement holds, was away, and did all that it names.
fn judge(requirement: Requirement) {
    let began = requirement.effective_from;
    let later = |days| began.checked_add_days(Days::new(days)).unwrap_or(began);
    let versions = [RequirementVersion { version: 1, requirement }];
    let requirement = &versions[0].requirement;
    let person = Person {
        employments: employment(requirement, began).into_iter().collect(),
        absences: vec![Absence { starts_on: later(3), ends_on: Some(later(20)) }],
        exemptions: Vec::new(),
        results: requirement.items().into_iter().filter_map(|item| done(item, later(5))).collect(),
    };
    let spans = state_spans(&person, &versions);
    assert!(spans.is_sorted_by_key(|span| span.days.first));
    for span in &spans {
        let on_the_day = state_on(&person, &versions, span.days.first);
        assert_eq!(on_the_day, Some((1, span.state.clone())));
    }
    drop(scope_spans(&person, &versions));
}

fn employment(requirement: &Requirement, starts_on: NaiveDate) -> Option<Employment> {
    let audience = &requirement.audience;
    Some(Employment {
        fact_id: 1,
        id: EmploymentId::parse("1").ok()?,
        administration: audience.administrations.first().cloned().or_else(|| AdministrationCode::parse("SEF").ok())?,
        unit: audience.units.first().cloned().unwrap_or_default(),
        form: audience.forms.first().copied().unwrap_or(EmploymentForm::Permanent),
        starts_on,
        ends_on: None,
        moved: None,
    })
}

fn done(item: &Item, day: NaiveDate) -> Option<LinkedResult> {
    let (target, kind) = match item {
        Item::Course(course) => (Target::Course(course.clone()), ResultKind::Completion),
        Item::Quiz { quiz, pass_mark } => {
            let score = Score::new(pass_mark.share(), Decimal::ONE).ok()?;
            assert!(score.reaches(*pass_mark));
            (
                Target::Quiz(quiz.clone()),
                ResultKind::Attempt { name: None, number: None, score: Some(score), passed: None },
            )
        }
    };
    let event_id = EventId::parse("e-1").ok()?;
    Some(LinkedResult { platform: PlatformId(1), event_id, target, kind, occurred_at: now(), reported_at: None, day })
}
