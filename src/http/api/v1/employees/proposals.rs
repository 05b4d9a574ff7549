//! What exemptions and prior training have in common: listed, shown, proposed, approved, rejected and withdrawn.
//!
//! The endpoints are in `exemptions.rs` and `prior_training.rs`; their bodies and answers in `proposal_views.rs`.

use rocket::State;
use rocket::http::Status;
use rocket::serde::json::Json;
use serde::Deserialize;
use utoipa::ToSchema;

use super::corrections::reason;
use super::proposal_views::{ProposalBody, ProposalView};
use crate::app::employees::propose::{DecideError, Decision, ProposalAnswer, ProposalsRequest};
use crate::app::{App, Caller};
use crate::domain::approval;
use crate::domain::ids::EmployeeNumber;
use crate::http::guards::json::JsonBody;
use crate::http::guards::query::Query;
use crate::http::problem::Problem;

/// Why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReasonBody {
    #[schema(example = "does not work in the field any more")]
    pub(in crate::http::api::v1) reason: String,
}

/// A JSON body, as the guard gives it.
type Body<T> = Result<JsonBody<T>, Problem>;
type Answer<V> = Result<Json<V>, Problem>;

fn id(text: &str) -> Result<i64, Problem> {
    text.parse().map_err(|_| Problem::not_found(format!("nothing of this kind with the id {text} is known here")))
}

fn answer<V: ProposalView>(answer: ProposalAnswer) -> Answer<V> {
    let id = answer.proposal.id;
    V::of(answer).map(Json).ok_or_else(|| DecideError::Unknown(id).into())
}

/// A page of a kind, and the `before` of the next.
pub(super) async fn list<V: ProposalView>(
    app: &State<App>,
    caller: &Caller,
    query: Query,
) -> Result<(Vec<V>, Option<String>), Problem> {
    let query = query.only(&["employee_number", "state", "limit", "before"])?;
    let state = query.text("state").map(|text| {
        let words = approval::State::ALL.map(approval::State::as_str).join(", ");
        approval::State::parse(text).ok_or_else(|| Problem::bad_request(format!("state={text} is none of: {words}")))
    });
    let at_most = query.limit(100, 500)?;
    let request = ProposalsRequest {
        kind: V::KIND,
        number: query.id("employee_number", EmployeeNumber::parse)?,
        state: state.transpose()?,
        before: query.row("before")?,
        at_most,
    };
    let found = app.list_proposals(caller, &request).await?;
    let next = found.last().filter(|_| found.len() == at_most).map(|last| last.proposal.id.to_string());
    Ok((found.into_iter().filter_map(V::of).collect(), next))
}

pub(super) async fn show<V: ProposalView>(app: &State<App>, caller: &Caller, query: Query, id_text: &str) -> Answer<V> {
    query.only(&[])?;
    answer(app.show_proposal(caller, (V::KIND, id(id_text)?)).await?)
}

pub(super) async fn propose<B: ProposalBody>(
    app: &State<App>,
    caller: &Caller,
    query: Query,
    body: Body<B>,
) -> Answer<B::View> {
    query.only(&[])?;
    let JsonBody(body) = body?;
    answer(app.propose(caller, &body.request()?).await?)
}

pub(super) async fn approve<V: ProposalView>(
    app: &State<App>,
    caller: &Caller,
    query: Query,
    id_text: &str,
) -> Answer<V> {
    query.only(&[])?;
    answer(app.decide(caller, (V::KIND, id(id_text)?), &Decision::Approve).await?)
}

pub(super) async fn reject<V: ProposalView>(
    app: &State<App>,
    caller: &Caller,
    query: Query,
    id_text: &str,
    body: Body<ReasonBody>,
) -> Answer<V> {
    query.only(&[])?;
    let decision = Decision::Reject(reason(&body?.0.reason)?);
    answer(app.decide(caller, (V::KIND, id(id_text)?), &decision).await?)
}

pub(super) async fn withdraw<V: ProposalView>(
    app: &State<App>,
    caller: &Caller,
    query: Query,
    id_text: &str,
    body: Body<ReasonBody>,
) -> Answer<V> {
    query.only(&[])?;
    let decision = Decision::Withdraw(reason(&body?.0.reason)?);
    answer(app.decide(caller, (V::KIND, id(id_text)?), &decision).await?)
}

impl From<DecideError> for Problem {
    fn from(error: DecideError) -> Self {
        match error {
            DecideError::Refused(refused) => Self::forbidden(refused.to_string()),
            DecideError::UnknownEmployee(_) | DecideError::Unknown(_) => Self::not_found(error.to_string()),
            DecideError::UnknownRequirement(_) => {
                Self::unprocessable("unknown-requirement", error.to_string()).with_pointer("/requirement")
            }
            DecideError::InTheFuture(_) => {
                Self::unprocessable("not-understood", error.to_string()).with_pointer("/completed_on")
            }
            DecideError::Known(id) => Self::conflict("known-already", error.to_string()).with_member("id", id),
            DecideError::SamePerson { .. } => {
                let title = "Two persons must agree";
                Self::new(Status::Conflict, "same-person", title, error.to_string())
            }
            DecideError::NotInThatState { .. } => Self::conflict("not-in-that-state", error.to_string()),
            DecideError::Store(error) => Self::internal(&error),
        }
    }
}
