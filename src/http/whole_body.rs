//! A body that is complete before its first byte is sent.
//!
//! Rocket ends a failed stream like a finished one: half an export would look like a whole one. So the rows go from the
//! database into a file of bounded memory, and the file is answered with its length. It also means that a client that
//! reads slowly holds no database snapshot open.

use std::io::{self, Cursor, Seek, Write};

use rocket::Request;
use rocket::response::{self, Responder, Response};
use tempfile::{SpooledData, SpooledTempFile};

/// How much stays in memory; a longer body goes to a nameless file in the system's temporary folder.
const IN_MEMORY_BYTES: usize = 1024 * 1024;

/// A body that is being completed.
#[derive(Debug)]
pub struct WholeBody(SpooledTempFile);

impl Default for WholeBody {
    fn default() -> Self {
        Self(SpooledTempFile::new(IN_MEMORY_BYTES))
    }
}

impl WholeBody {
    pub fn append(&mut self, piece: &[u8]) -> io::Result<()> {
        self.0.write_all(piece)
    }
}

impl<'r> Responder<'r, 'static> for WholeBody {
    fn respond_to(mut self, _: &'r Request<'_>) -> response::Result<'static> {
        let mut response = Response::new();
        let rewound = self.0.rewind();
        rewound.map_err(|_| rocket::http::Status::InternalServerError)?;
        match self.0.into_inner() {
            SpooledData::InMemory(bytes) => {
                let bytes: Vec<u8> = bytes.into_inner();
                response.set_sized_body(bytes.len(), Cursor::new(bytes));
            }
            SpooledData::OnDisk(file) => response.set_sized_body(None, tokio::fs::File::from_std(file)),
        }
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use rocket::get;
    use rocket::local::asynchronous::Client;

    use super::*;

    #[get("/<kibibytes>")]
    fn body(kibibytes: usize) -> io::Result<WholeBody> {
        let mut body = WholeBody::default();
        for _ in 0..kibibytes {
            body.append(&[b'x'; 1024])?;
        }
        Ok(body)
    }

    #[rocket::async_test]
    async fn a_body_is_answered_with_its_length_from_memory_and_from_a_file() {
        let client = Client::untracked(rocket::build().mount("/", rocket::routes![body])).await.expect("a client");
        for kibibytes in [0, 1, 1024, 3000] {
            let answer = client.get(format!("/{kibibytes}")).dispatch().await;
            let length = answer.headers().get_one("content-length").map(ToOwned::to_owned);
            let bytes = answer.into_bytes().await.unwrap_or_default();
            assert_eq!(bytes.len(), kibibytes * 1024);
            assert!(length.is_none_or(|length| length == bytes.len().to_string()));
            assert!(bytes.iter().all(|byte| *byte == b'x'));
        }
    }
}
