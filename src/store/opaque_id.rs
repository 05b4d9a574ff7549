//! Ids that do not reveal how many there are.

/// An id for what is shown to people who see a part of the city. It is a whole number that every reader of JSON takes exactly
/// (53 bits).
pub(super) fn opaque_id() -> i64 {
    (rand::random::<u64>() >> 11).cast_signed().max(1)
}
