//! Ids that do not reveal how many there are.

/// An id for people who see a part of the city. It is a whole number of 53 bits, which every JSON reader takes exactly.
pub(super) fn opaque_id() -> i64 {
    (rand::random::<u64>() >> 11).cast_signed().max(1)
}
