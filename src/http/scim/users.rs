//! `/Users`.

use rocket::http::Status;
use rocket::{State, delete, get, patch, post, put};

use super::answers::{ScimAnswer, ScimProblem};
use super::requests::{Conditions, Parameters, ScimBody};
use crate::app::scim::{ListText, ScimEndpoint, ScimError};
use crate::app::{App, Caller};

#[get("/Users")]
pub async fn list(
    app: &State<App>,
    endpoint: &State<ScimEndpoint>,
    caller: Caller,
    parameters: Parameters,
) -> Result<ScimAnswer, ScimProblem> {
    Ok(ScimAnswer::Plain(app.list_scim_users(&caller, endpoint, parameters.list()).await?))
}

#[post("/Users/.search", data = "<body>")]
pub async fn search(
    app: &State<App>,
    endpoint: &State<ScimEndpoint>,
    caller: Caller,
    body: Result<ScimBody, ScimProblem>,
) -> Result<ScimAnswer, ScimProblem> {
    caller.may_provision()?;
    let list = ListText::of_search(&body?.0).map_err(ScimError::from)?;
    Ok(ScimAnswer::Plain(app.list_scim_users(&caller, endpoint, &list).await?))
}

#[post("/Users", data = "<body>")]
pub async fn create(
    app: &State<App>,
    endpoint: &State<ScimEndpoint>,
    caller: Caller,
    parameters: Parameters,
    body: Result<ScimBody, ScimProblem>,
) -> Result<ScimAnswer, ScimProblem> {
    caller.may_provision()?;
    let resource = app.create_scim_user(&caller, endpoint, &body?.0, parameters.wanted()).await?;
    Ok(ScimAnswer::Resource { status: Status::Created, resource })
}

#[get("/Users/<id>")]
pub async fn show(
    app: &State<App>,
    endpoint: &State<ScimEndpoint>,
    caller: Caller,
    id: &str,
    parameters: Parameters,
    conditions: Conditions<'_>,
) -> Result<ScimAnswer, ScimProblem> {
    let resource = app.read_scim_user(&caller, endpoint, id, parameters.wanted()).await?;
    if conditions.has(&resource.version) {
        return Ok(ScimAnswer::NotModified { version: resource.version });
    }
    Ok(ScimAnswer::ok(resource))
}

#[put("/Users/<id>", data = "<body>")]
pub async fn replace(
    app: &State<App>,
    endpoint: &State<ScimEndpoint>,
    caller: Caller,
    id: &str,
    parameters: Parameters,
    conditions: Conditions<'_>,
    body: Result<ScimBody, ScimProblem>,
) -> Result<ScimAnswer, ScimProblem> {
    caller.may_provision()?;
    let body = body?.0;
    let resource = app.replace_scim_user(&caller, endpoint, id, conditions.seen(), &body, parameters.wanted()).await?;
    Ok(ScimAnswer::ok(resource))
}

#[patch("/Users/<id>", data = "<body>")]
pub async fn patch(
    app: &State<App>,
    endpoint: &State<ScimEndpoint>,
    caller: Caller,
    id: &str,
    parameters: Parameters,
    conditions: Conditions<'_>,
    body: Result<ScimBody, ScimProblem>,
) -> Result<ScimAnswer, ScimProblem> {
    caller.may_provision()?;
    let body = body?.0;
    let patched = app.patch_scim_user(&caller, endpoint, id, conditions.seen(), &body, parameters.wanted()).await?;
    Ok(ScimAnswer::patched(patched))
}

#[delete("/Users/<id>")]
pub async fn delete(
    app: &State<App>,
    endpoint: &State<ScimEndpoint>,
    caller: Caller,
    id: &str,
    conditions: Conditions<'_>,
) -> Result<ScimAnswer, ScimProblem> {
    app.delete_scim_user(&caller, endpoint, id, conditions.seen()).await?;
    Ok(ScimAnswer::Gone)
}
