//! The profiles that come with Kurskoll. Each has samples under `fixtures/platforms/`, and says where its vendor
//! documents what it reads; where no such document is known it says that.

use std::sync::LazyLock;

use super::Profile;

macro_rules! profiles {
    ($($name:literal),* $(,)?) => {
        /// Names and texts.
        const TEXTS: &[(&str, &str)] = &[$(($name, include_str!(concat!("shipped/", $name, ".toml")))),*];
        /// Their names, in order.
        pub const NAMES: &[&str] = &[$($name),*];
    };
}

profiles!(
    "canvas",
    "docebo",
    "h5p",
    "learndash",
    "learnupon",
    "moodle",
    "openedx",
    "scorm-cloud",
    "talentlms",
    "totara"
);

static READ: LazyLock<Vec<(&'static str, Profile)>> = LazyLock::new(|| {
    // One that could not be read would be missing, and a test would say so.
    TEXTS.iter().filter_map(|(name, text)| Some((*name, Profile::parse(text).ok()?))).collect()
});

/// The profile of a name.
#[must_use]
pub fn profile(name: &str) -> Option<&'static Profile> {
    READ.iter().find(|(known, _)| *known == name).map(|(_, profile)| profile)
}

/// The text of a profile, as it was written.
#[must_use]
pub fn text(name: &str) -> Option<&'static str> {
    TEXTS.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// The name as it is kept.
#[must_use]
pub fn name(name: &str) -> Option<&'static str> {
    NAMES.iter().find(|known| **known == name).copied()
}
