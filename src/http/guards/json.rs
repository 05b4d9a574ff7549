//! A JSON body: bounded, of the right media type, and with an error that says where it is wrong.

use rocket::Request;
use rocket::data::{Data, FromData, Outcome, ToByteUnit};
use serde::de::DeserializeOwned;

use crate::http::problem::Problem;

/// The largest JSON body that the API accepts.
const LIMIT_BYTES: u64 = 64 * 1024;

/// A body read as JSON.
#[derive(Debug)]
pub struct JsonBody<T>(pub T);

#[rocket::async_trait]
impl<'r, T: DeserializeOwned> FromData<'r> for JsonBody<T> {
    type Error = Problem;

    async fn from_data(request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r, Self> {
        match read(request, data).await {
            Ok(body) => Outcome::Success(Self(body)),
            Err(problem) => Outcome::Error((problem.http_status(), problem)),
        }
    }
}

async fn read<T: DeserializeOwned>(request: &Request<'_>, data: Data<'_>) -> Result<T, Problem> {
    if !request.content_type().is_some_and(|kind| kind.is_json()) {
        return Err(Problem::unsupported_media_type("application/json"));
    }
    let body = data.open(LIMIT_BYTES.bytes()).into_bytes().await;
    let body = body.map_err(|_| Problem::bad_request("The body ended before its end. Send it again."))?;
    if !body.is_complete() {
        return Err(Problem::payload_too_large(LIMIT_BYTES));
    }
    serde_json::from_slice(&body).map_err(|error| {
        Problem::unprocessable("not-understood", format!("The body is not the JSON that belongs here: {error}."))
    })
}
