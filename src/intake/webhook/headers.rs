//! The headers of a delivery, as they came.

use std::collections::BTreeMap;

/// Names and values, in the order in which they came; values that are not text are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Headers<'a> {
    /// The first value of a header; capitals make no difference.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }

    /// Those that were kept with a delivery.
    #[must_use]
    pub fn stored(stored: &'a BTreeMap<String, Option<String>>) -> Self {
        stored.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_deref()?))).collect()
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Headers<'a> {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(headers: I) -> Self {
        Self(headers.into_iter().collect())
    }
}
