//! Configuration in Rocket's own way: `Rocket.toml`, then `ROCKET_*` variables, over the defaults that are defined
//! here.
//!
//! `Rocket.toml` at the top of the project names every setting with its default; a test compares it with these.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use chrono_tz::Tz;
use rocket::data::ByteUnit;
use rocket::figment::Figment;
use rocket::figment::providers::{Env, Serialized};
use serde::{Deserialize, Serialize};

use crate::auth::TokenSettings;

mod origin;

pub use origin::{InvalidOrigin, WebOrigin};

/// Where the register is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseSettings {
    /// `sqlite:` and a path, or `postgres:` as libpq writes it.
    pub url: String,
    /// The most connections that one process opens.
    #[serde(default = "default_connections")]
    pub max_connections: u32,
}

const fn default_connections() -> u32 {
    16
}

/// The city whose days count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CitySettings {
    pub time_zone: Tz,
}

/// What bearer tokens must say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokensSettings {
    pub issuer: String,
    pub audience: String,
}

/// What two persons must agree on: one proposes, another approves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalSettings {
    #[serde(default)]
    pub exemptions: bool,
    #[serde(default)]
    pub prior_training: bool,
    #[serde(default)]
    pub results: bool,
}

/// Limits on what is received.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceivingSettings {
    /// How many deliveries may wait for their commit; further ones must be sent again later.
    pub queue_length: usize,
    /// The largest body of a delivery.
    pub max_body: ByteUnit,
    /// The largest body of xAPI statements or of a document.
    pub max_xapi_body: ByteUnit,
    /// The largest file of results.
    pub max_results_file: ByteUnit,
    /// The origins whose pages may use xAPI from a browser.
    pub xapi_origins: Vec<WebOrigin>,
}

/// How many connections there may be, and how slow their clients.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConnectionsSettings {
    /// The most at once; 0: 4096, or as many as the system's limit of open files allows.
    pub most: usize,
    /// Seconds within which a request's head must be complete, and for which its body may pause.
    pub request_timeout_seconds: u64,
    /// How slow a body may be on average, in a second.
    pub slowest_body: ByteUnit,
    /// Seconds for which a client may read nothing of its answer.
    pub unread_timeout_seconds: u64,
}

impl Default for ConnectionsSettings {
    fn default() -> Self {
        Self { most: 0, request_timeout_seconds: 10, slowest_body: ByteUnit::Kibibyte(1), unread_timeout_seconds: 60 }
    }
}

/// Rate limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateLimitSettings {
    /// Deliveries of one platform in a minute; 0 for no limit.
    pub platform_per_minute: u32,
    /// Requests from one address in a minute that do not authenticate; 0 for no limit.
    pub failures_per_minute: u32,
}

impl Default for RateLimitSettings {
    fn default() -> Self {
        Self { platform_per_minute: 600_000, failures_per_minute: 60 }
    }
}

/// How the platforms are watched.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlatformsSettings {
    /// After how many hours of silence a platform's alarm rings, by its code; 0 for never. Others' are learned.
    pub silence_alarm_hours: BTreeMap<String, u32>,
    /// After how many days without a result a platform's alarm rings, by its code; 0 for never. Others' are learned.
    pub result_alarm_days: BTreeMap<String, u32>,
}

/// Verification by night.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VerifySettings {
    /// In how many nights the service verifies everything, a part each; 0: not at all.
    pub nights: u32,
    /// The hour of the city's day at which it begins.
    pub hour: u32,
}

impl Default for VerifySettings {
    fn default() -> Self {
        Self { nights: 0, hour: 2 }
    }
}

/// The SCIM endpoint: which attribute carries which field. An empty path: none does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScimSettings {
    /// HR's number of the employee.
    pub employee_number: String,
    /// The administration's code.
    pub administration: String,
    pub unit: String,
    pub form: String,
    /// The first day at work.
    pub starts_on: String,
    /// The last day at work.
    pub ends_on: String,
    /// The form of employments whose form is not provisioned.
    pub default_form: String,
    /// Whether the administration's code is the first word of the provisioned value, as in `0042 Serviceförvaltningen`.
    pub leading_code: bool,
    /// What the provider calls an administration, and its code.
    pub administrations: BTreeMap<String, String>,
    /// The display name or externalId of a provider's group, and the code of the administration for which it stands.
    pub groups: BTreeMap<String, String>,
    /// The service's own address, for addresses in answers; empty: they begin with the path.
    pub public_address: String,
}

impl Default for ScimSettings {
    fn default() -> Self {
        let enterprise = |name| format!("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:{name}");
        Self {
            employee_number: enterprise("employeeNumber"),
            administration: enterprise("organization"),
            unit: enterprise("department"),
            form: String::new(),
            starts_on: String::new(),
            ends_on: String::new(),
            default_form: "permanent".to_owned(),
            leading_code: false,
            administrations: BTreeMap::new(),
            groups: BTreeMap::new(),
            public_address: String::new(),
        }
    }
}

/// Everything that is configured beside Rocket's own settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    pub database: DatabaseSettings,
    pub city: CitySettings,
    pub tokens: TokensSettings,
    pub approval: ApprovalSettings,
    pub connections: ConnectionsSettings,
    pub receiving: ReceivingSettings,
    pub platforms: PlatformsSettings,
    pub rate_limits: RateLimitSettings,
    pub verify: VerifySettings,
    pub scim: ScimSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            database: DatabaseSettings {
                url: "sqlite:data/kurskoll.db".to_owned(),
                max_connections: default_connections(),
            },
            city: CitySettings { time_zone: chrono_tz::Europe::Stockholm },
            tokens: TokensSettings { issuer: "kurskoll".to_owned(), audience: "kurskoll".to_owned() },
            approval: ApprovalSettings::default(),
            connections: ConnectionsSettings::default(),
            receiving: ReceivingSettings {
                queue_length: 4096,
                max_body: ByteUnit::Kibibyte(256),
                max_xapi_body: ByteUnit::Mebibyte(16),
                max_results_file: ByteUnit::Mebibyte(64),
                xapi_origins: Vec::new(),
            },
            platforms: PlatformsSettings::default(),
            rate_limits: RateLimitSettings::default(),
            verify: VerifySettings::default(),
            scim: ScimSettings::default(),
        }
    }
}

impl Settings {
    /// Reads the settings out of a figment.
    pub fn read(figment: &Figment) -> Result<Self, Box<rocket::figment::Error>> {
        figment.extract().map_err(Box::new)
    }

    #[must_use]
    pub fn token_settings(&self) -> TokenSettings {
        TokenSettings { issuer: self.tokens.issuer.clone(), audience: self.tokens.audience.clone() }
    }
}

/// Rocket's defaults, made safe, and Kurskoll's own.
#[must_use]
pub fn defaults() -> Figment {
    let rocket = rocket::Config {
        address: Ipv4Addr::LOCALHOST.into(),
        // No header is trusted for the client's address unless the operator says that a proxy sets it.
        ip_header: None,
        // Requests under way get five seconds to end, and their connections two more.
        shutdown: rocket::config::Shutdown { grace: 5, mercy: 2, ..rocket::config::Shutdown::default() },
        // Between requests of a client that keeps its connection: longer than most clients do.
        keep_alive: 75,
        ident: rocket::config::Ident::none(),
        log_level: rocket::config::LogLevel::Normal,
        cli_colors: false,
        ..rocket::Config::release_default()
    };
    Figment::from(rocket).join(Serialized::defaults(Settings::default()))
}

/// What `Rocket.toml` and the environment say, over the defaults.
#[must_use]
pub fn figment() -> Figment {
    defaults()
        .merge(file())
        .merge(Env::prefixed("ROCKET_").ignore(&["PROFILE", "DATABASE_URL"]).global())
        .merge(Env::raw().only(&["ROCKET_DATABASE_URL"]).map(|_| "database.url".into()).global())
        .select(rocket::figment::Profile::from_env_or("ROCKET_PROFILE", rocket::Config::DEFAULT_PROFILE))
}

fn file() -> rocket::figment::providers::Data<rocket::figment::providers::Toml> {
    use rocket::figment::providers::{Format, Toml};
    Toml::file(Env::var_or("ROCKET_CONFIG", "Rocket.toml")).nested()
}
