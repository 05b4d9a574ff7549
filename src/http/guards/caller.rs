//! The caller with a valid bearer token, in the form that use cases take.

use rocket::Request;
use rocket::http::Status;
use rocket::request::{FromRequest, Outcome};

use super::bearer::Bearer;
use crate::app::Caller;
use crate::http::problem::Problem;
use crate::http::request_id::RequestId;

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Caller {
    type Error = Problem;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Problem> {
        let request_id = RequestId::of(request).to_string();
        match Bearer::from_request(request).await {
            Outcome::Success(Bearer(principal)) => Outcome::Success(Self { principal, request_id }),
            Outcome::Error((status, problem)) => Outcome::Error((status, problem)),
            Outcome::Forward(_) => Outcome::Forward(Status::Unauthorized),
        }
    }
}
