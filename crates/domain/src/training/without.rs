//! Statements about a course or quiz that a requirement may name, which give no result of it.

use crate::ids::MAX_LENGTH;

/// The kind of result that is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lacks {
    Both,
    /// There is an attempt, and no completion.
    Course,
    /// There is a completion, and no attempt.
    Quiz,
}

impl Lacks {
    /// Its name, as it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::Course => "course",
            Self::Quiz => "quiz",
        }
    }
}

/// The subject of a statement, and why it gives no result of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WithoutResult {
    /// By the platform's own id, as a requirement would name it.
    pub object: String,
    pub lacks: Lacks,
    /// A code.
    pub reason: &'static str,
    /// The statement's verb, cut to the length that is shown.
    pub verb: String,
}

impl WithoutResult {
    #[must_use]
    pub fn new(object: String, lacks: Lacks, reason: &'static str, verb: &str) -> Self {
        Self { object, lacks, reason, verb: verb.chars().take(MAX_LENGTH).collect() }
    }
}
