//! `/.search` over all resources, and `/Me`.

use rocket::{State, delete, get, patch, post, put};

use super::answers::{ScimAnswer, ScimProblem};
use super::requests::ScimBody;
use crate::app::scim::{ListText, ScimEndpoint, ScimError};
use crate::app::{App, Caller};

#[post("/.search", data = "<body>")]
pub async fn all(
    app: &State<App>,
    endpoint: &State<ScimEndpoint>,
    caller: Caller,
    body: Result<ScimBody, ScimProblem>,
) -> Result<ScimAnswer, ScimProblem> {
    caller.may_provision()?;
    let list = ListText::of_search(&body?.0).map_err(ScimError::from)?;
    Ok(ScimAnswer::Plain(app.search_scim(&caller, endpoint, &list).await?))
}

#[get("/Me")]
pub fn me(app: &State<App>, caller: Caller) -> ScimProblem {
    app.scim_me(&caller).into()
}

#[post("/Me")]
pub fn create_me(app: &State<App>, caller: Caller) -> ScimProblem {
    app.scim_me(&caller).into()
}

#[put("/Me")]
pub fn replace_me(app: &State<App>, caller: Caller) -> ScimProblem {
    app.scim_me(&caller).into()
}

#[patch("/Me")]
pub fn patch_me(app: &State<App>, caller: Caller) -> ScimProblem {
    app.scim_me(&caller).into()
}

#[delete("/Me")]
pub fn delete_me(app: &State<App>, caller: Caller) -> ScimProblem {
    app.scim_me(&caller).into()
}
