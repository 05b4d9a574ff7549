//! Whose clock is wrong, according to the times that senders sign.
//!
//! A sender signs when it sends, so its time and ours differ by little. If one sender of several is off, that sender's
//! clock is wrong. If all of them are off to the same side, ours is. Example of 2 March 2026: two platforms signed at
//! 08:15, and by our clock the deliveries arrived at 08:15 the day after. Our clock is a day ahead.

use chrono::TimeDelta;

use super::ids::PlatformCode;

/// Differences up to this are due to the network and retries.
pub const NOTICED: TimeDelta = TimeDelta::seconds(60);

/// How far our clock was ahead of a sender's, by the latest delivery that is certainly its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skew {
    pub platform: PlatformCode,
    pub ahead: TimeDelta,
}

/// Whose clock is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Suspicion {
    Nobody,
    /// The clocks of these senders; others agree with ours.
    Senders(Vec<Skew>),
    /// One sender's or ours: there is no other sender to compare with.
    Either(Skew),
    /// Ours, by so much: there are several senders, and every one is off to the same side.
    Ours {
        ahead: TimeDelta,
        senders: usize,
    },
}

/// Judges the skews of all senders that sent lately.
#[must_use]
pub fn suspect(seen: &[Skew]) -> Suspicion {
    let mut off: Vec<&Skew> = seen.iter().filter(|skew| skew.ahead.abs() > NOTICED).collect();
    off.sort_by_key(|skew| skew.ahead);
    let (Some(first), Some(middle)) = (off.first(), off.get(off.len() / 2)) else { return Suspicion::Nobody };
    let zero = TimeDelta::zero();
    let is_one_side = off.iter().all(|skew| (skew.ahead > zero) == (first.ahead > zero));
    match (seen.len(), off.len()) {
        (1, _) => Suspicion::Either((*first).clone()),
        (seen, off) if seen == off && is_one_side => Suspicion::Ours { ahead: middle.ahead, senders: off },
        _ => Suspicion::Senders(off.into_iter().cloned().collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(skews: &[(&str, i64)]) -> Vec<Skew> {
        let skew = |(code, seconds): &(&str, i64)| Skew {
            platform: PlatformCode::parse(code).expect("a code"),
            ahead: TimeDelta::seconds(*seconds),
        };
        skews.iter().map(skew).collect()
    }

    #[test]
    fn whose_clock_it_is_follows_from_who_agrees() {
        assert_eq!(suspect(&[]), Suspicion::Nobody);
        assert_eq!(suspect(&seen(&[("a", 1), ("b", -59)])), Suspicion::Nobody);
        let a_day = TimeDelta::days(1);
        assert_eq!(suspect(&seen(&[("a", 86_400), ("b", 86_400)])), Suspicion::Ours { ahead: a_day, senders: 2 });
        assert_eq!(suspect(&seen(&[("a", 86_400)])), Suspicion::Either(seen(&[("a", 86_400)]).remove(0)));
        assert_eq!(suspect(&seen(&[("a", 86_400), ("b", 0)])), Suspicion::Senders(seen(&[("a", 86_400)])));
        // Both are off, but not to the same side: it cannot be only ours.
        assert_eq!(suspect(&seen(&[("a", 300), ("b", -300)])), Suspicion::Senders(seen(&[("b", -300), ("a", 300)])));
    }
}
