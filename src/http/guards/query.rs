//! Query parameters, read strictly: one that is misspelt, repeated or malformed is refused, never ignored.

use chrono::{DateTime, NaiveDate, Utc};
use rocket::Request;
use rocket::request::{FromRequest, Outcome};

use crate::app::reports::clocks::Clocks;
use crate::domain::compliance::Status;
use crate::domain::ids::InvalidId;
use crate::http::problem::Problem;
use crate::render::export_csv::Dialect;

/// The parameters of a request, in the order in which they were sent.
#[derive(Debug)]
pub struct Query(Vec<(String, String)>);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Query {
    type Error = std::convert::Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
        let fields = request.query_fields().map(|field| (field.name.to_string(), field.value.to_owned()));
        Outcome::Success(Self(fields.collect()))
    }
}

fn malformed(name: &str, value: &str, expected: &str) -> Problem {
    Problem::bad_request(format!("{name}={value} is not {expected}"))
}

impl Query {
    /// Refuses each parameter that is not one of these, is given twice, or is empty.
    pub fn only(self, known: &[&str]) -> Result<Self, Problem> {
        for (place, (name, value)) in self.0.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                return Err(Problem::bad_request(format!("{name} is not a parameter here; these are: {known}")));
            }
            if self.0.iter().take(place).any(|(earlier, _)| earlier == name) {
                return Err(Problem::bad_request(format!("{name} is given twice; give it once")));
            }
            if value.is_empty() {
                return Err(Problem::bad_request(format!("{name} is empty; give it a value, or leave it out")));
            }
        }
        Ok(self)
    }

    /// The text of a parameter; `None` if it is missing.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(given, _)| given == name);
        found.map(|(_, value)| value.as_str())
    }

    /// A code or a number that identifies something.
    pub fn id<T>(&self, name: &str, parse: impl Fn(&str) -> Result<T, InvalidId>) -> Result<Option<T>, Problem> {
        let parsed = self.text(name).map(parse).transpose();
        parsed.map_err(|why| Problem::bad_request(format!("{name} {why}")))
    }

    /// The same, but required.
    pub fn required_id<T>(&self, name: &str, parse: impl Fn(&str) -> Result<T, InvalidId>) -> Result<T, Problem> {
        let missing = || Problem::bad_request(format!("{name} is missing; give it as ?{name}=…"));
        self.id(name, parse)?.ok_or_else(missing)
    }

    pub fn day(&self, name: &str) -> Result<Option<NaiveDate>, Problem> {
        let parse = |text: &str| text.parse().map_err(|_| malformed(name, text, "a day such as 2026-02-26"));
        self.text(name).map(parse).transpose()
    }

    pub fn instant(&self, name: &str) -> Result<Option<DateTime<Utc>>, Problem> {
        // A plus sign that was not encoded has become a space.
        let parse = |text: &str| {
            DateTime::parse_from_rfc3339(&text.replace(' ', "+"))
                .map(|instant| instant.to_utc())
                .map_err(|_| malformed(name, text, "an instant such as 2026-02-26T12:00:00Z (RFC 3339)"))
        };
        self.text(name).map(parse).transpose()
    }

    /// `as_of` and `known_at`.
    pub fn clocks(&self) -> Result<Clocks, Problem> {
        Ok(Clocks { as_of: self.day("as_of")?, known_at: self.instant("known_at")? })
    }

    pub fn status(&self, name: &str) -> Result<Option<Status>, Problem> {
        let words = || Status::ALL.map(Status::as_str).join(", ");
        let parse = |text: &str| {
            Status::parse(text).ok_or_else(|| malformed(name, text, &format!("a status; these are: {}", words())))
        };
        self.text(name).map(parse).transpose()
    }

    /// One of a few values.
    pub fn word(&self, name: &str, words: &[&str]) -> Result<Option<&str>, Problem> {
        let known = |text: &&str| words.contains(text);
        let wrong = |text: &str| malformed(name, text, &format!("one of {}", words.join(", ")));
        self.text(name).map(|text| Some(text).filter(known).ok_or_else(|| wrong(text))).transpose()
    }

    /// How a file's cells are written.
    pub fn dialect(&self) -> Result<Dialect, Problem> {
        let wrong = |text| Problem::bad_request(format!("dialect={text} is neither rfc4180 nor excel-sv"));
        let parse = |text| Dialect::parse(text).ok_or_else(|| wrong(text));
        Ok(self.text("dialect").map(parse).transpose()?.unwrap_or_default())
    }

    /// A row's id, as an earlier answer gave it.
    pub fn row(&self, name: &str) -> Result<Option<i64>, Problem> {
        let parse = |text: &str| text.parse().map_err(|_| malformed(name, text, "an id from an earlier answer"));
        self.text(name).map(parse).transpose()
    }

    /// How many items to answer with: between 1 and `most`.
    pub fn limit(&self, standard: usize, most: usize) -> Result<usize, Problem> {
        let Some(text) = self.text("limit") else { return Ok(standard) };
        let wrong = || malformed("limit", text, &format!("a number from 1 to {most}"));
        text.parse().ok().filter(|limit| (1..=most).contains(limit)).ok_or_else(wrong)
    }
}
