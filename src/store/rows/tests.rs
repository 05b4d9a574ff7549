//! What a row promises.
