//! `/.search` over all resources, and `/Me`.

use rocket::{State, delete, get, patch, post, put};

use super::answers::{ScimAnswer, ScimProblem};
use super::requests::ScimBody;
use crate::app::scim::{Door, ListText, ScimError};
use crate::app::{App, Asker};

#[post("/.search", data = "<body>")]
pub async fn all(
    app: &State<App>,
    door: &State<Door>,
    asker: Asker,
    body: Result<ScimBody, ScimProblem>,
) -> Result<ScimAnswer, ScimProblem> {
    asker.may_provision()?;
    let list = ListText::of_search(&body?.0).map_err(ScimError::from)?;
    Ok(ScimAnswer::Plain(app.search_scim(&asker, door, &list).await?))
}

#[get("/Me")]
pub fn me(app: &State<App>, asker: Asker) -> ScimProblem {
    app.scim_me(&asker).into()
}

#[post("/Me")]
pub fn create_me(app: &State<App>, asker: Asker) -> ScimProblem {
    app.scim_me(&asker).into()
}

#[put("/Me")]
pub fn replace_me(app: &State<App>, asker: Asker) -> ScimProblem {
    app.scim_me(&asker).into()
}

#[patch("/Me")]
pub fn patch_me(app: &State<App>, asker: Asker) -> ScimProblem {
    app.scim_me(&asker).into()
}

#[delete("/Me")]
pub fn delete_me(app: &State<App>, asker: Asker) -> ScimProblem {
    app.scim_me(&asker).into()
}
