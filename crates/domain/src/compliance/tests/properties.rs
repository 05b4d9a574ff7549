//! Properties of generated cases: the code equals the oracle on every day, spans equal days, and order, repetition,
//! later failures and later evidence change nothing.
//!
//! All days lie in one narrow window, and names are few, so that generated records interact.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::*;
use crate::calendar::{AnnualDay, Stretch};
use crate::compliance::oracle::as_done;
use crate::compliance::span::{ScopeSpan, StateSpan, scope_spans, shown_employments, state_spans};
use crate::compliance::withdrawal::not_withdrawn;

/// Everything begins from here to [`WIDTH`] days later.
const FIRST: NaiveDate = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
const WIDTH: i64 = 75;
/// The days that are judged: some before anything begins, and until most evidence has ended.
const JUDGED: std::ops::Range<i64> = -20..130;

/// Evidence ends two months after it began, and absences move a due day by 100 days at most.
const ORACLE: Oracle = Oracle { last: NaiveDate::from_ymd_opt(2026, 9, 30).unwrap() };

fn at(offset: i64) -> NaiveDate {
    FIRST + chrono::TimeDelta::days(offset)
}

fn judged_days() -> impl Iterator<Item = NaiveDate> {
    JUDGED.map(at)
}

/// The first and the last of some days; open in a third of the cases, and now and then ending before it starts.
fn first_and_last(longest: i64) -> impl Strategy<Value = (NaiveDate, Option<NaiveDate>)> {
    (-20..WIDTH, prop_oneof![1 => Just(None), 2 => (-1..longest).prop_map(Some)])
        .prop_map(|(first, length)| (at(first), length.map(|length| at(first + length))))
}

fn administrations() -> Vec<AdministrationCode> {
    ["SEF", "SF"].map(|code| AdministrationCode::parse(code).unwrap()).to_vec()
}

const UNITS: [&str; 2] = ["Lokalvård", ""];
const FORMS: [EmploymentForm; 2] = [EmploymentForm::Permanent, EmploymentForm::Hourly];

fn employments() -> impl Strategy<Value = Vec<Employment>> {
    let one = (first_and_last(50), select(administrations()), select(&UNITS), select(&FORMS));
    vec(one, 1..4).prop_map(|several| {
        (0i64..)
            .zip(several)
            .map(|(fact_id, ((starts_on, ends_on), administration, unit, form))| Employment {
                fact_id,
                // Ids do not grow with the facts.
                id: EmploymentId::parse(&format!("{}", 9 - fact_id)).unwrap(),
                administration,
                unit: unit.to_owned(),
                form,
                starts_on,
                ends_on,
                moved: None,
            })
            .collect()
    })
}

fn absences() -> impl Strategy<Value = Vec<Absence>> {
    vec(first_and_last(25).prop_map(|(starts_on, ends_on)| Absence { starts_on, ends_on }), 0..4)
}

fn exemptions() -> impl Strategy<Value = Vec<Exemption>> {
    let one = (first_and_last(25), prop::bool::weighted(0.8)).prop_map(|((starts_on, ends_on), is_from_this)| {
        let requirement = if is_from_this { code() } else { RequirementCode::parse("fire-safety").unwrap() };
        Exemption { requirement, starts_on, ends_on }
    });
    prop_oneof![2 => Just(Vec::new()), 1 => vec(one, 1..3)]
}

/// Noon, or half an hour before midnight UTC, which is the next day in the city.
fn instants() -> impl Strategy<Value = DateTime<Utc>> {
    (-20..WIDTH, select(&[(12, 0), (23, 30)]))
        .prop_map(|(offset, (hour, minute))| at(offset).and_hms_opt(hour, minute, 0).unwrap().and_utc())
}

fn courses() -> impl Strategy<Value = Target> {
    select(&["basics", "2023"]).prop_map(of_course)
}

fn quizzes() -> impl Strategy<Value = Target> {
    select(&["test", "other"]).prop_map(of_quiz)
}

fn scores() -> impl Strategy<Value = Option<Score>> {
    // One in eight has a third of a point, which no percentage shows exactly.
    prop::option::weighted(0.8, (0u32..=10, select(&[10u32, 10, 15])))
        .prop_map(|score| score.map(|(points, of)| Score::new(points.into(), of.into()).unwrap()))
}

/// Half of them under one of two names, so that one attempt is reported at several instants.
fn attempts() -> impl Strategy<Value = ResultKind> {
    let name = prop::option::of(select(&["attempt-1", "attempt-2"]));
    (name, prop::option::of(1u32..3), scores(), any::<Option<bool>>()).prop_map(|(name, number, score, passed)| {
        let name = name.map(|name| AttemptName::parse(name).unwrap());
        ResultKind::Attempt { name, number, score, passed }
    })
}

/// A result: what was done, at which instant, on which platform. Without an id.
fn done() -> impl Strategy<Value = (Target, ResultKind, DateTime<Utc>, PlatformId)> {
    let what = prop_oneof![courses().prop_map(|course| (course, ResultKind::Completion)), (quizzes(), attempts())];
    let platform = prop_oneof![4 => Just(LARPORTAL), 1 => Just(PlatformId(2))];
    (what, instants(), platform)
        .prop_map(|((target, kind), occurred_at, platform)| (target, kind, occurred_at, platform))
}

/// How often a result is sent again, and with which other score.
#[derive(Debug, Clone)]
enum Again {
    Never,
    UnderAnotherId,
    WithAnotherScore(Option<Score>),
}

fn again() -> impl Strategy<Value = Again> {
    prop_oneof![4 => Just(Again::Never), 1 => Just(Again::UnderAnotherId), 1 => scores().prop_map(Again::WithAnotherScore)]
}

const EVENTS: usize = 10;

/// Of events, among them other revocations; a third of them by another way than an event's name.
fn revocations() -> impl Strategy<Value = (Target, ResultKind, DateTime<Utc>, PlatformId)> {
    let event = || (0..EVENTS).prop_map(|i| EventId::parse(&format!("e{i}")).unwrap());
    let revokes = prop_oneof![
        2 => Just(Revokes::UpTo),
        2 => Just(Revokes::Recent),
        6 => event().prop_map(Revokes::Event),
        1 => event().prop_map(Revokes::Statement),
        2 => (event(), any::<bool>()).prop_map(|(event_id, counts)| Revokes::ByHand { event_id, counts }),
    ];
    (done(), revokes).prop_map(|((target, _, occurred_at, platform), revokes)| {
        (target, ResultKind::Revocation(revokes), occurred_at, platform)
    })
}

/// Results in any order, with ids that do not follow the order.
fn results() -> impl Strategy<Value = Vec<LinkedResult>> {
    let reported = vec((done(), again()), 0..7).prop_map(|all| {
        let mut reported = Vec::new();
        for (once, again) in all {
            reported.push(once.clone());
            let (target, kind, occurred_at, platform) = once;
            let kind = match (again, kind) {
                (Again::Never, _) => continue,
                (Again::WithAnotherScore(score), ResultKind::Attempt { name, number, passed, .. }) => {
                    ResultKind::Attempt { name, number, score, passed }
                }
                (_, kind) => kind,
            };
            reported.push((target, kind, occurred_at, platform));
        }
        reported
    });
    let withdrawn = prop_oneof![1 => Just(Vec::new()), 1 => vec(revocations(), 1..5)];
    (reported, withdrawn)
        .prop_flat_map(|(reported, withdrawn)| Just([reported, withdrawn].concat()).prop_shuffle())
        .prop_map(|all| {
            let as_result = |(i, (target, kind, occurred_at, platform)): (usize, _)| LinkedResult {
                platform,
                event_id: EventId::parse(&format!("e{i}")).unwrap(),
                target,
                kind,
                occurred_at,
                // Some are reported at the time of the next result, and some without a time.
                reported_at: (i % 3 == 0).then(|| occurred_at + chrono::TimeDelta::days(i64::try_from(i).unwrap())),
                day: CityCalendar::default().day_of(occurred_at),
            };
            all.into_iter().enumerate().map(as_result).collect()
        })
}

fn persons() -> impl Strategy<Value = Person> {
    (employments(), absences(), exemptions(), results())
        .prop_map(|(employments, absences, exemptions, results)| Person { employments, absences, exemptions, results })
}

fn audiences() -> impl Strategy<Value = Audience> {
    let narrow = (
        subsequence(administrations(), 0..2),
        subsequence(FORMS.to_vec(), 0..2),
        subsequence(UNITS.map(str::to_owned).to_vec(), 0..2),
    );
    let narrow = narrow.prop_map(|(administrations, forms, units)| Audience {
        administrations: administrations.into_iter().collect(),
        forms: forms.into_iter().collect(),
        units: units.into_iter().collect(),
    });
    prop_oneof![Just(Audience::default()), narrow]
}

fn requirements() -> impl Strategy<Value = Requirement> {
    let items = vec![course("basics"), course("2023"), quiz("test", "0.5"), quiz("test", "0.8"), quiz("other", "0.4")];
    let alternatives = vec(subsequence(items, 1..3), 1..3);
    let days = (0u32..35, prop::option::of(-10..WIDTH), prop::option::weighted(0.8, 1u32..3), 0u32..25);
    let in_effect = (-20i64..60, prop::option::weighted(0.3, 0i64..60));
    // The next one after any evidence lies before the oracle's last day.
    let annual = prop::option::weighted(0.3, select(&["03-18", "03-31", "05-31"]));
    let counting = (annual, prop::option::weighted(0.2, -20..WIDTH));
    (audiences(), alternatives, days, in_effect, counting).prop_map(|given| {
        let (audience, alternatives, days, (from, length), (annual, counts_from)) = given;
        let (new_hire_days, existing_staff_due_on, valid_months, renewal_days) = days;
        Requirement {
            audience,
            alternatives,
            new_hire_days,
            existing_staff_due_on: existing_staff_due_on.map(at),
            valid_months: valid_months.filter(|_| annual.is_none()),
            valid_until: annual.map(|text| AnnualDay::parse(text).unwrap()),
            counts_from: counts_from.map(at),
            renewal_days,
            effective_from: at(from),
            effective_to: length.map(|length| at(from + length)),
            ..requirement()
        }
    })
}

fn versions() -> impl Strategy<Value = Vec<RequirementVersion>> {
    let several = prop_oneof![2 => vec(requirements(), 1), 1 => vec(requirements(), 2..4)];
    several.prop_map(|several| {
        (1u32..).zip(several).map(|(version, requirement)| RequirementVersion { version, requirement }).collect()
    })
}

/// Whether spans are in order, do not overlap, and are as long as they can be.
fn are_merged<'a, T: PartialEq + 'a>(spans: impl IntoIterator<Item = (&'a Stretch, T)>) -> bool {
    let spans: Vec<_> = spans.into_iter().collect();
    spans.windows(2).all(|pair| {
        let ((before, what), (after, next)) = (&pair[0], &pair[1]);
        before.until.is_some_and(|until| until < after.first || (until == after.first && what != next))
    })
}

/// All that [`state_on`] says of a person, except the attempts.
fn judgement(spans: Vec<StateSpan>) -> Vec<(NaiveDate, u32, ComplianceState)> {
    let without_attempts = |mut span: StateSpan| {
        (span.state.attempts, span.state.last_attempt_on, span.state.best_score_percent) = (0, None, None);
        span
    };
    let spans: Vec<StateSpan> = spans.into_iter().map(without_attempts).collect();
    judged_days()
        .filter_map(|t| spans.iter().find(|span| span.days.contains(t)).map(|span| (t, span)))
        .map(|(t, span)| (t, span.version, span.state.clone()))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_state_is_what_the_oracle_says_on_every_day(person in persons(), versions in versions()) {
        for t in judged_days() {
            prop_assert_eq!(state_on(&person, &versions, t), ORACLE.state_on(&person, &versions, t), "on {}", t);
        }
    }

    #[test]
    fn state_spans_say_on_every_day_what_that_day_says(person in persons(), versions in versions()) {
        let spans = state_spans(&person, &versions);
        prop_assert!(are_merged(spans.iter().map(|span| (&span.days, (span.version, &span.state)))), "{:#?}", spans);
        for t in judged_days() {
            let holding: Vec<_> =
                spans.iter().filter(|span| span.days.contains(t)).map(|s| (s.version, s.state.clone())).collect();
            prop_assert_eq!(holding, Vec::from_iter(state_on(&person, &versions, t)), "on {}", t);
        }
    }

    #[test]
    fn scope_spans_say_on_every_day_which_employments_are_shown(person in persons(), versions in versions()) {
        let spans = scope_spans(&person, &versions);
        for administration in administrations() {
            let there = spans.iter().filter(|span| span.administration == administration);
            prop_assert!(are_merged(there.map(|span| (&span.days, span.employment_fact))), "{:#?}", spans);
        }
        for t in judged_days() {
            let holding: Vec<&ScopeSpan> = spans.iter().filter(|span| span.days.contains(t)).collect();
            let by_administration: BTreeMap<_, _> =
                holding.iter().map(|span| (span.administration.clone(), span.employment_fact)).collect();
            prop_assert_eq!(holding.len(), by_administration.len());
            prop_assert_eq!(&by_administration, &ORACLE.shown_on(&person, &versions, t), "on {}", t);
            // Shown somewhere and judged are the same people; and each version shows what the spans say.
            let judged = state_on(&person, &versions, t);
            prop_assert_eq!(judged.is_some(), !holding.is_empty(), "on {}", t);
            if let Some((version, _)) = judged {
                let version = versions.iter().find(|known| known.version == version).unwrap();
                let facts: BTreeSet<i64> =
                    shown_employments(&person, version, t).into_values().map(|employment| employment.fact_id).collect();
                prop_assert_eq!(facts, by_administration.into_values().collect::<BTreeSet<_>>(), "on {}", t);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn order_and_repetition_of_results_do_not_matter(
        (person, shuffled) in persons().prop_flat_map(|person| {
            let repeated = subsequence(person.results.clone(), 0..=person.results.len());
            let all = person.results.clone();
            let shuffled = repeated.prop_map(move |again| [all.clone(), again].concat()).prop_shuffle();
            (Just(person), shuffled)
        }),
        versions in versions(),
    ) {
        let again = Person { results: shuffled, ..person.clone() };
        prop_assert_eq!(state_spans(&again, &versions), state_spans(&person, &versions));
    }

    #[test]
    fn a_failing_attempt_changes_nothing_but_the_attempts(
        person in persons(),
        versions in versions(),
        target in quizzes(),
        number in prop::option::of(1u32..3),
        occurred_at in instants(),
    ) {
        // The pass mark decides, not the platform.
        let score = Score::new(1.into(), 10.into()).ok();
        let mut failed = person.clone();
        failed.results.push(LinkedResult {
            platform: LARPORTAL,
            event_id: EventId::parse("failed").unwrap(),
            target,
            kind: ResultKind::Attempt { name: None, number, score, passed: Some(true) },
            occurred_at,
            reported_at: None,
            day: CityCalendar::default().day_of(occurred_at),
        });
        prop_assert_eq!(judgement(state_spans(&failed, &versions)), judgement(state_spans(&person, &versions)));
    }

    #[test]
    fn a_later_grade_of_an_attempt_counts_as_if_it_had_been_reported_at_once(
        person in persons(),
        versions in versions(),
        target in quizzes(),
        (score, passed) in (scores(), any::<Option<bool>>()),
        (first, second) in (instants(), instants()),
    ) {
        // An attempt that nothing else reports: another report could make it earlier.
        let name = "attempt-of-its-own";
        let report = |event: &str, score, passed, occurred_at| LinkedResult {
            platform: LARPORTAL,
            event_id: EventId::parse(event).unwrap(),
            target: target.clone(),
            kind: ResultKind::Attempt { name: AttemptName::parse(name).ok(), number: None, score, passed },
            occurred_at,
            reported_at: None,
            day: CityCalendar::default().day_of(occurred_at),
        };
        let mut graded_later = person.clone();
        graded_later.results.push(report("handed in", None, None, first.min(second)));
        graded_later.results.push(report("graded", score, passed, first.max(second)));
        let mut graded_at_once = person.clone();
        // If the grade is withdrawn together with another report of the same instant, there is none.
        let later = not_withdrawn(&graded_later.results).into_iter().find(|done| done.reported.event_id.as_str() == "graded");
        graded_at_once.results.extend(later.map(|done| report("graded", score, passed, done.occurred_at)));
        prop_assert_eq!(state_spans(&graded_later, &versions), state_spans(&graded_at_once, &versions));
    }

    #[test]
    fn evidence_on_later_days_never_changes_the_state(person in persons(), versions in versions(), t in JUDGED) {
        let mut earlier = person.clone();
        // The later reports of an attempt that is reported again are evidence from its own day as well.
        let is_of_then = |result: &LinkedResult| as_done(result, &person.results).day <= at(t);
        earlier.results.retain(|result| is_of_then(result) || matches!(result.kind, ResultKind::Revocation { .. }));
        prop_assert_eq!(state_on(&earlier, &versions, at(t)), state_on(&person, &versions, at(t)));
    }
}
