//! The requests of a learning platform, signed.

use kurskoll::demo_city::{DemoDelivery, PLATFORM};
use kurskoll::intake::webhook::signature::{WebhookSecret, sign};
/// The bytes of a signed request.
pub fn request(address: &str, secret: &WebhookSecret, now: i64, delivery: &DemoDelivery) -> Vec<u8> {
    let signature = sign(secret, &delivery.id, now, &delivery.body);
    let mut request = format!(
        "POST /webhooks/{PLATFORM} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nwebhook-id: {}\r\nwebhook-timestamp: {now}\r\nwebhook-signature: {signature}\r\n\r\n",
        delivery.body.len(),
        delivery.id,
    )
    .into_bytes();
    request.extend_from_slice(&delivery.body);
    request
}
