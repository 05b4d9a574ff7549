//! What a platform's profile reads from other places than the usual ones: the learner, the course, the quiz, the
//! attempt and the time of a statement, each with where it was found. `intake::profile` searches the places.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::results::{Nothing, identified};
use super::verb_mapping::VerbMapping;
use super::{Account as SentAccount, Identifier, Statement};
use crate::profile::{Field, FieldReading, Meaning, Sought, StatementDocument, StatementVerb as Verb, Thing};
use kurskoll_domain::ids::{AttemptName, CourseId, EmployeeNumber, QuizId};
use kurskoll_domain::linking::{Account, LearnerKeys, LinkingKey, normalized};

/// What a profile says of something.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Said<T> {
    /// Nothing: it is in its usual place.
    #[default]
    Usual,
    /// The profile names a place for it in which there is none.
    Missing,
    Is(T),
}

/// How an attempt is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum AttemptIs {
    Number(u32),
    Name(AttemptName),
}

/// What was read from where the profile says.
#[derive(Debug, Default)]
pub(super) struct Places {
    pub(super) learner: Said<LearnerKeys>,
    pub(super) course: Said<CourseId>,
    pub(super) quiz: Said<QuizId>,
    pub(super) attempt: Said<AttemptIs>,
    pub(super) occurred_at: Said<Result<DateTime<Utc>, String>>,
    pub(super) trace: Vec<FieldReading>,
}

impl<T> Said<T> {
    /// What was read, or what the usual place has.
    pub(super) fn or_usual(self, missing: Nothing, usual: impl FnOnce() -> Result<T, Nothing>) -> Result<T, Nothing> {
        match self {
            Self::Usual => usual(),
            Self::Missing => Err(missing),
            Self::Is(found) => Ok(found),
        }
    }
}

impl Places {
    /// Reads a statement by the profile; nothing is looked for if the profile names no places.
    pub(super) fn read(
        statement: &Statement<'_>,
        verb: Verb<'_>,
        mapping: &VerbMapping,
        received_at: DateTime<Utc>,
    ) -> Self {
        let mut places = Self::default();
        if mapping.fields.is_empty() {
            return places;
        }
        let Some(document) = StatementDocument::of(statement.raw) else { return places };
        let mut seeker = Seeker { mapping, verb, document: &document, trace: Vec::new() };
        places.learner = seeker.learner();
        places.course = seeker.one(Field::Course, |thing| CourseId::parse(&id_of(thing)?).ok(), |id| id.to_string());
        places.quiz = seeker.one(Field::Quiz, |thing| QuizId::parse(&id_of(thing)?).ok(), |id| id.to_string());
        places.attempt = seeker.one(Field::Attempt, attempt_of, |attempt| match attempt {
            AttemptIs::Number(number) => number.to_string(),
            AttemptIs::Name(name) => name.to_string(),
        });
        places.occurred_at = seeker.time(received_at);
        places.trace = seeker.trace;
        places
    }
}

struct Seeker<'s> {
    mapping: &'s VerbMapping,
    verb: Verb<'s>,
    document: &'s StatementDocument,
    trace: Vec<FieldReading>,
}

impl Seeker<'_> {
    fn seek(&self, field: Field) -> Option<Sought> {
        let is_of = |kind: &str, types: &[String]| {
            let is = |known: &[String]| known.iter().any(|known| known == kind);
            types.iter().any(|name| match name.as_str() {
                "course" => is(&self.mapping.courses),
                "quiz" => is(&self.mapping.quizzes),
                "attempt" => is(&self.mapping.attempts),
                other => other == kind,
            })
        };
        self.mapping.fields.seek(field, self.verb, self.document, &is_of)
    }

    fn note(&mut self, field: Field, sought: Sought, meaning: Meaning) {
        let sent = sought.found.as_ref().map(Thing::shown);
        let Sought { looked_at, pointer, .. } = sought;
        self.trace.push(FieldReading { field, looked_at, pointer, sent, meaning });
    }

    /// A field that gives a value, or not.
    fn one<T>(
        &mut self,
        field: Field,
        read: impl FnOnce(&Thing) -> Option<T>,
        show: impl FnOnce(&T) -> String,
    ) -> Said<T> {
        let Some(sought) = self.seek(field) else { return Said::Usual };
        let value = sought.found.as_ref().and_then(read);
        let meaning = match (&value, &sought.found) {
            (Some(value), _) => Meaning::Is(show(value)),
            (None, None) => Meaning::Nothing,
            (None, Some(_)) => Meaning::NotUnderstood(format!("gives no {}", field.as_str())),
        };
        self.note(field, sought, meaning);
        value.map_or(Said::Missing, Said::Is)
    }

    /// The learner by an agent or a text, and by separate keys.
    fn learner(&mut self) -> Said<LearnerKeys> {
        let mapping = self.mapping;
        let key = mapping.fields.key_of(Field::Learner, self.verb).or(mapping.account_name_is);
        let agent = self.one(Field::Learner, |thing| person(thing, key, mapping), |_| "one person".to_owned());
        let text = |thing: &Thing| match thing {
            Thing::Text(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
            Thing::Object(_) | Thing::Several | Thing::Unlisted(_) => None,
        };
        let number =
            self.one(Field::EmployeeNumber, |thing| EmployeeNumber::parse(&text(thing)?).ok(), ToString::to_string);
        let email = self.one(Field::Email, |thing| text(thing).map(|text| address_of(&text)), Clone::clone);
        let username = self.one(Field::Username, |thing| text(thing).map(|text| normalized(&text)), Clone::clone);
        let home_page = self.one(Field::AccountHomePage, text, Clone::clone);
        let name = self.one(Field::AccountName, text, Clone::clone);
        let says_nothing = matches!(agent, Said::Usual)
            && matches!(number, Said::Usual)
            && matches!(email, Said::Usual)
            && matches!(username, Said::Usual)
            && matches!(name, Said::Usual);
        if says_nothing {
            return Said::Usual;
        }
        let mut keys = if let Said::Is(keys) = agent { keys } else { LearnerKeys::default() };
        if let Said::Is(number) = number {
            keys.employee_number = Some(number);
        }
        if let Said::Is(email) = email {
            keys.email = Some(email);
        }
        if let Said::Is(username) = username {
            keys.username = Some(username);
        }
        if let (Said::Is(home_page), Said::Is(name)) = (home_page, name) {
            keys.account = Some(Account { home_page, name });
        }
        if keys.is_empty() { Said::Missing } else { Said::Is(keys) }
    }

    fn time(&mut self, received_at: DateTime<Utc>) -> Said<Result<DateTime<Utc>, String>> {
        let Some(sought) = self.seek(Field::OccurredAt) else { return Said::Usual };
        let read = match &sought.found {
            Some(Thing::Text(text)) => {
                let read = self.mapping.fields.time(Field::OccurredAt, self.verb, text, received_at);
                read.map_err(|fault| fault.to_string()).transpose()
            }
            Some(_) => Some(Err("is no time: let the profile look for one".to_owned())),
            None => None,
        };
        let meaning = match &read {
            Some(Ok(instant)) => Meaning::Is(instant.to_rfc3339()),
            Some(Err(problem)) => Meaning::NotUnderstood(problem.clone()),
            None => Meaning::Nothing,
        };
        self.note(Field::OccurredAt, sought, meaning);
        read.map_or(Said::Missing, Said::Is)
    }
}

/// The id of an activity, or a text that is one.
fn id_of(thing: &Thing) -> Option<String> {
    match thing {
        Thing::Text(text) => Some(text.clone()),
        Thing::Object(activity) => activity.get("id").and_then(Value::as_str).map(str::to_owned),
        Thing::Several | Thing::Unlisted(_) => None,
    }
}

fn attempt_of(thing: &Thing) -> Option<AttemptIs> {
    let text = id_of(thing)?;
    match text.parse::<u32>() {
        Ok(0) => None,
        Ok(number) => Some(AttemptIs::Number(number)),
        Err(_) => Some(AttemptIs::Name(AttemptName::of_address(&text))),
    }
}

/// The keys of one person: of an agent, of a group that is one, or of a text, which is a key of the profile's kind.
fn person(thing: &Thing, key: Option<LinkingKey>, mapping: &VerbMapping) -> Option<LearnerKeys> {
    match thing {
        Thing::Object(value) => of_agent(value, mapping),
        Thing::Text(text) => of_text(text.trim(), key),
        Thing::Several | Thing::Unlisted(_) => None,
    }
}

fn of_text(text: &str, key: Option<LinkingKey>) -> Option<LearnerKeys> {
    let mut keys = LearnerKeys::default();
    let is_mailto = text.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("mailto:"));
    match key {
        _ if is_mailto => keys.email = Some(address_of(text)).filter(|address| !address.is_empty()),
        Some(LinkingKey::EmployeeNumber) => keys.employee_number = EmployeeNumber::parse(text).ok(),
        Some(LinkingKey::Email) => keys.email = Some(address_of(text)).filter(|address| !address.is_empty()),
        Some(LinkingKey::Username) => keys.username = Some(normalized(text)).filter(|name| !name.is_empty()),
        // An account has a home page, which a text lacks.
        Some(LinkingKey::Account) | None => {}
    }
    (!keys.is_empty()).then_some(keys)
}

fn of_agent(value: &Value, mapping: &VerbMapping) -> Option<LearnerKeys> {
    if let Some(members) = value.get("member").and_then(Value::as_array) {
        // A group of one is that one; of several, the learner is unknown.
        return match members.as_slice() {
            [one] => of_agent(one, mapping),
            _ => None,
        };
    }
    let text = |name: &str| value.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    let account = value.get("account");
    let of_account = |name: &str| account.and_then(|account| account.get(name)).and_then(Value::as_str);
    let identifier = if let Some(mbox) = text("mbox") {
        Identifier::Mbox(mbox.into())
    } else if let Some(sum) = text("mbox_sha1sum") {
        Identifier::MboxSha1Sum(sum.into())
    } else if let Some(id) = text("openid") {
        Identifier::OpenId(id.into())
    } else {
        let (home_page, name) = of_account("homePage").zip(of_account("name"))?;
        Identifier::Account(SentAccount { home_page: home_page.into(), name: name.into() })
    };
    identified(&identifier, mapping)
}

fn address_of(text: &str) -> String {
    let address = text.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("mailto:")).map(|_| &text[7..]);
    normalized(address.unwrap_or(text))
}
