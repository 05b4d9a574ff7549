//! The errors that operations are documented with; each example is a problem as `Problem` itself writes it.

use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use rocket::http::Status;
use utoipa::ToResponse;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::schema::Type;
use utoipa::openapi::{Content, ObjectBuilder, Ref, RefOr, Response, ResponseBuilder};

use crate::app::linking::moves::{LinkMoves, MovedPerson};
use crate::domain::access::Refused;
use crate::domain::compliance::Status as ComplianceState;
use crate::domain::directory::problem::{Fault, FileKind, RowProblem, RowProblems};
use crate::domain::ids::{CourseId, EventId, PlatformId, RequirementCode};
use crate::domain::training::{LinkedResult, ResultKind, Target};
use crate::http::api::v1::linking::bulk::not_all;
use crate::http::api::v1::linking::links::moves_results;
use crate::http::api::v1::receiving::results::bad_rows;
use crate::http::problem::{Challenge, Problem};

fn documented(description: &str, problem: &Problem) -> RefOr<Response> {
    let mut content = Content::new(Some(Ref::from_schema_name("Problem")));
    content.example = Some(problem.example());
    let mut response = ResponseBuilder::new().description(description).content("application/problem+json", content);
    if problem.challenge.is_some() {
        let text = ObjectBuilder::new().schema_type(Type::String);
        let header = HeaderBuilder::new().schema(Some(text)).description(Some("How to authenticate"));
        response = response.header("WWW-Authenticate", header.build());
    }
    if problem.retry_after.is_some() {
        let seconds = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0));
        let header = HeaderBuilder::new().schema(Some(seconds)).description(Some("After how many seconds to retry"));
        response = response.header("Retry-After", header.build());
    }
    response.build().into()
}

fn example_rows() -> RowProblems {
    RowProblem {
        file: FileKind::Results,
        line: Some(17),
        column: Some("occurred_at".into()),
        value: Some("i maj".to_owned()),
        fault: Fault::NotAnInstant,
    }
    .into()
}

fn example_moves() -> LinkMoves {
    let at = DateTime::UNIX_EPOCH + TimeDelta::days(20_504);
    let loses = CourseId::parse("infosec-basics").ok().zip(EventId::parse("msg_2KWPBgLlAfxdpx2AI54pPJ85f4W").ok());
    let lost = loses.map(|(course, event_id)| LinkedResult {
        platform: PlatformId(1),
        event_id,
        target: Target::Course(course),
        kind: ResultKind::Completion,
        occurred_at: at,
        day: at.date_naive(),
        reported_at: None,
    });
    let statuses = RequirementCode::parse("infosec-onboarding").ok();
    let statuses = statuses.map(|code| (code, (Some(ComplianceState::Compliant), Some(ComplianceState::Pending))));
    let person = MovedPerson {
        employee_number: "104233".to_owned(),
        gains: Vec::new(),
        loses: lost.into_iter().collect(),
        statuses: statuses.into_iter().collect(),
    };
    LinkMoves { people: vec![person], dismissed: 0 }
}

macro_rules! problem_responses {
    ($($name:ident: $description:literal, $problem:expr;)*) => {$(
        #[doc = $description]
        #[derive(Debug)]
        pub struct $name;

        impl<'r> ToResponse<'r> for $name {
            fn response() -> (&'r str, RefOr<Response>) {
                (stringify!($name), documented($description, &$problem))
            }
        }
    )*};
}

problem_responses! {
    MalformedParameter: "A parameter is misspelt, repeated or malformed",
        Problem::bad_request("as_of=2026-02-30 is not a day such as 2026-02-26");
    Unauthenticated: "No token, or one that is not valid",
        Problem::unauthenticated(
            "token-expired",
            "The caller cannot be identified: the token has expired. Ask the operator for a new one (\"kurskoll token issue\").",
        )
        .with_challenge(Challenge::BearerInvalidToken);
    SignatureDoesNotHold: "The signature, its secret or its time is not valid",
        Problem::new(
            Status::Unauthorized,
            "signature-does-not-hold",
            "The signature is not valid",
            "no signature was made with a secret of this platform over these bytes",
        );
    Forbidden: "The roles of the token do not allow this",
        Problem::forbidden(Refused.to_string());
    NotFound: "Does not exist, or is not visible to the caller; the answer is the same",
        Problem::not_found("no administration XYZ is known here");
    TooSlow: "The request did not arrive in time",
        Problem::request_timeout(Duration::from_secs(10), 1024);
    Conflict: "A delivery with this id and other bytes is stored; that one stays",
        Problem::conflict(
            "delivery-conflict",
            "A delivery with this webhook-id and another body is stored; that one stays. Send what is new under a new id.",
        )
        .with_member("event_id", "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W");
    MovesResults: "The link would take results from an employee; nothing was linked",
        moves_results(example_moves());
    TooLarge: "The body is larger than what is accepted",
        Problem::payload_too_large(256 * 1024);
    WrongMediaType: "The body is not JSON by its Content-Type",
        Problem::unsupported_media_type("application/json");
    InQuarantine: "Authentic, but not understood: stored in quarantine, and can be replayed",
        Problem::unprocessable(
            "not-understood",
            "The delivery is in quarantine: /data/course/id is missing: send a text or a whole number",
        )
        .with_pointer("/data/course/id")
        .with_member("event_id", "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W")
        .with_member("delivery_id", 17);
    NotUnderstood: "The body is not what belongs here",
        Problem::unprocessable("not-understood", "reason is empty; say how you know").with_pointer("/reason");
    BadRows: "Rows that cannot be accepted, each with its line, column and reason; nothing was imported",
        bad_rows(&example_rows());
    NotAllCanBeDone: "The body is not what belongs here, or one of the operations cannot be done and all were to be",
        not_all(&[("/operations/1".to_owned(), "no employee 4711 is known here".to_owned())]);
    TooLargeForAWorkbook: "More rows than a workbook holds; request CSV",
        Problem::unprocessable(
            "too-large-for-a-workbook",
            "a worksheet holds 1048575 rows below its header; export one requirement, or CSV",
        );
    Failed: "The register failed; the log has the rest under the request id",
        Problem::standard(Status::InternalServerError);
    TooOften: "More often than is allowed",
        Problem::too_many_requests(7);
    Unavailable: "Not now; the same may be sent again",
        Problem::unavailable(5);
}
