//! The caller: bearer tokens, the keys that sign them, and the [`Principal`](crate::domain::access::Principal) in them.
//!
//! Nothing here decides what somebody may do (that is `domain::access`), speaks HTTP or reads the store: keys come in
//! as values, and so does the time. Start at `token`: [`issue`] and [`verify`].

mod authenticator;
mod keys;
mod platform_token;
mod token;
mod ttl;

pub use authenticator::{Authenticator, Clock, KeyReload};
pub use keys::{KeyError, KeyRing, SigningKey, StoredKey, VerifyingKey};
pub use platform_token::{PLATFORM_TOKEN_SECONDS, PlatformToken, issue_for_platform, verify_for_platform};
pub use token::{IssueError, LEEWAY_SECONDS, MAX_TOKEN_BYTES, ScopeError, TokenError, TokenSettings, issue, verify};
pub use ttl::{InvalidTtl, LONGEST_TTL, parse_ttl};
