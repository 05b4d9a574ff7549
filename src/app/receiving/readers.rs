//! A platform with what reads its requests: the one place where a request becomes a delivery.

use crate::domain::ids::{EventId, PlatformId};
use crate::domain::receiving::{Content, Delivery};
use crate::intake::adapter::{Adapter, Reader};
use crate::intake::request::{Arrival, Headers, RawRequest, StoredHeaders};
use crate::intake::webhook::encoding::InflateError;
use crate::store::platforms::Platform;
use crate::store::{Connection, StoreError, profiles};

/// A platform with what reads its requests now.
#[derive(Debug, Clone)]
pub(in crate::app) struct PlatformReader {
    pub(in crate::app) platform: Platform,
    pub(in crate::app) reader: Reader,
    /// The version of the platform's own profile; `None` if it was given none.
    pub(in crate::app) version: Option<i32>,
}

/// A verified request.
#[derive(Debug)]
pub(in crate::app) struct Verified<'a> {
    pub(in crate::app) key: EventId,
    pub(in crate::app) headers: Headers<'a>,
    pub(in crate::app) content_type: String,
    pub(in crate::app) body: Vec<u8>,
}

/// A request that is stored.
#[derive(Debug, Clone)]
pub(in crate::app) struct StoredRequest {
    pub(in crate::app) key: EventId,
    pub(in crate::app) content_type: String,
    /// In JSON.
    pub(in crate::app) headers: String,
    pub(in crate::app) body: Vec<u8>,
}

/// The reader of a platform, and the version of its own profile if it was given one.
pub(in crate::app) async fn reader_of(
    connection: &impl Connection,
    (id, adapter): (PlatformId, &str),
) -> Result<(Reader, Option<i32>), StoreError> {
    let adapter =
        Adapter::parse(adapter).map_err(|_| StoreError::Unreadable { table: "platform", column: "adapter" })?;
    let unreadable = StoreError::Unreadable { table: "platform_profile", column: "text" };
    match profiles::newest(connection, id).await? {
        Some(own) => match Reader::parse(adapter, &own.text) {
            Ok(reader) => Ok((reader, i32::try_from(own.version).ok())),
            Err(_) => Err(unreadable),
        },
        None => Ok((Reader::of_adapter(adapter).ok_or(unreadable)?, None)),
    }
}

impl PlatformReader {
    /// A platform with its newest profile.
    pub(in crate::app) async fn of(connection: &impl Connection, platform: Platform) -> Result<Self, StoreError> {
        let (reader, version) = reader_of(connection, (platform.id, &platform.adapter)).await?;
        Ok(Self { platform, reader, version })
    }

    /// The delivery that a verified request is. Fails if its body inflates to more than is accepted.
    pub(in crate::app) fn deliver(&self, request: Verified<'_>, arrival: Arrival) -> Result<Delivery, InflateError> {
        let content = match self.reader.plain(&request.body) {
            Ok(body) => {
                let raw = self.raw(&request.key, (&request.content_type, request.headers.clone(), &body), arrival);
                self.reader.understand_plain(&raw)
            }
            Err(InflateError::TooLarge) => return Err(InflateError::TooLarge),
            Err(InflateError::Broken) => Content::not_understood("", &InflateError::Broken),
        };
        let headers = self.reader.stored_headers(&request.headers);
        let Verified { key, content_type, body, .. } = request;
        Ok(self.delivery(StoredRequest { key, content_type, headers, body }, content))
    }

    /// A stored request as it is understood now.
    pub(in crate::app) fn deliver_again(&self, request: StoredRequest, arrival: Arrival) -> Delivery {
        let content = self.understand_stored(&request, arrival);
        self.delivery(request, content)
    }

    /// What a stored request says by the reader of now.
    pub(in crate::app) fn understand_stored(&self, request: &StoredRequest, arrival: Arrival) -> Content {
        let headers = StoredHeaders::parse(&request.headers);
        self.reader.understand(&self.raw_of(request, &headers, arrival))
    }

    /// A stored request as readers take it; `headers` are its own.
    pub(in crate::app) fn raw_of<'a>(
        &'a self,
        request: &'a StoredRequest,
        headers: &'a StoredHeaders,
        arrival: Arrival,
    ) -> RawRequest<'a> {
        self.raw(&request.key, (&request.content_type, headers.headers(), &request.body), arrival)
    }

    fn raw<'a>(
        &'a self,
        key: &'a EventId,
        (content_type, headers, body): (&'a str, Headers<'a>, &'a [u8]),
        arrival: Arrival,
    ) -> RawRequest<'a> {
        RawRequest {
            key,
            platform: self.platform.code.as_str(),
            headers,
            content_type,
            body,
            zone: self.platform.time_zone,
            arrival,
        }
    }

    /// A delivery of this platform that says `content`.
    pub(in crate::app) fn delivery(&self, request: StoredRequest, content: Content) -> Delivery {
        Delivery {
            platform: self.platform.id,
            linking_keys: self.platform.linking_keys.as_slice().into(),
            key: request.key,
            content_type: request.content_type,
            headers: request.headers,
            is_pulled: false,
            read_by: self.version,
            body: request.body,
            content,
        }
    }
}
