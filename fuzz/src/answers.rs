//! What other systems answer to requests: a store's pages of statements, and Moodle's web service.

use kurskoll_intake::moodle::{Completion, Course, NamedBy, Progress, Site, User};
use kurskoll_intake::xapi::multipart;
use kurskoll_intake::xapi::statement_result::{PageStatement, StatementResult, as_body};
use kurskoll_intake::xapi::{Version, read_body};

use super::{now, text};

const PARTS: &str = "multipart/mixed; boundary=b";

pub fn read(bytes: &[u8]) {
    match StatementResult::read(bytes) {
        Ok(page) => {
            assert!(page.more.as_deref() != Some(""));
            let (content_type, body) = as_body(&page.statements, &[]);
            assert_eq!(content_type, "application/json");
            // Whether or not the endpoint accepts them, they are as many as the page has, with the same text.
            if let Ok(again) = read_body(&body, Version::V1_0_3) {
                let raws: Vec<&str> = again.statements.iter().map(|statement| statement.raw).collect();
                assert_eq!(raws, page.statements.iter().map(|reported| reported.raw).collect::<Vec<_>>());
            }
        }
        Err(fault) => assert!(!fault.to_string().is_empty()),
    }
    for content_type in ["application/json", PARTS] {
        if let Ok((reported, contents)) = PageStatement::read_one(content_type, bytes) {
            let (content_type, body) = as_body(&[reported], &contents);
            if !contents.is_empty() {
                let again = multipart::parse(&content_type, &body);
                assert!(again.is_ok_and(|again| again.attachments == contents));
            }
        }
    }
    moodle(bytes);
}

fn moodle(bytes: &[u8]) {
    drop(Progress::read(bytes));
    let site = Site::read(bytes).unwrap_or(Site { address: "https://larportal.example.org".to_owned() });
    let courses = Course::read_all(bytes).unwrap_or_default();
    let users = match User::read_all(bytes) {
        Ok(users) => users,
        Err(fault) => {
            assert!(!fault.to_string().is_empty());
            return;
        }
    };
    let other = Course { id: 2, shortname: text(bytes).to_owned(), idnumber: String::new() };
    for user in users.iter().take(20) {
        let course = courses.first().unwrap_or(&other);
        let completion = Completion { site: &site, course, user, at: now() };
        assert!(serde_json::from_slice::<serde_json::Value>(&completion.as_webhook()).is_ok());
        for named_by in [NamedBy::UserId, NamedBy::Username, NamedBy::Email] {
            let statement = completion.as_statement(named_by);
            assert!(statement.is_none_or(|statement| serde_json::from_str::<serde_json::Value>(&statement).is_ok()));
        }
    }
}
