//! `/xapi/activities`: what is known about an activity (Communication 2.5).

use rocket::http::ContentType;
use rocket::{State, get};

use super::caller::PlatformCaller;
use super::documents::parameter_fault;
use super::request_parts::RequestParts;
use crate::app::App;
use crate::app::xapi::documents::parameters;
use crate::http::problem::Problem;

/// `GET /xapi/activities?activityId=…`: an Activity, with its definition if a statement described it.
#[get("/activities")]
pub async fn show(
    app: &State<App>,
    caller: PlatformCaller,
    parts: RequestParts<'_>,
) -> Result<(ContentType, String), Problem> {
    get(app, &caller, &parts).await
}

pub(super) async fn get(
    app: &App,
    caller: &PlatformCaller,
    parts: &RequestParts<'_>,
) -> Result<(ContentType, String), Problem> {
    parts.only(&["activityId"])?;
    let iri = parameters::iri(parts.required("activityId")?).map_err(|fault| parameter_fault("activityId", &fault))?;
    let definition = app.activity_definition(&caller.credential.platform, &iri).await;
    let definition = definition.map_err(|error| Problem::unavailable(5).with_cause(&error))?;
    let definition = definition.map_or(String::new(), |definition| format!(r#","definition":{definition}"#));
    let id = serde_json::Value::from(iri);
    Ok((ContentType::JSON, format!(r#"{{"objectType":"Activity","id":{id}{definition}}}"#)))
}
