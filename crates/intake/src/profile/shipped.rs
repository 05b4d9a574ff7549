//! The profiles that come with Kurskoll. Each has samples under `fixtures/platforms/`, and says where its vendor
//! documents what it reads; where no such document is known it says that.

use std::sync::{Arc, LazyLock};

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
    "native",
    "openedx",
    "scorm-cloud",
    "talentlms",
    "totara"
);

/// The profile of Kurskoll's own payloads.
pub const NATIVE: &str = "native";

static READ: LazyLock<Vec<(&'static str, Arc<Profile>)>> = LazyLock::new(|| {
    let read = |(name, text): &(&'static str, &str)| {
        // One that could not be read would be missing, and a test would say so.
        let mut profile = Profile::parse(text).ok()?;
        profile.is_native = *name == NATIVE;
        Some((*name, Arc::new(profile)))
    };
    TEXTS.iter().filter_map(read).collect()
});

/// The profile of a name.
#[must_use]
pub fn profile(name: &str) -> Option<&'static Arc<Profile>> {
    READ.iter().find(|(known, _)| *known == name).map(|(_, profile)| profile)
}

/// The text of a profile, as it was written.
#[must_use]
pub fn text(name: &str) -> Option<&'static str> {
    TEXTS.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// The name as it is stored.
#[must_use]
pub fn name(name: &str) -> Option<&'static str> {
    NAMES.iter().find(|known| **known == name).copied()
}
