//! The versions that this Learning Record Store supports (Communication 2.8): for any client, without a key or a
//! version.

use rocket::get;
use rocket::serde::json::Json;
use serde::Serialize;

/// The answer of the resource.
#[derive(Debug, Serialize)]
pub struct About {
    version: [&'static str; 5],
    extensions: serde_json::Map<String, serde_json::Value>,
}

/// `GET /xapi/about`
#[get("/about")]
pub fn about() -> Json<About> {
    Json(About { version: ["2.0.0", "1.0.3", "1.0.2", "1.0.1", "1.0.0"], extensions: serde_json::Map::new() })
}
