//! What may be wrong with the TOML of any file, for any format.

use std::fmt;

/// Each text follows the place's name and says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TomlFault {
    #[error("is not UTF-8; save it as UTF-8")]
    NotUtf8,
    #[error("is not TOML: {0}")]
    NotToml(String),
    #[error("is not known here; {0}")]
    UnknownKey(Known),
    #[error("is missing; write it")]
    Missing,
    #[error("must be {0}")]
    WrongType(&'static str),
    #[error("is empty; fill it in, or leave it out where it may be missing")]
    Empty,
    #[error("must be one of {}", words.join(", "))]
    NotOneOf { words: &'static [&'static str] },
    #[error("must be a whole number from {from} to {to}")]
    OutOfRange { from: u32, to: u32 },
    #[error("has {found}; {most} are the most")]
    TooMany { found: usize, most: usize },
}

/// The names that a place knows, and the one among them that was probably meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    names: Vec<&'static str>,
    meant: Option<&'static str>,
}

impl Known {
    /// What is known if `written` is not.
    #[must_use]
    pub fn instead_of(written: &str, names: Vec<&'static str>) -> Self {
        // A third of a word may be wrong: `emial` is email, `date` is not days.
        let length = written.chars().count();
        let most = (length / 3).max(1);
        let near = names.iter().filter(|name| name.len().abs_diff(length) <= most);
        let near = near.map(|name| (strsim::osa_distance(written, name), *name));
        let nearest = near.filter(|(distance, _)| *distance <= most).min_by_key(|(distance, _)| *distance);
        Self { meant: nearest.map(|(_, name)| name), names }
    }
}

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.meant {
            Some(meant) => write!(f, "did you mean {meant}? Known are ")?,
            None => f.write_str("known are ")?,
        }
        f.write_str(&self.names.join(", "))
    }
}
