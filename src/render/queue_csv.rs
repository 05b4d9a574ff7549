//! The queue of unlinked results as CSV: one line for each entry.

use chrono::{DateTime, SecondsFormat, Utc};

use super::export_csv::{Dialect, Line, begin_file};

/// The columns of the file. Several values stand in one cell, with spaces between.
pub const QUEUE_COLUMNS: [&str; 16] = [
    "platform",
    "key",
    "value",
    "home_page",
    "why",
    "results",
    "first_recorded_at",
    "last_recorded_at",
    "keys",
    "courses",
    "quizzes",
    "counts_towards",
    "candidates",
    "suggestions",
    "suggested_because",
    "dismissed_because",
];

/// An entry as the file writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueRow {
    pub platform: String,
    pub key: &'static str,
    pub value: String,
    pub home_page: String,
    pub why: &'static str,
    pub results: u64,
    pub first_recorded_at: DateTime<Utc>,
    pub last_recorded_at: DateTime<Utc>,
    /// Each key with its verdict, as `email:unknown`.
    pub keys: Vec<String>,
    pub courses: Vec<String>,
    pub quizzes: Vec<String>,
    pub counts_towards: Vec<String>,
    pub candidates: Vec<String>,
    /// Employee numbers, the likeliest first.
    pub suggestions: Vec<String>,
    /// Why the likeliest is suggested.
    pub suggested_because: Vec<String>,
    pub dismissed_because: String,
}

/// The whole file.
#[must_use]
pub fn queue_csv(rows: &[QueueRow], dialect: Dialect) -> Vec<u8> {
    let mut out = Vec::new();
    begin_file(&mut out, dialect, &QUEUE_COLUMNS);
    for row in rows {
        let instant = |instant: DateTime<Utc>| instant.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        let mut line = Line::new(&mut out, dialect);
        line.text(&row.platform);
        line.word(row.key);
        line.text(&row.value);
        line.text(&row.home_page);
        line.word(row.why);
        line.word(&row.results.to_string());
        line.word(&instant(row.first_recorded_at));
        line.word(&instant(row.last_recorded_at));
        for several in [&row.keys, &row.courses, &row.quizzes, &row.counts_towards, &row.candidates, &row.suggestions] {
            line.text(&several.join(" "));
        }
        line.text(&row.suggested_because.join(", "));
        line.text(&row.dismissed_because);
        line.end();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_a_line_and_what_a_spreadsheet_would_run_is_defused() {
        let at = "2026-02-26T12:00:00Z".parse().expect("an instant");
        let row = QueueRow {
            platform: "larportal".to_owned(),
            key: "username",
            value: "=cmd".to_owned(),
            home_page: String::new(),
            why: "unknown",
            results: 2,
            first_recorded_at: at,
            last_recorded_at: at,
            keys: vec!["email:not_given".to_owned(), "username:unknown".to_owned()],
            courses: vec!["infosec-basics".to_owned()],
            quizzes: vec![],
            counts_towards: vec!["infosec-onboarding".to_owned()],
            candidates: vec![],
            suggestions: vec!["104233".to_owned(), "104871".to_owned()],
            suggested_because: vec!["has the same given and family name".to_owned()],
            dismissed_because: String::new(),
        };
        let text = String::from_utf8(queue_csv(&[row], Dialect::Rfc4180)).expect("UTF-8");
        insta::assert_snapshot!(text.replace("\r\n", "\n"), @"
        platform,key,value,home_page,why,results,first_recorded_at,last_recorded_at,keys,courses,quizzes,counts_towards,candidates,suggestions,suggested_because,dismissed_because
        larportal,username,'=cmd,,unknown,2,2026-02-26T12:00:00Z,2026-02-26T12:00:00Z,email:not_given username:unknown,infosec-basics,,infosec-onboarding,,104233 104871,has the same given and family name,
        ");
    }
}
