//! The alternate request syntax of 1.0.3 (Communication 1.3): any request as the `POST` of a form, for browsers that
//! cannot send others. Only `method` is in the query; headers, parameters and the body are fields of the form.
//!
//! A form is read once and cached with its request; guards and handlers call [`header`] and [`form_of`], and need not
//! know.

use std::sync::Arc;

use percent_encoding::percent_decode_str;
use rocket::data::Data;
use rocket::http::{Method, Status};
use rocket::request::{FromRequest, Outcome as GuardOutcome, Request};
use rocket::route::{Handler, Outcome};
use rocket::{Route, async_trait};

use super::caller::PlatformCaller;
use super::documents::{self, resource_at};
use super::request_parts::{Body, RequestParts, parameters};
use super::{activities, agents, statements};
use crate::app::App;
use crate::app::receiving::receive::Receiving;
use crate::app::xapi::receive::Version;
use crate::config::ReceivingSettings;
use crate::http::problem::Problem;
use crate::http::webhooks::read_body;

/// The headers that fields of the form represent.
const HEADERS: [&str; 6] =
    ["authorization", "x-experience-api-version", "content-type", "content-length", "if-match", "if-none-match"];

/// A request that was sent as a form.
#[derive(Debug)]
pub struct Form {
    /// By their names in lower case.
    headers: Vec<(String, String)>,
    pub parameters: Vec<(String, String)>,
}

struct Kept(Option<Form>);

/// The form as which a request was sent; `None` for the usual syntax.
pub fn form_of<'r>(request: &'r Request<'_>) -> Option<&'r Form> {
    request.local_cache(|| Kept(None)).0.as_ref()
}

/// A header, by its name in lower case: the form's, or else the request's own. `Content-Type` comes only from the form.
pub fn header<'r>(request: &'r Request<'_>, name: &str) -> Option<&'r str> {
    let Some(form) = form_of(request) else { return request.headers().get_one(name) };
    let given = form.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    given.or_else(|| if name.starts_with("content-") { None } else { request.headers().get_one(name) })
}

/// All distinct values of a header, from the form and the request.
pub fn header_values<'r>(request: &'r Request<'_>, name: &str) -> Vec<&'r str> {
    let own = form_of(request).into_iter().flat_map(|form| &form.headers);
    let own = own.filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let mut values: Vec<&str> = own.collect();
    let from_form = !values.is_empty();
    // A value that is equal in both places was sent once and copied.
    let parts: Vec<&str> = request.headers().get(name).collect();
    values.extend(parts.into_iter().filter(|value| !from_form || !values.contains(value)).collect::<Vec<_>>());
    values
}

#[derive(Clone)]
struct Alternate;

/// Ranks before all other `POST` routes; forwards requests without `method`.
#[must_use]
pub fn route() -> Route {
    Route::ranked(-20, Method::Post, "/<resource..>", Alternate)
}

#[async_trait]
impl Handler for Alternate {
    async fn handle<'r>(&self, request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r> {
        let query = parameters(request);
        if !query.iter().any(|(name, _)| name == "method") {
            return Outcome::Forward((data, Status::NotFound));
        }
        match read(request, &query, data).await {
            Ok((method, content)) => dispatch(request, method, content).await,
            Err(problem) => Outcome::from(request, problem),
        }
    }
}

/// Reads the form, caches all but its content with the request, and returns the method that is meant.
async fn read(
    request: &Request<'_>,
    query: &[(String, String)],
    data: Data<'_>,
) -> Result<(Method, Option<Vec<u8>>), Problem> {
    let method = match query {
        [(_, method)] => match method.as_str() {
            "GET" => Method::Get,
            "PUT" => Method::Put,
            "POST" => Method::Post,
            "DELETE" => Method::Delete,
            _ => return Err(Problem::bad_request("The parameter method is none of GET, PUT, POST and DELETE.")),
        },
        _ => {
            return Err(Problem::bad_request(
                "Beside method the address of an alternate request has no parameters. Send them as fields of the form.",
            ));
        }
    };
    let sent_as = SentAs::of(request.headers().get_one("content-type").unwrap_or_default()).ok_or_else(not_a_form)?;
    let settings = request.rocket().state::<ReceivingSettings>();
    let settings = settings.ok_or_else(|| Problem::standard(Status::InternalServerError))?;
    let body = read_body(data, settings.max_xapi_body).await?;
    let (form, content) = parse(&body)?;
    if sent_as == SentAs::Text && form.headers.is_empty() {
        return Err(not_a_form());
    }
    let has_parts = form.headers.iter().any(|(name, value)| {
        name == "content-type"
            && value.trim_start().get(..10).is_some_and(|kind| kind.eq_ignore_ascii_case("multipart/"))
    });
    if has_parts {
        return Err(Problem::bad_request(
            "Attachments cannot be sent in the alternate syntax. Send the request in the usual one.",
        ));
    }
    if content.is_none() && matches!(method, Method::Put | Method::Post) {
        return Err(Problem::bad_request("The form has no field content, which is the body. Send it."));
    }
    request.local_cache(|| Kept(Some(form)));
    // If no version is given, the guard refuses the request.
    let version = header(request, "x-experience-api-version").map(Version::parse);
    if version == Some(Ok(Version::V2_0)) {
        return Err(Problem::bad_request(
            "xAPI 2.0 has no alternate request syntax. Send the request in the usual one, or by 1.0.3.",
        ));
    }
    Ok((method, content))
}

/// How a form was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SentAs {
    Form,
    /// A browser's XDomainRequest cannot set headers: what old authoring tools send with it arrives as `text/plain`, or
    /// without a type. It is a form if it has fields that represent headers.
    Text,
}

impl SentAs {
    fn of(content_type: &str) -> Option<Self> {
        let kind = content_type.split(';').next().unwrap_or_default().trim();
        if kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            Some(Self::Form)
        } else {
            (kind.is_empty() || kind.eq_ignore_ascii_case("text/plain")).then_some(Self::Text)
        }
    }
}

/// Not 415: Communication 3.2 lists the codes that exist, and 415 is not among them.
fn not_a_form() -> Problem {
    Problem::bad_request(
        "The body is no form, as the alternate syntax has it. Send application/x-www-form-urlencoded with the headers, the \
         parameters and the content as its fields.",
    )
}

/// Reads `application/x-www-form-urlencoded` in UTF-8; other encodings would be stored as something else.
fn parse(body: &[u8]) -> Result<(Form, Option<Vec<u8>>), Problem> {
    let malformed = || Problem::bad_request("The form is not application/x-www-form-urlencoded in UTF-8.");
    let text = std::str::from_utf8(body).map_err(|_| malformed())?;
    let decode = |text: &str| {
        let spaced = text.replace('+', " ");
        percent_decode_str(&spaced).decode_utf8().map(std::borrow::Cow::into_owned).map_err(|_| malformed())
    };
    let (mut form, mut content) = (Form { headers: Vec::new(), parameters: Vec::new() }, None);
    for field in text.split('&').filter(|field| !field.is_empty()) {
        let (name, value) = field.split_once('=').unwrap_or((field, ""));
        let (name, value) = (decode(name)?, decode(value)?);
        let in_lower_case = name.to_ascii_lowercase();
        if HEADERS.contains(&in_lower_case.as_str()) {
            if form.headers.iter().any(|(known, _)| *known == in_lower_case) {
                return Err(Problem::bad_request(format!("The field {name} comes twice. Send it once.")));
            }
            form.headers.push((in_lower_case, value));
        } else if name == "content" {
            if content.replace(value.into_bytes()).is_some() {
                return Err(Problem::bad_request("The field content comes twice. Send it once."));
            }
        } else {
            form.parameters.push((name, value));
        }
    }
    Ok((form, content))
}

/// Calls the resource at the address, as a request in the usual syntax would.
async fn dispatch<'r>(request: &'r Request<'_>, method: Method, content: Option<Vec<u8>>) -> Outcome<'r> {
    let segments: Vec<&str> = request.uri().path().segments().skip(1).collect();
    let rocket = request.rocket();
    let (Some(app), Some(receiving), Some(settings)) =
        (rocket.state::<App>(), rocket.state::<Arc<Receiving>>(), rocket.state::<ReceivingSettings>())
    else {
        return Outcome::from(request, Problem::standard(Status::InternalServerError));
    };
    if let ["about"] = segments.as_slice() {
        return Outcome::from(request, super::about::about());
    }
    let caller = match PlatformCaller::from_request(request).await {
        GuardOutcome::Success(caller) => caller,
        GuardOutcome::Error((_, problem)) => return Outcome::from(request, problem),
        GuardOutcome::Forward(status) => return Outcome::Error(status),
    };
    let GuardOutcome::Success(parts) = RequestParts::from_request(request).await else {
        return Outcome::Error(Status::InternalServerError);
    };
    let body = Body::Here(content.unwrap_or_default());
    match (segments.as_slice(), method) {
        (["statements"], Method::Get) => Outcome::from(request, statements::get(app, &caller, &parts).await),
        (["statements"], Method::Post) => {
            Outcome::from(request, statements::post(app, receiving, settings, &caller, &parts, body).await)
        }
        (["statements"], Method::Put) => {
            Outcome::from(request, statements::put_one(app, receiving, settings, &caller, &parts, body).await)
        }
        (["statements", "more", token], Method::Get) => {
            Outcome::from(request, statements::get_more(app, &caller, &parts, token).await)
        }
        (["activities"], Method::Get) => Outcome::from(request, activities::get(app, &caller, &parts).await),
        (["agents"], Method::Get) => Outcome::from(request, agents::get(&caller, &parts)),
        (path, method) => match resource_at(path) {
            Some(resource) => {
                let request_of_form = documents::DocumentRequest { resource, method, caller: &caller, parts: &parts };
                Outcome::from(request, documents::answer(app, settings, &request_of_form, body).await)
            }
            None => Outcome::from(request, Problem::standard(Status::NotFound)),
        },
    }
}
