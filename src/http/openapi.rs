//! The OpenAPI 3.1 document, generated from the handlers; a test checks that `docs/openapi.json` is a copy of it.
//!
//! The text of an operation is at its handler. Here is what all operations share; `problems` has their errors,
//! `examples` their requests and answers.

mod examples;
mod problems;

use rocket::get;
use rocket::serde::json::Json;
use utoipa::openapi::path::{Operation, Parameter};
use utoipa::openapi::schema::{KnownFormat, Schema, SchemaFormat, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ObjectBuilder, Ref, RefOr};
use utoipa::{Modify, OpenApi, PartialSchema, ToSchema};

use super::api::v1;
use super::guards::query::Query;
use super::problem::Problem;
use crate::domain::approval::State;
use crate::domain::compliance::Status;
use crate::domain::history::Kind;
use crate::domain::report::trend::{Interval, Tree};

pub use problems::{
    BadRows, Conflict, Failed, Forbidden, InQuarantine, MalformedParameter, MovesResults, NotAllCanBeDone, NotFound,
    NotUnderstood, SignatureDoesNotHold, TooLarge, TooLargeForAWorkbook, TooOften, TooSlow, Unauthenticated,
    Unavailable, WrongMediaType,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Kurskoll",
        description = "Which of a city's people have done the training that their work demands, and how we know.",
        contact(name = "Whoever operates this service"),
    ),
    servers((url = "/", description = "This service")),
    paths(
        v1::reports::report::onboarding,
        v1::reports::trend::onboarding,
        v1::directory::reorganisations::make,
        v1::directory::reorganisations::list,
        v1::directory::reorganisations::undo,
        v1::reports::comparison::differences,
        v1::reports::export::export_csv,
        v1::reports::export::export_xlsx,
        v1::reports::export::compliance,
        v1::employees::show::show,
        v1::employees::history::show,
        v1::employees::corrections::make,
        v1::employees::merges::make,
        v1::employees::merges::list,
        v1::employees::merges::undo,
        v1::employees::exemptions::list,
        v1::employees::exemptions::show,
        v1::employees::exemptions::propose,
        v1::employees::exemptions::approve,
        v1::employees::exemptions::reject,
        v1::employees::exemptions::withdraw,
        v1::employees::prior_training::list,
        v1::employees::prior_training::show,
        v1::employees::prior_training::propose,
        v1::employees::prior_training::approve,
        v1::employees::prior_training::reject,
        v1::employees::prior_training::withdraw,
        v1::directory::imports::list,
        v1::directory::imports::show,
        v1::directory::imports::show_difference,
        v1::directory::imports::export_difference,
        v1::directory::imports::undo,
        v1::linking::unlinked::list,
        v1::linking::unlinked::export,
        v1::linking::links::list,
        v1::linking::links::make,
        v1::linking::links::undo,
        v1::linking::bulk::bulk,
        v1::platforms::profiles::list,
        v1::platforms::profiles::check,
        v1::platforms::profiles::show,
        v1::platforms::show::list,
        v1::platforms::show::health,
        v1::receiving::rereading::reread,
        v1::receiving::results::import,
        v1::compliance::result_decisions::list,
        v1::compliance::result_decisions::show,
        v1::compliance::result_decisions::decide,
        v1::compliance::result_decisions::approve,
        v1::compliance::result_decisions::reject,
        v1::receiving::deliveries::list,
        v1::receiving::deliveries::show,
        v1::receiving::deliveries::replay,
        v1::quarantine::workbench::list,
        v1::quarantine::workbench::groups,
        v1::quarantine::workbench::replay,
        v1::quarantine::workbench::take,
        v1::quarantine::workbench::dismiss,
        v1::quarantine::workbench::undo,
        v1::operating::audit::list,
        super::webhooks::receive,
        document,
    ),
    components(
        responses(
            MalformedParameter, Unauthenticated, SignatureDoesNotHold, Forbidden, NotFound, TooSlow, Conflict, TooLarge,
            WrongMediaType, MovesResults, InQuarantine, NotUnderstood, BadRows, NotAllCanBeDone, TooLargeForAWorkbook, Failed, TooOften, Unavailable,
        ),
        schemas(Problem),
    ),
    modifiers(&Bearer, &Shared),
    tags(
        (name = "reports", description = "Figures per administration"),
        (name = "administrations", description = "An administration's people"),
        (name = "employees", description = "One employee, down to the evidence"),
        (name = "exemptions", description = "Whom a requirement does not bind for a time, by hand"),
        (name = "prior training", description = "What was done elsewhere, recognised as evidence"),
        (name = "reorganisations", description = "Administrations that open, close, merge, split or change code"),
        (name = "imports", description = "HR's files that were imported, and what each changed"),
        (name = "linking", description = "Results that wait, and links by hand"),
        (name = "platforms", description = "The learning platforms: the health of each, and its history from before"),
        (name = "results", description = "Results that are withdrawn or restored by hand"),
        (name = "deliveries", description = "What was received, and what is in quarantine"),
        (name = "profiles", description = "How foreign platforms' webhooks are understood"),
        (name = "quarantine", description = "What is authentic and not understood: why, and reading it again"),
        (name = "audit", description = "Who looked at, exported and changed what"),
        (name = "webhooks", description = "The endpoint of the learning platforms"),
        (name = "document", description = "This document"),
    ),
)]
struct Document;

/// A delivery from a platform with the native adapter.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what intake::webhook::native reads")]
pub struct NativeDelivery {
    /// `course.completed`, `quiz.graded` or `completion.revoked`; another type is stored and ignored.
    r#type: String,
    /// When it was sent (RFC 3339).
    timestamp: String,
    /// What happened; its shape depends on the type.
    data: serde_json::Value,
}

/// The bytes of a file.
#[derive(Debug)]
pub struct FileBytes;

impl PartialSchema for FileBytes {
    fn schema() -> RefOr<Schema> {
        let binary = SchemaFormat::KnownFormat(KnownFormat::Binary);
        ObjectBuilder::new().schema_type(Type::String).format(Some(binary)).into()
    }
}

impl ToSchema for FileBytes {}

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some("A signed JWT (EdDSA), as `kurskoll token issue` prints it."))
            .build();
        let signature = ApiKeyValue::with_description(
            "webhook-signature",
            "The Standard Webhooks signature over id, time and body, or what the platform's profile has in its place.",
        );
        if let Some(components) = openapi.components.as_mut() {
            components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
            components.add_security_scheme("signature", SecurityScheme::ApiKey(ApiKey::Header(signature)));
        }
    }
}

/// What every operation has: its examples, the values that its parameters accept, and the `500` answer.
struct Shared;

impl Modify for Shared {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        for path in openapi.paths.paths.values_mut() {
            for operation in [&mut path.get, &mut path.post].into_iter().flatten() {
                complete(operation);
            }
        }
    }
}

fn complete(operation: &mut Operation) {
    let id = operation.operation_id.clone().unwrap_or_default();
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter {
            is_not_empty(parameter);
            name_words(parameter);
        }
    }
    if operation.description.as_ref().is_none_or(String::is_empty) {
        operation.description = operation.summary.as_ref().map(|summary| format!("{summary}."));
    }
    if let Some(RefOr::T(body)) = operation.request_body.as_mut() {
        let examples = examples::of_request(&id);
        for (media, content) in &mut body.content {
            if let RefOr::T(content) = content {
                let is_workbook = media.ends_with("spreadsheetml.sheet");
                let examples = if is_workbook { vec![examples::workbook()] } else { examples.clone() };
                content.examples = examples.into_iter().collect();
            }
        }
    }
    if let Some(RefOr::T(answer)) = operation.responses.responses.get_mut("200")
        && let Some(RefOr::T(content)) = answer.content.get_mut("application/json")
    {
        content.example = examples::of_answer(&id);
    }
    if id != "document" {
        let failed = RefOr::Ref(Ref::from_response_name("Failed"));
        operation.responses.responses.insert("500".to_owned(), failed);
    }
}

/// A parameter that is given has a value.
fn is_not_empty(parameter: &mut Parameter) {
    if let Some(RefOr::T(Schema::Object(text))) = parameter.schema.as_mut()
        && text.schema_type == Type::String.into()
        && text.format.is_none()
    {
        text.min_length = Some(1);
    }
}

/// The values that a parameter accepts, if they are few.
fn name_words(parameter: &mut Parameter) {
    let words: Vec<&str> = match parameter.name.as_str() {
        "since" => {
            let instant = SchemaFormat::KnownFormat(KnownFormat::DateTime);
            parameter.schema = Some(ObjectBuilder::new().schema_type(Type::String).format(Some(instant)).into());
            return;
        }
        "status" => Status::ALL.map(Status::as_str).to_vec(),
        "outcome" => vec!["accepted", "ignored", "quarantined"],
        "state" => State::ALL.map(State::as_str).to_vec(),
        "kind" => Kind::ALL.map(Kind::as_str).to_vec(),
        "dialect" => vec!["rfc4180", "excel-sv"],
        "sort" => vec!["most", "oldest"],
        "interval" => Interval::WORDS.to_vec(),
        "tree" => Tree::WORDS.to_vec(),
        "why" => vec!["unknown", "ambiguous", "contradicted"],
        "dismissed" => vec!["false", "true"],
        _ => return,
    };
    let schema = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words));
    parameter.schema = Some(schema.into());
}

/// The OpenAPI document as it is served.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

/// This document
#[utoipa::path(
    get, path = "/api/v1/openapi.json", tag = "document", operation_id = "document",
    security(()),
    responses(
        (status = 200, description = "OpenAPI 3.1", body = serde_json::Value),
        (status = 400, response = crate::http::openapi::MalformedParameter),
    ),
)]
#[get("/openapi.json")]
pub fn document(query: Query) -> Result<Json<utoipa::openapi::OpenApi>, Problem> {
    query.only(&[])?;
    Ok(Json(openapi()))
}
