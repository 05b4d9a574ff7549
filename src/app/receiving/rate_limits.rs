//! How often platforms may send, and how often a source address may fail to prove who it is.
//!
//! A platform's share is taken after it has proved who it is, so that nobody else can use it up. Failures are counted
//! by source address, and only failures count for it: an authenticated sender is accepted from any address, and no
//! stranger behind the same proxy can lock a platform out. Every endpoint of the platforms checks here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;

use governor::clock::{Clock, DefaultClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::domain::ids::PlatformCode;

/// The most source addresses that have an allowance each: beyond them, all new ones share one.
const ADDRESSES: usize = 10_000;

type Limiter<K> = RateLimiter<K, HashMapStateStore<K>, DefaultClock>;

/// Too often; after so many seconds it may be tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too often: to be tried again after {retry_after_seconds} s")]
pub struct TooOften {
    pub retry_after_seconds: u32,
}

/// The limits of a process; none by default.
#[derive(Debug, Default)]
pub struct RateLimits {
    platforms: Option<Limiter<PlatformCode>>,
    failures: Option<Limiter<IpAddr>>,
}

impl RateLimits {
    /// So many deliveries of each platform, and so many failures from each address, in a minute; 0 for no limit. A
    /// whole minute's may come at once.
    #[must_use]
    pub fn per_minute(deliveries: u32, failures: u32) -> Self {
        let quota = |times: u32| NonZeroU32::new(times).map(Quota::per_minute);
        Self {
            platforms: quota(deliveries).map(RateLimiter::hashmap),
            failures: quota(failures).map(RateLimiter::hashmap),
        }
    }

    /// A platform that there is has sent. The keys are few: platforms are the operator's.
    pub fn platform_sends(&self, platform: &PlatformCode) -> Result<(), TooOften> {
        self.platforms.as_ref().map_or(Ok(()), |limiter| check(limiter, platform))
    }

    /// Somebody did not prove who they are.
    pub fn failed_from(&self, source: Option<IpAddr>) -> Result<(), TooOften> {
        let Some(limiter) = &self.failures else { return Ok(()) };
        let source = network_of(source.unwrap_or(UNKNOWN));
        if limiter.len() < ADDRESSES {
            return check(limiter, &source);
        }
        // Those whose allowance is whole again need no place.
        limiter.retain_recent();
        let is_full = limiter.len() >= ADDRESSES;
        check(limiter, if is_full { &UNKNOWN } else { &source })
    }
}

const UNKNOWN: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// What one sender can hold: an IPv4 address, or a network of 64 bits.
fn network_of(source: IpAddr) -> IpAddr {
    match source {
        IpAddr::V4(_) => source,
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(address) => IpAddr::V4(address),
            None => {
                let [a, b, c, d, ..] = address.segments();
                IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
        },
    }
}

fn check<K: std::hash::Hash + Eq + Clone>(limiter: &Limiter<K>, key: &K) -> Result<(), TooOften> {
    limiter.check_key(key).map_err(|until| {
        let wait = until.wait_time_from(DefaultClock::default().now());
        // Up to the next whole second, which is not too early.
        let seconds = wait.as_secs().saturating_add(1);
        TooOften { retry_after_seconds: u32::try_from(seconds).unwrap_or(u32::MAX) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().expect("an address"))
    }

    #[test]
    fn each_platform_and_each_address_has_an_allowance_of_its_own() {
        let limits = RateLimits::per_minute(2, 1);
        let [larportal, moodle] = ["larportal", "moodle"].map(|code| PlatformCode::parse(code).expect("a code"));
        assert_eq!([limits.platform_sends(&larportal), limits.platform_sends(&larportal)], [Ok(()), Ok(())]);
        let refused = limits.platform_sends(&larportal).expect_err("too often");
        assert!((1..=31).contains(&refused.retry_after_seconds), "{refused:?}");
        assert_eq!(limits.platform_sends(&moodle), Ok(()));
        assert_eq!(limits.failed_from(address("192.0.2.1")), Ok(()));
        assert!(limits.failed_from(address("192.0.2.1")).is_err());
        assert_eq!(limits.failed_from(address("192.0.2.2")), Ok(()));
    }

    #[test]
    fn a_network_of_64_bits_is_one_sender_and_a_mapped_address_is_its_own() {
        let limits = RateLimits::per_minute(0, 1);
        assert_eq!(limits.failed_from(address("2001:db8::1")), Ok(()));
        assert!(limits.failed_from(address("2001:db8::ffff:2")).is_err());
        assert_eq!(limits.failed_from(address("2001:db8:0:1::1")), Ok(()));
        assert_eq!(limits.failed_from(address("::ffff:192.0.2.1")), Ok(()));
        assert!(limits.failed_from(address("192.0.2.1")).is_err());
    }

    #[test]
    fn nought_is_no_limit() {
        let limits = RateLimits::per_minute(0, 0);
        let code = PlatformCode::parse("larportal").expect("a code");
        assert!((0..10_000).all(|_| limits.platform_sends(&code).is_ok() && limits.failed_from(None).is_ok()));
    }

    #[test]
    fn however_many_addresses_fail_few_are_kept() {
        let limits = RateLimits::per_minute(0, 1);
        for number in 0..3 * u32::try_from(ADDRESSES).expect("small") {
            let _ = limits.failed_from(Some(IpAddr::V4(Ipv4Addr::from(number + 1))));
        }
        let stored = limits.failures.as_ref().map(RateLimiter::len);
        assert!(stored.is_some_and(|stored| stored <= ADDRESSES + 1), "{stored:?}");
        // Those that have no place of their own share one, which is used up.
        assert!(limits.failed_from(address("203.0.113.9")).is_err());
    }
}
