//! `/Bulk`.

use rocket::{State, post};

use super::answers::{ScimAnswer, ScimProblem};
use super::requests::ScimBody;
use crate::app::scim::ScimEndpoint;
use crate::app::{App, Caller};

#[post("/Bulk", data = "<body>")]
pub async fn carry_out(
    app: &State<App>,
    endpoint: &State<ScimEndpoint>,
    caller: Caller,
    body: Result<ScimBody, ScimProblem>,
) -> Result<ScimAnswer, ScimProblem> {
    caller.may_provision()?;
    Ok(ScimAnswer::Plain(app.scim_bulk(&caller, endpoint, &body?.0).await?))
}
