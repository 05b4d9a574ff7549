//! `/Bulk`.

use rocket::{State, post};

use super::answers::{ScimAnswer, ScimProblem};
use super::requests::ScimBody;
use crate::app::scim::Door;
use crate::app::{App, Asker};

#[post("/Bulk", data = "<body>")]
pub async fn carry_out(
    app: &State<App>,
    door: &State<Door>,
    asker: Asker,
    body: Result<ScimBody, ScimProblem>,
) -> Result<ScimAnswer, ScimProblem> {
    asker.may_provision()?;
    Ok(ScimAnswer::Plain(app.scim_bulk(&asker, door, &body?.0).await?))
}
