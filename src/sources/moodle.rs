//! Moodle's web service (REST, JSON), which is queried for completions.
//!
//! Its functions are those of Moodle's own: `core_webservice_get_site_info`, `core_course_get_courses_by_field`,
//! `core_enrol_get_enrolled_users` and `core_completion_get_course_completion_status`. `intake::moodle` reads their
//! answers.

use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use url::form_urlencoded;

use super::{Address, SourceError, client, fetch};

/// A Moodle, and the token with which Kurskoll may query it.
pub struct Moodle {
    client: Client,
    address: Address,
    token: String,
}

impl std::fmt::Debug for Moodle {
    // Leaves out the token.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Moodle").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Moodle {
    /// * `address`: Moodle's own (`$CFG->wwwroot`); the web service is below it.
    pub fn new(address: Address, token: &str) -> Result<Self, SourceError> {
        Ok(Self { client: client()?, address, token: token.to_owned() })
    }

    /// The name of the machine, for messages.
    #[must_use]
    pub fn host(&self) -> &str {
        self.address.host()
    }

    /// The site's information about itself.
    pub async fn site(&self) -> Result<Vec<u8>, SourceError> {
        self.call("core_webservice_get_site_info", &[]).await
    }

    /// The courses whose `field` (`id`, `idnumber` or `shortname`) is `value`.
    pub async fn courses(&self, field: &str, value: &str) -> Result<Vec<u8>, SourceError> {
        self.call("core_course_get_courses_by_field", &[("field", field), ("value", value)]).await
    }

    /// Some of a course's users, by their ids: `count` of them from the place `from` on.
    pub async fn users(&self, course: u64, from: usize, count: usize) -> Result<Vec<u8>, SourceError> {
        let (course, from, count) = (course.to_string(), from.to_string(), count.to_string());
        let options = [
            ("courseid", course.as_str()),
            ("options[0][name]", "userfields"),
            ("options[0][value]", "id,username,email,idnumber"),
            ("options[1][name]", "limitfrom"),
            ("options[1][value]", from.as_str()),
            ("options[2][name]", "limitnumber"),
            ("options[2][value]", count.as_str()),
            ("options[3][name]", "sortby"),
            ("options[3][value]", "id"),
        ];
        self.call("core_enrol_get_enrolled_users", &options).await
    }

    /// How far a user has come in a course.
    pub async fn completion(&self, course: u64, user: u64) -> Result<Vec<u8>, SourceError> {
        let (course, user) = (course.to_string(), user.to_string());
        let parameters = [("courseid", course.as_str()), ("userid", user.as_str())];
        self.call("core_completion_get_course_completion_status", &parameters).await
    }

    async fn call(&self, function: &str, parameters: &[(&str, &str)]) -> Result<Vec<u8>, SourceError> {
        // In the body: addresses are written to logs, and the token is a secret.
        let own = [("wstoken", self.token.as_str()), ("wsfunction", function), ("moodlewsrestformat", "json")];
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(own).extend_pairs(parameters).finish();
        let request = self.client.post(self.address.below("webservice/rest/server.php"));
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form);
        Ok(fetch(self.address.host(), request).await?.body)
    }
}
