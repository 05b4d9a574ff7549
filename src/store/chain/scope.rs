//! The part of the register that a verification checks, if several share the work.

/// How many links are checked together.
pub(super) const LINKS_AT_ONCE: i64 = 256;

/// How many rows of an id block belong to one part of a verification.
pub const BLOCK: i64 = 1000;

/// Which links to check: those of one part of several, and the newest links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    /// From 1 on.
    pub part: u32,
    pub of: u32,
    /// Links from this one on are checked in every part.
    pub newest_from: i64,
}

impl Scope {
    /// Everything.
    pub const ALL: Self = Self { part: 1, of: 1, newest_from: i64::MAX };

    /// Whether a block of rows, or of links, is among them.
    #[must_use]
    pub fn has_block(&self, block: i64) -> bool {
        block.rem_euclid(i64::from(self.of.max(1))) == i64::from(self.part.saturating_sub(1))
    }

    pub(super) fn has_link(&self, number: i64) -> bool {
        number >= self.newest_from || self.has_block(number / LINKS_AT_ONCE)
    }
}

/// The condition that an id belongs to the part that is verified.
pub fn in_scope(id: &str, scope: Scope) -> String {
    match scope.of {
        0 | 1 => "1 = 1".to_owned(),
        of => format!("({id} / {BLOCK}) % {of} = {}", scope.part.saturating_sub(1)),
    }
}
