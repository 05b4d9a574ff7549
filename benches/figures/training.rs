//! What the city's people did, written below the endpoint: in batches, as the endpoint's queue makes them.

use std::time::{Duration, Instant};

use kurskoll::app::App;
use kurskoll::demo_city::{DemoCity, Expect, PLATFORM};
use kurskoll::domain::ids::{EventId, PlatformCode};
use kurskoll::domain::receiving::{Content, Delivery};
use kurskoll::intake::webhook::native::{Understood, interpret};
use kurskoll::intake::webhook::signature::{ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, WebhookSecret, sign};
use kurskoll::store::platforms;
use serde_json::json;

use crate::support::Failure;

const BATCH: usize = 512;

/// Writes all results; returns how many, and how long that took.
pub async fn bring_in(app: &App, city: &DemoCity, secret: &WebhookSecret) -> Result<(usize, Duration), Failure> {
    let code = PlatformCode::parse(PLATFORM)?;
    let platform = platforms::by_code(app.store.connection(kurskoll::store::Unscoped::Operating), &code)
        .await?
        .ok_or("the platform is not known")?;
    let mut deliveries = Vec::new();
    for sent in city.deliveries().into_iter().filter(|sent| sent.expectation == Expect::Accepted) {
        let key = EventId::parse(&sent.id)?;
        let content = match interpret(&key, &sent.body, platform.time_zone, app.now()) {
            Ok(Understood::Result(result)) => Content::Results(vec![result]),
            _ => return Err(format!("the city's delivery {} is not understood", sent.id).into()),
        };
        let signed_at = app.now().timestamp();
        let headers = json!({ID_HEADER: sent.id, TIMESTAMP_HEADER: signed_at.to_string(),
                             SIGNATURE_HEADER: sign(secret, &sent.id, signed_at, &sent.body)});
        deliveries.push(Delivery {
            platform: platform.id,
            linking_keys: platform.linking_keys.as_slice().into(),
            key,
            content_type: "application/json".to_owned(),
            headers: headers.to_string(),
            is_pulled: false,
            read_by: None,
            body: sent.body,
            content,
        });
    }
    let begun = Instant::now();
    for batch in deliveries.chunks(BATCH) {
        app.store.receive(batch, app.calendar, app.now()).await?;
    }
    Ok((deliveries.len(), begun.elapsed()))
}
