//! A requirement as JSON: a version's definition is stored exactly as it was applied.
//!
//! The names are those of the requirement file (DESIGN, "Requirements"), so the stored definition reads like the file.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::requirement::{Audience, Item, Requirement};
use crate::calendar::AnnualDay;
use crate::directory::EmploymentForm;
use crate::ids::{AdministrationCode, CourseId, QuizId, RequirementCode};
use crate::training::{InvalidDecimal, PassMark, decimal_from_text};

/// Why JSON is not a definition of a requirement.
#[derive(Debug, thiserror::Error)]
pub enum InvalidDefinition {
    #[error("the definition is not of the expected form")]
    Form(#[from] serde_json::Error),
    #[error("a pass mark {0}")]
    PassMark(#[from] InvalidDecimal),
    #[error("an item names neither a course nor a quiz with its pass mark, or both")]
    Item,
    #[error("an alternative has no items, or there is no alternative")]
    NoItems,
    #[error("evidence holds for months or up to a day of the year, not both")]
    TwoValidities,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Definition {
    code: RequirementCode,
    title_sv: String,
    title_en: String,
    audience: AudienceDefinition,
    alternatives: Vec<Vec<ItemDefinition>>,
    new_hire_days: u32,
    existing_staff_due_on: Option<NaiveDate>,
    valid_months: Option<u32>,
    // Versions older than these fields do not have them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    valid_until: Option<AnnualDay>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    counts_from: Option<NaiveDate>,
    renewal_days: u32,
    effective_from: NaiveDate,
    effective_to: Option<NaiveDate>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AudienceDefinition {
    administrations: BTreeSet<AdministrationCode>,
    forms: BTreeSet<EmploymentForm>,
    units: BTreeSet<String>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ItemDefinition {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    course: Option<CourseId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    quiz: Option<QuizId>,
    /// The digits of a decimal: other programs would read a JSON number as a float.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pass_mark: Option<String>,
}

impl From<&Item> for ItemDefinition {
    fn from(item: &Item) -> Self {
        match item {
            Item::Course(course) => Self { course: Some(course.clone()), ..Self::default() },
            Item::Quiz { quiz, pass_mark } => {
                Self { quiz: Some(quiz.clone()), pass_mark: Some(pass_mark.share().to_string()), ..Self::default() }
            }
        }
    }
}

impl TryFrom<ItemDefinition> for Item {
    type Error = InvalidDefinition;

    fn try_from(item: ItemDefinition) -> Result<Self, InvalidDefinition> {
        match (item.course, item.quiz, item.pass_mark) {
            (Some(course), None, None) => Ok(Self::Course(course)),
            (None, Some(quiz), Some(digits)) => {
                Ok(Self::Quiz { quiz, pass_mark: PassMark::new(decimal_from_text(&digits)?)? })
            }
            _ => Err(InvalidDefinition::Item),
        }
    }
}

/// The definition of a requirement; [`from_json`] reads it back.
#[must_use]
pub fn to_json(requirement: &Requirement) -> Value {
    let Audience { administrations, forms, units } = requirement.audience.clone();
    json!(Definition {
        code: requirement.code.clone(),
        title_sv: requirement.title_sv.clone(),
        title_en: requirement.title_en.clone(),
        audience: AudienceDefinition { administrations, forms, units },
        alternatives: requirement.alternatives.iter().map(|items| items.iter().map(Into::into).collect()).collect(),
        new_hire_days: requirement.new_hire_days,
        existing_staff_due_on: requirement.existing_staff_due_on,
        valid_months: requirement.valid_months,
        valid_until: requirement.valid_until,
        counts_from: requirement.counts_from,
        renewal_days: requirement.renewal_days,
        effective_from: requirement.effective_from,
        effective_to: requirement.effective_to,
    })
}

/// Reads what [`to_json`] wrote.
pub fn from_json(definition: Value) -> Result<Requirement, InvalidDefinition> {
    let definition: Definition = serde_json::from_value(definition)?;
    let items = |items: Vec<ItemDefinition>| items.into_iter().map(Item::try_from).collect();
    let alternatives: Vec<Vec<Item>> = definition.alternatives.into_iter().map(items).collect::<Result<_, _>>()?;
    if alternatives.is_empty() || alternatives.iter().any(Vec::is_empty) {
        return Err(InvalidDefinition::NoItems);
    }
    if definition.valid_months.is_some() && definition.valid_until.is_some() {
        return Err(InvalidDefinition::TwoValidities);
    }
    let AudienceDefinition { administrations, forms, units } = definition.audience;
    Ok(Requirement {
        code: definition.code,
        title_sv: definition.title_sv,
        title_en: definition.title_en,
        audience: Audience { administrations, forms, units },
        alternatives,
        new_hire_days: definition.new_hire_days,
        existing_staff_due_on: definition.existing_staff_due_on,
        valid_months: definition.valid_months,
        valid_until: definition.valid_until,
        counts_from: definition.counts_from,
        renewal_days: definition.renewal_days,
        effective_from: definition.effective_from,
        effective_to: definition.effective_to,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rust_decimal::Decimal;

    use super::*;
    use crate::calendar::add_days;

    fn day() -> impl Strategy<Value = NaiveDate> {
        (0u32..20_000).prop_map(|days| add_days("2000-01-01".parse().expect("a day"), days))
    }

    fn item() -> impl Strategy<Value = Item> {
        let course = "[a-zå]{1,8}".prop_map(|id| Item::Course(CourseId::parse(&id).expect("an id")));
        let quiz = ("[a-zå]{1,8}", 1i64..=100_000_000).prop_map(|(id, share)| Item::Quiz {
            quiz: QuizId::parse(&id).expect("an id"),
            pass_mark: PassMark::new(Decimal::new(share, 8)).expect("a mark"),
        });
        prop_oneof![course, quiz]
    }

    prop_compose! {
        fn audience()(
            administrations in prop::collection::btree_set("[A-Z]{1,4}", 0..3),
            forms in prop::collection::btree_set(prop::sample::select(EmploymentForm::ALL.to_vec()), 0..3),
            units in prop::collection::btree_set("[A-Z åäö]{0,8}", 0..3),
        ) -> Audience {
            let code = |code: &String| AdministrationCode::parse(code).expect("a code");
            Audience { administrations: administrations.iter().map(code).collect(), forms, units }
        }
    }

    prop_compose! {
        fn requirement()(
            code in "[a-z0-9][a-z0-9-]{0,19}",
            titles in ("\\PC{1,20}", "\\PC{1,20}"),
            audience in audience(),
            alternatives in prop::collection::vec(prop::collection::vec(item(), 1..4), 1..4),
            numbers in (0u32..1000, 0u32..1000, prop::option::of(1u32..1200)),
            days in (day(), prop::option::of(day()), prop::option::of(day()), prop::option::of(day())),
            valid_until in prop::option::of(prop::sample::select(&["12-31", "02-29", "06-01"])),
        ) -> Requirement {
            Requirement {
                code: RequirementCode::parse(&code).expect("a code"),
                title_sv: titles.0,
                title_en: titles.1,
                audience,
                alternatives,
                new_hire_days: numbers.0,
                renewal_days: numbers.1,
                valid_months: numbers.2.filter(|_| valid_until.is_none()),
                valid_until: valid_until.map(|text| AnnualDay::parse(text).expect("a day")),
                counts_from: days.3,
                effective_from: days.0,
                effective_to: days.1,
                existing_staff_due_on: days.2,
            }
        }
    }

    proptest! {
        #[test]
        fn a_definition_reads_back_as_it_was_written(requirement in requirement()) {
            let text = to_json(&requirement).to_string();
            let back = from_json(serde_json::from_str(&text).expect("JSON")).expect("a definition");
            prop_assert_eq!(back, requirement);
        }
    }

    #[test]
    fn what_is_no_definition_is_refused() {
        let good = json!({
            "code": "infosec", "title_sv": "a", "title_en": "b",
            "audience": {"administrations": [], "forms": ["hourly"], "units": []},
            "alternatives": [[{"course": "c"}, {"quiz": "q", "pass_mark": "0.8"}]],
            "new_hire_days": 30, "existing_staff_due_on": null, "valid_months": 12, "renewal_days": 60,
            "effective_from": "2026-01-01", "effective_to": null,
        });
        assert!(from_json(good.clone()).is_ok());
        let with = |field: &str, value: Value| {
            let mut changed = good.clone();
            changed[field] = value;
            from_json(changed)
        };
        assert!(matches!(with("code", json!("Not A Code")), Err(InvalidDefinition::Form(_))));
        assert!(matches!(with("typo", json!(1)), Err(InvalidDefinition::Form(_))));
        assert!(matches!(with("valid_until", json!("12-31")), Err(InvalidDefinition::TwoValidities)));
        assert!(matches!(with("valid_until", json!("13-31")), Err(InvalidDefinition::Form(_))));
        assert!(matches!(with("alternatives", json!([[]])), Err(InvalidDefinition::NoItems)));
        assert!(matches!(with("alternatives", json!([[{"quiz": "q"}]])), Err(InvalidDefinition::Item)));
        let too_high = json!([[{"quiz": "q", "pass_mark": "1.1"}]]);
        assert!(matches!(with("alternatives", too_high), Err(InvalidDefinition::PassMark(InvalidDecimal::NotAShare))));
    }
}
