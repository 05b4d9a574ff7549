//! What a platform's bearer token permits: OAuth's scopes, by the names of the standard (xAPI 1.0.3, Communication 4.2)
//! and of known stores and clients. A key and secret sent by Basic permit everything.

/// A kind of access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    WriteStatements,
    ReadStatements,
    WriteState,
    ReadState,
    WriteActivityProfile,
    ReadActivityProfile,
    WriteAgentProfile,
    ReadAgentProfile,
}

impl Use {
    const fn bit(self) -> u8 {
        match self {
            Self::WriteStatements => 1,
            Self::ReadStatements => 1 << 1,
            Self::WriteState => 1 << 2,
            Self::ReadState => 1 << 3,
            Self::WriteActivityProfile => 1 << 4,
            Self::ReadActivityProfile => 1 << 5,
            Self::WriteAgentProfile => 1 << 6,
            Self::ReadAgentProfile => 1 << 7,
        }
    }

    /// The scope of the standard that allows it.
    #[must_use]
    pub const fn scope(self) -> &'static str {
        match self {
            Self::WriteStatements => "statements/write",
            Self::ReadStatements => "statements/read",
            Self::WriteState | Self::ReadState => "state",
            Self::WriteActivityProfile
            | Self::ReadActivityProfile
            | Self::WriteAgentProfile
            | Self::ReadAgentProfile => "profile",
        }
    }
}

const fn bits(uses: &[Use]) -> u8 {
    let (mut all, mut place) = (0, 0);
    while place < uses.len() {
        all |= uses[place].bit();
        place += 1;
    }
    all
}

const READ: u8 = bits(&[Use::ReadStatements, Use::ReadState, Use::ReadActivityProfile, Use::ReadAgentProfile]);
const WRITE: u8 = bits(&[Use::WriteStatements, Use::WriteState, Use::WriteActivityProfile, Use::WriteAgentProfile]);
const STATE: u8 = bits(&[Use::WriteState, Use::ReadState]);
const ACTIVITY_PROFILE: u8 = bits(&[Use::WriteActivityProfile, Use::ReadActivityProfile]);
const AGENT_PROFILE: u8 = bits(&[Use::WriteAgentProfile, Use::ReadAgentProfile]);

/// The scope that is granted if none is requested.
const ALL: &str = "all";

/// Every known scope, and what it permits.
///
/// * `statements/read/mine`: a platform's store has its own statements alone.
/// * `define`: statements define the activities that they mention, so it adds nothing, but clients request it.
const SCOPES: [(&str, u8); 20] = [
    // Communication 4.2.
    (ALL, READ | WRITE),
    ("all/read", READ),
    ("statements/write", bits(&[Use::WriteStatements])),
    ("statements/read", bits(&[Use::ReadStatements])),
    ("statements/read/mine", bits(&[Use::ReadStatements])),
    ("state", STATE),
    ("profile", ACTIVITY_PROFILE | AGENT_PROFILE),
    ("define", 0),
    // Others that stores and clients use.
    ("state/read", bits(&[Use::ReadState])),
    ("activities_profile", ACTIVITY_PROFILE),
    ("activities_profile/read", bits(&[Use::ReadActivityProfile])),
    ("agents_profile", AGENT_PROFILE),
    ("agents_profile/read", bits(&[Use::ReadAgentProfile])),
    ("xapi", READ | WRITE),
    ("xapi/all", READ | WRITE),
    ("xapi/read", READ),
    ("xapi/write", WRITE),
    ("xapi:all", READ | WRITE),
    ("xapi:read", READ),
    ("xapi:write", WRITE),
];

/// What a platform may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Granted(u8);

impl Granted {
    /// A key and its secret.
    pub const EVERYTHING: Self = Self(READ | WRITE);

    /// What a token permits.
    #[must_use]
    pub fn of_scope(scope: &str) -> Self {
        Self(words(scope).filter_map(known).fold(0, |all, (_, uses)| all | uses))
    }

    #[must_use]
    pub const fn allows(self, wanted: Use) -> bool {
        self.0 & wanted.bit() != 0
    }
}

/// The scope that is granted of the requested one, each name once. Unknown names are left out, and the answer says so
/// (RFC 6749, section 3.3). `None` if no name is known, or the scope allows nothing.
#[must_use]
pub fn grant(requested: Option<&str>) -> Option<String> {
    let requested = requested.map(str::trim).filter(|requested| !requested.is_empty()).unwrap_or(ALL);
    let mut granted: Vec<&str> = Vec::new();
    for (name, _) in words(requested).filter_map(known) {
        if !granted.contains(&name) {
            granted.push(name);
        }
    }
    let scope = granted.join(" ");
    (Granted::of_scope(&scope).0 != 0).then_some(scope)
}

fn words(scope: &str) -> impl Iterator<Item = &str> {
    scope.split(' ').filter(|word| !word.is_empty())
}

fn known(word: &str) -> Option<(&'static str, u8)> {
    SCOPES.into_iter().find(|(name, _)| *name == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_granted_is_what_is_known_of_what_is_asked_for() {
        for (requested, granted) in [
            (None, Some("all")),
            (Some(""), Some("all")),
            (Some("all"), Some("all")),
            (Some("statements/write"), Some("statements/write")),
            (Some("xapi:write"), Some("xapi:write")),
            (
                Some("statements/write statements/read/mine  define"),
                Some("statements/write statements/read/mine define"),
            ),
            (Some("state state offline_access"), Some("state")),
            (Some("offline_access"), None),
            (Some("define"), None),
            (Some("ALL"), None),
        ] {
            assert_eq!(grant(requested).as_deref(), granted, "{requested:?}");
        }
    }

    #[test]
    fn a_scope_allows_what_its_name_says_and_no_more() {
        let all = [
            Use::WriteStatements,
            Use::ReadStatements,
            Use::WriteState,
            Use::ReadState,
            Use::WriteActivityProfile,
            Use::ReadActivityProfile,
            Use::WriteAgentProfile,
            Use::ReadAgentProfile,
        ];
        let allowed = |scope: &str| all.map(|wanted| Granted::of_scope(scope).allows(wanted));
        assert_eq!(allowed("all"), [true; 8]);
        assert!(all.iter().all(|wanted| Granted::EVERYTHING.allows(*wanted)));
        assert_eq!(allowed("all/read"), [false, true, false, true, false, true, false, true]);
        assert_eq!(allowed("xapi:write"), [true, false, true, false, true, false, true, false]);
        assert_eq!(allowed("statements/write"), [true, false, false, false, false, false, false, false]);
        assert_eq!(allowed("state profile/x"), [false, false, true, true, false, false, false, false]);
        assert_eq!(allowed("profile"), [false, false, false, false, true, true, true, true]);
        assert_eq!(allowed(""), [false; 8]);
        for wanted in all {
            assert!(Granted::of_scope(wanted.scope()).allows(wanted), "{wanted:?}");
        }
    }
}
