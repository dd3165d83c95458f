//! How often one client may ask: nobody takes the board from the others.

use std::net::IpAddr;
use std::num::NonZeroU32;

use governor::clock::{Clock, DefaultClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use poem::Request;

use crate::failure::Failure;
use crate::health;

type Limiter<K> = RateLimiter<K, HashMapStateStore<K>, DefaultClock>;

/// A client that was quiet may make up for this many seconds at once.
const BURST_SECONDS: u32 = 10;
/// So many requests for rollouts a minute are more than one person makes.
const ACTS: NonZeroU32 = NonZeroU32::new(20).expect("not zero");
/// When so many clients are known, those that were quiet are forgotten.
const KNOWN: usize = 4096;

/// What each client and each actor has asked of late.
#[derive(Debug)]
pub(crate) struct Pace {
    clients: Option<Limiter<IpAddr>>,
    actors: Limiter<String>,
}

impl Pace {
    /// Lets a client ask `a_second` times a second; 0 lets it ask as often as it likes.
    pub(crate) fn new(a_second: u32) -> Self {
        Pace {
            clients: NonZeroU32::new(a_second).map(|a_second| {
                let burst =
                    a_second.saturating_mul(NonZeroU32::new(BURST_SECONDS).unwrap_or(a_second));
                RateLimiter::hashmap(Quota::per_second(a_second).allow_burst(burst))
            }),
            actors: RateLimiter::hashmap(Quota::per_minute(ACTS)),
        }
    }

    /// Counts a request, unless it is one that keeps the service alive.
    pub(crate) fn ask(&self, request: &Request) -> Result<(), Failure> {
        if health::PROBES.contains(&request.uri().path()) {
            return Ok(());
        }
        match (&self.clients, client(request)) {
            (Some(clients), Some(client)) => count(clients, &client),
            _ => Ok(()),
        }
    }

    /// Counts a request for a rollout.
    pub(crate) fn act(&self, actor: &str) -> Result<(), Failure> {
        count(&self.actors, &actor.to_owned())
    }
}

fn count<K: Clone + Eq + std::hash::Hash>(limiter: &Limiter<K>, key: &K) -> Result<(), Failure> {
    if limiter.len() > KNOWN {
        limiter.retain_recent();
    }
    limiter.check_key(key).map_err(|early| {
        let wait = early.wait_time_from(DefaultClock::default().now());
        Failure::Hurried(wait.as_secs() + 1)
    })
}

/// Who asks: whom the load balancer has seen, which it writes last, else whoever is connected. Of IPv6 a household has
/// as many addresses as it likes, so its network counts.
/// Source: <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/x-forwarded-headers.html>
fn client(request: &Request) -> Option<IpAddr> {
    let headers = request.headers().get_all("x-forwarded-for");
    let last = headers.iter().next_back().and_then(|it| it.to_str().ok());
    let seen = last.and_then(|it| it.rsplit(',').next()?.trim().parse().ok());
    let connected = || request.remote_addr().as_socket_addr().map(|it| it.ip());
    match seen.or_else(connected)? {
        IpAddr::V6(address) => {
            let network = u128::from(address) >> 64 << 64;
            Some(IpAddr::V6(network.into()))
        }
        address => Some(address),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(forwarded: &str, path: &str) -> Request {
        Request::builder()
            .uri(path.parse().expect("path"))
            .header("x-forwarded-for", forwarded)
            .finish()
    }

    #[test]
    fn a_hurried_client_waits_and_no_other_with_it() {
        let pace = Pace::new(1);
        for _ in 0..10 {
            pace.ask(&from("192.0.2.1", "/")).expect("within the burst");
        }
        let refused = pace.ask(&from("192.0.2.1", "/"));
        assert!(matches!(refused, Err(Failure::Hurried(1))), "{refused:?}");
        pace.ask(&from("192.0.2.2", "/")).expect("another client");
        pace.ask(&from("192.0.2.1", "/healthz"))
            .expect("the balancer's question");
        let free = Pace::new(0);
        for _ in 0..100 {
            free.ask(&from("192.0.2.1", "/")).expect("no limit");
        }
    }

    #[test]
    fn an_actor_asks_only_so_often() {
        let pace = Pace::new(0);
        for _ in 0..20 {
            pace.act("ada").expect("within a minute's share");
        }
        assert!(matches!(pace.act("ada"), Err(Failure::Hurried(_))));
        pace.act("eve").expect("another actor");
    }

    #[test]
    fn the_balancers_word_is_the_last() {
        for (forwarded, expected) in [
            ("198.51.100.1, 192.0.2.1", Some("192.0.2.1")),
            ("192.0.2.1", Some("192.0.2.1")),
            ("2001:db8:1:2:3:4:5:6", Some("2001:db8:1:2::")),
            ("unknown", None),
        ] {
            let expected = expected.map(|it| it.parse::<IpAddr>().expect("address"));
            assert_eq!(client(&from(forwarded, "/")), expected, "{forwarded}");
        }
    }
}
