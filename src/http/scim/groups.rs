//! `/Groups`: the administrations, read-only.

use rocket::{State, delete, get, patch, post, put};

use super::answers::{ScimAnswer, ScimProblem};
use super::requests::{Conditions, Parameters, ScimBody};
use crate::app::scim::{Door, ListText, ScimError};
use crate::app::{App, Asker};

#[get("/Groups")]
pub async fn list(
    app: &State<App>,
    door: &State<Door>,
    asker: Asker,
    parameters: Parameters,
) -> Result<ScimAnswer, ScimProblem> {
    Ok(ScimAnswer::Plain(app.list_scim_groups(&asker, door, parameters.list()).await?))
}

#[post("/Groups/.search", data = "<body>")]
pub async fn search(
    app: &State<App>,
    door: &State<Door>,
    asker: Asker,
    body: Result<ScimBody, ScimProblem>,
) -> Result<ScimAnswer, ScimProblem> {
    asker.may_provision()?;
    let list = ListText::of_search(&body?.0).map_err(ScimError::from)?;
    Ok(ScimAnswer::Plain(app.list_scim_groups(&asker, door, &list).await?))
}

#[get("/Groups/<id>")]
pub async fn show(
    app: &State<App>,
    door: &State<Door>,
    asker: Asker,
    id: &str,
    parameters: Parameters,
    conditions: Conditions<'_>,
) -> Result<ScimAnswer, ScimProblem> {
    let resource = app.read_scim_group(&asker, door, id, parameters.wanted()).await?;
    if conditions.has(&resource.version) {
        return Ok(ScimAnswer::NotModified { version: resource.version });
    }
    Ok(ScimAnswer::ok(resource))
}

/// What changes groups is refused with a reason, which the bare absence of a route would not give.
fn refuse(asker: &Asker) -> ScimProblem {
    asker.may_provision().err().unwrap_or(ScimError::GroupsAreReadOnly).into()
}

#[post("/Groups")]
pub fn create(asker: Asker) -> ScimProblem {
    refuse(&asker)
}

#[put("/Groups/<_>")]
pub fn replace(asker: Asker) -> ScimProblem {
    refuse(&asker)
}

#[patch("/Groups/<_>")]
pub fn patch(asker: Asker) -> ScimProblem {
    refuse(&asker)
}

#[delete("/Groups/<_>")]
pub fn delete(asker: Asker) -> ScimProblem {
    refuse(&asker)
}
