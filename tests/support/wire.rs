//! Requests as bytes on a socket, for what no client would send.

use std::time::Duration;

use rocket::tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use rocket::tokio::net::TcpStream;
use rocket::tokio::time::timeout;

use super::app::Answer;

/// Sends the bytes of a request, and leaves the connection open until the answer has arrived.
///
/// * `service`: the service's address, `http://127.0.0.1:8000`.
pub async fn exchange(service: &str, request: &[u8]) -> Answer {
    timeout(Duration::from_secs(30), exchange_without_timeout(service, request)).await.expect("an answer")
}

/// A connection to the service, open until it is dropped.
pub async fn connect(service: &str) -> TcpStream {
    TcpStream::connect(service.trim_start_matches("http://")).await.expect("a connection")
}

async fn exchange_without_timeout(service: &str, request: &[u8]) -> Answer {
    let mut connection = connect(service).await;
    connection.write_all(request).await.expect("sent");
    read_answer(&mut BufReader::new(connection)).await
}

/// Reads one answer from a connection, on which more may follow.
pub async fn read_answer(reader: &mut (impl AsyncBufRead + Unpin)) -> Answer {
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).await.expect("a line of the head");
        match line.trim_end() {
            "" => break,
            line => head.push(line.to_owned()),
        }
    }
    let (status, headers) = head.split_first().expect("a status line");
    let status = status.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    let headers = headers.iter().filter_map(|line| line.split_once(": "));
    let answer = Answer {
        status,
        headers: headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect(),
        body: String::new(),
    };
    let mut body = vec![0; answer.headers["content-length"].parse().expect("a length")];
    reader.read_exact(&mut body).await.expect("the body");
    Answer { body: String::from_utf8(body).expect("text"), ..answer }
}
