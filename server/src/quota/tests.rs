use std::net::IpAddr;
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use recado_proto::{ReplyBody, UserName};

use super::table::Table;
use super::{Allowance, Cost, Excess, Patience, Quota, Rate, Wait};
use crate::limits::QUOTA_ENTRIES_MAX;

const MS: Duration = Duration::from_millis(1);
const REQUEST: Cost = Cost::Request { bytes: 100 };
const MESSAGE: Cost = Cost::Message { bytes: 100 };
const CHANNEL: Cost = Cost::Channel { bytes: 100 };
const ATTEMPT: Cost = Cost::Attempt { bytes: 100 };

fn user(name: &str) -> UserName {
    UserName::parse(name).unwrap()
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// A user may do little, an address ten times as much.
fn small() -> Quota {
    let allowance = |factor| Allowance {
        connections: Rate::a_second(factor, 2 * factor),
        requests: Rate::a_second(10 * factor, 20 * factor),
        messages: Rate::a_second(4 * factor, 8 * factor),
        bytes: Rate::a_second(1000 * factor, 4000 * factor),
        channels: Rate::a_day(3 * factor),
        attempts: Patience {
            free: 2 * factor,
            delay_first: Duration::from_secs(1),
            delay_max: Duration::from_secs(4),
            forgotten_after: Duration::from_secs(60),
        },
    };
    Quota::new(allowance(1), allowance(10))
}

/// How many of these pass at once, and how the next is refused.
fn count(
    quota: &mut Quota,
    user: Option<&UserName>,
    address: Option<IpAddr>,
    cost: Cost,
    now: Instant,
) -> (u32, Wait) {
    let mut passed = 0;
    loop {
        match quota.admit(user, address, cost, now) {
            Ok(()) => passed += 1,
            Err(wait) => return (passed, wait),
        }
        assert!(passed < 1_000_000, "nothing holds");
    }
}

#[test]
fn a_burst_passes_then_the_rate() {
    let (mut quota, ana, now) = (small(), user("ana"), Instant::now());
    let (passed, wait) = count(&mut quota, Some(&ana), None, MESSAGE, now);
    assert_eq!((passed, wait), (8, Wait { retry_after: 250 * MS, of: Excess::Messages }));
    let later = now + wait.retry_after;
    assert!(quota.admit(Some(&ana), None, MESSAGE, later - Duration::from_nanos(1)).is_err());
    let (passed, wait) = count(&mut quota, Some(&ana), None, MESSAGE, later);
    assert_eq!((passed, wait.retry_after), (1, 250 * MS));
    let (passed, _) = count(&mut quota, Some(&ana), None, MESSAGE, now + Duration::from_secs(3600));
    assert_eq!(passed, 8, "what is not used for an hour is no more than a burst");
}

#[test]
fn each_kind_has_its_own_bound_and_names_it() {
    let (mut quota, now) = (small(), Instant::now());
    let mut check = |name: &str, cost, expect, of| {
        let (passed, wait) = count(&mut quota, Some(&user(name)), None, cost, now);
        assert_eq!((passed, wait.of), (expect, of), "{cost:?}");
    };
    check("ana", Cost::Connection, 2, Excess::Connections);
    check("ana", MESSAGE, 8, Excess::Messages);
    check("bob", REQUEST, 20, Excess::Requests);
    check("caio", Cost::Request { bytes: 1500 }, 2, Excess::Bytes);
    check("dora", CHANNEL, 3, Excess::Channels);
    // Somebody who may send no more messages may still ask.
    check("ana", REQUEST, 12, Excess::Requests);
}

#[test]
fn what_is_larger_than_a_burst_passes_alone() {
    let (mut quota, ana, now) = (small(), user("ana"), Instant::now());
    let huge = Cost::Request { bytes: usize::MAX };
    assert_eq!(quota.admit(Some(&ana), None, huge, now), Ok(()));
    let wait = quota.admit(Some(&ana), None, huge, now).unwrap_err();
    assert_eq!(wait, Wait { retry_after: Duration::from_secs(4), of: Excess::Bytes });
    assert_eq!(quota.admit(Some(&ana), None, huge, now + wait.retry_after), Ok(()));
}

#[test]
fn one_users_excess_takes_nothing_from_another_user() {
    let (mut quota, now) = (small(), Instant::now());
    let office = Some(address("192.0.2.7"));
    let (passed, _) = count(&mut quota, Some(&user("ana")), office, MESSAGE, now);
    assert_eq!(passed, 8);
    let (passed, _) = count(&mut quota, Some(&user("bob")), office, MESSAGE, now);
    assert_eq!(passed, 8);
    let (passed, _) = count(&mut quota, Some(&user("ana")), Some(address("198.51.100.1")), MESSAGE, now);
    assert_eq!(passed, 0, "another address makes no other user");
}

#[test]
fn an_address_has_a_bound_for_all_its_users_and_for_strangers() {
    let (mut quota, now) = (small(), Instant::now());
    let office = Some(address("192.0.2.7"));
    let names: Vec<_> = (0..20).map(|number| user(&format!("user{number}"))).collect();
    let passed: u32 = names.iter().map(|name| count(&mut quota, Some(name), office, MESSAGE, now).0).sum();
    assert_eq!(passed, 80);
    assert_eq!(count(&mut quota, None, office, Cost::Connection, now).0, 20);
    // Refused at the address's bound, they have lost nothing of their own.
    assert_eq!(count(&mut quota, Some(&names[19]), None, MESSAGE, now).0, 8);
}

#[test]
fn a_network_of_ipv6_is_one_address_and_a_mapped_one_is_ipv4() {
    let (mut quota, now) = (small(), Instant::now());
    for host in 0..20 {
        let address = Some(address(&format!("2001:db8:0:1::{host}")));
        assert_eq!(quota.admit(None, address, Cost::Connection, now), Ok(()));
    }
    assert!(quota.admit(None, Some(address("2001:db8:0:1:ffff::1")), Cost::Connection, now).is_err());
    assert!(quota.admit(None, Some(address("2001:db8:0:2::1")), Cost::Connection, now).is_ok());
    let (passed, _) = count(&mut quota, None, Some(address("::ffff:192.0.2.1")), Cost::Connection, now);
    assert_eq!(passed, 20);
    assert!(quota.admit(None, Some(address("192.0.2.1")), Cost::Connection, now).is_err());
}

#[test]
fn failed_attempts_delay_the_next_longer_and_longer() {
    let (mut quota, ana, mut now) = (small(), user("ana"), Instant::now());
    let mut delays = Vec::new();
    for _ in 0..7 {
        let delay = match quota.admit(Some(&ana), None, ATTEMPT, now) {
            Ok(()) => Duration::ZERO,
            Err(wait) => {
                assert_eq!(wait.of, Excess::Attempts);
                now += wait.retry_after;
                assert_eq!(quota.admit(Some(&ana), None, ATTEMPT, now), Ok(()));
                wait.retry_after
            }
        };
        delays.push(delay.as_secs());
    }
    assert_eq!(delays, [0, 0, 0, 1, 2, 4, 4], "two failures are free, then it doubles up to the longest");
    now += Duration::from_secs(60);
    assert_eq!(count(&mut quota, Some(&ana), None, ATTEMPT, now).0, 3, "all is forgotten after a while");
}

#[test]
fn many_attempts_at_once_are_not_let_in_before_the_first_has_failed() {
    let (mut quota, now) = (small(), Instant::now());
    let from = Some(address("192.0.2.7"));
    let names: Vec<_> = (0..100).map(|number| user(&format!("user{number}"))).collect();
    let passed = names.iter().filter(|name| quota.admit(Some(name), from, ATTEMPT, now).is_ok()).count();
    assert_eq!(passed, 21);
}

#[test]
fn an_attempt_that_succeeds_costs_nothing_and_pardons_no_other() {
    let (mut quota, ana, now) = (small(), user("ana"), Instant::now());
    let from = Some(address("192.0.2.7"));
    for round in 0..50 {
        let now = now + Duration::from_secs(round);
        assert_eq!(quota.admit(Some(&ana), from, ATTEMPT, now), Ok(()), "round {round}");
        quota.succeeded(Some(&ana), from);
    }
    let now = now + Duration::from_secs(50);
    let mallory = user("mallory");
    for _ in 0..3 {
        assert_eq!(quota.admit(Some(&mallory), None, ATTEMPT, now), Ok(()));
    }
    quota.succeeded(Some(&mallory), None);
    assert_eq!(quota.admit(Some(&mallory), None, ATTEMPT, now), Ok(()));
    assert!(quota.admit(Some(&mallory), None, ATTEMPT, now).is_err(), "two that failed are still known");
}

#[test]
fn whom_a_stranger_claims_to_be_does_not_pay() {
    let (mut quota, ana, now) = (small(), user("ana"), Instant::now());
    count(&mut quota, Some(&ana), Some(address("192.0.2.66")), ATTEMPT, now);
    assert_eq!(count(&mut quota, Some(&ana), None, REQUEST, now).0, 20);
}

#[test]
fn a_person_or_a_bot_at_fifty_messages_a_second_notices_nothing() {
    let (mut quota, ana, start) = (Quota::default(), user("ana"), Instant::now());
    let home = Some(address("192.0.2.7"));
    assert_eq!(quota.admit(Some(&ana), home, Cost::Connection, start), Ok(()));
    for number in 0..50 * 600 {
        let now = start + number * 20 * MS;
        assert_eq!(
            quota.admit(Some(&ana), home, Cost::Message { bytes: 2000 }, now),
            Ok(()),
            "message {number}"
        );
    }
}

#[test]
fn never_more_than_rate_and_burst_and_whoever_keeps_to_the_rate_is_never_refused() {
    for seed in 0..20 {
        let mut random = StdRng::seed_from_u64(seed);
        let rate = Rate {
            tokens: random.random_range(1..2000),
            per: Duration::from_millis(random.random_range(1..100_000)),
            burst: random.random_range(1..500),
        };
        let unlimited = Rate::a_second(u32::MAX, u32::MAX);
        let allowance =
            Allowance { requests: unlimited, bytes: unlimited, messages: rate, ..Allowance::USER };
        let mut quota = Quota::new(allowance, Allowance::ADDRESS);
        let (greedy, regular, start) = (user("greedy"), user("regular"), Instant::now());
        let per_token = u64::try_from(rate.per.as_nanos()).unwrap().div_ceil(u64::from(rate.tokens));
        let (mut now, mut admitted) = (Duration::ZERO, Vec::new());
        let mut due = Duration::ZERO;
        for _ in 0..1000 {
            now += Duration::from_nanos(random.random_range(0..2 * per_token));
            for _ in 0..random.random_range(0..4) {
                match quota.admit(Some(&greedy), None, MESSAGE, start + now) {
                    Ok(()) => admitted.push(now),
                    Err(wait) => assert!(wait.retry_after <= Duration::from_nanos(per_token), "seed {seed}"),
                }
            }
            while due <= now {
                assert_eq!(quota.admit(Some(&regular), None, MESSAGE, start + due), Ok(()), "seed {seed}");
                due += Duration::from_nanos(per_token);
            }
        }
        // Of any interval, in whole numbers: so much passed `per` as the rate and the burst allow.
        for (first, from) in admitted.iter().enumerate() {
            for (last, to) in admitted.iter().enumerate().skip(first) {
                let passed = u128::try_from(last - first + 1).unwrap();
                let allowed = u128::from(rate.burst) * rate.per.as_nanos()
                    + u128::from(rate.tokens) * (*to - *from).as_nanos();
                assert!(
                    passed * rate.per.as_nanos() <= allowed,
                    "seed {seed}: {passed} from {from:?} to {to:?}"
                );
            }
        }
    }
}

#[test]
fn a_full_table_forgets_whoever_has_least_to_remember() {
    let start = Instant::now();
    let at = |seconds: u64| start + Duration::from_secs(seconds);
    let mut table: Table<u32, Instant> = Table::new(3);
    let mut note = |key: u32, recovers: Instant| {
        *table.entry(&key, start, || start, |recovers| *recovers) = recovers;
        (0..6).filter(|key| table.get_mut(key).is_some()).collect::<Vec<_>>()
    };
    note(0, at(30));
    note(1, at(10));
    assert_eq!(note(2, at(20)), [0, 1, 2]);
    assert_eq!(note(3, at(40)), [0, 2, 3], "1 recovers first");
    assert_eq!(note(2, at(90)), [0, 2, 3]);
    assert_eq!(note(4, at(50)), [2, 3, 4], "2 has been busy since, so it is 0");
    assert_eq!(note(5, at(15)), [2, 4, 5]);
    assert_eq!(note(0, at(70)), [0, 2, 4]);
}

#[test]
fn those_who_misuse_are_remembered_through_a_flood_of_others() {
    let (mut quota, mallory, now) = (small(), user("mallory"), Instant::now());
    let from = address("192.0.2.66");
    count(&mut quota, Some(&mallory), Some(from), CHANNEL, now);
    let flood = 3 * u32::try_from(QUOTA_ENTRIES_MAX).unwrap();
    for number in 0..flood {
        let name = user(&format!("user{number}"));
        let address = IpAddr::V4((0x0a00_0000 + number).into());
        assert_eq!(quota.admit(Some(&name), Some(address), REQUEST, now), Ok(()));
        assert_eq!(quota.admit(Some(&name), Some(address), ATTEMPT, now), Ok(()));
    }
    assert!(quota.admit(Some(&mallory), None, CHANNEL, now).is_err());
    assert_eq!(quota.users.len(), QUOTA_ENTRIES_MAX);
    assert_eq!(quota.addresses.len(), QUOTA_ENTRIES_MAX);
    assert_eq!(quota.attempts_on_users.len(), QUOTA_ENTRIES_MAX);
    assert_eq!(quota.attempts_from_addresses.len(), QUOTA_ENTRIES_MAX);
}

#[test]
fn a_clock_that_stands_still_gives_nothing() {
    let (mut quota, ana, now) = (small(), user("ana"), Instant::now());
    count(&mut quota, Some(&ana), None, MESSAGE, now);
    assert!(quota.admit(Some(&ana), None, MESSAGE, now).is_err());
    assert!(quota.admit(Some(&ana), None, MESSAGE, now - MS).is_err());
}

#[test]
fn the_page_of_security_says_how_much_one_may_do() {
    let page = include_str!("../../../docs/security.md");
    let (_, table) = page.split_once("<!-- quotas -->").unwrap();
    let (table, _) = table.split_once("<!-- /quotas -->").unwrap();
    let rows: Vec<Vec<String>> = table
        .trim()
        .lines()
        .skip(2)
        .map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().replace(',', "")).collect())
        .collect();
    let (user, address) = (Allowance::USER, Allowance::ADDRESS);
    let expect = [
        ("connections a second", user.connections, address.connections),
        ("requests a second", user.requests, address.requests),
        ("messages and acts a second", user.messages, address.messages),
        ("bytes a second", user.bytes, address.bytes),
        ("channels a day", user.channels, address.channels),
    ];
    let expect = expect.map(|(what, user, address)| {
        let figures =
            [user.tokens, user.burst, address.tokens, address.burst].map(|figure| figure.to_string());
        [&[what.to_owned()], &figures[..]].concat()
    });
    assert_eq!(rows, expect);
}

#[test]
fn the_refusal_says_when_to_come_back() {
    let (mut quota, ana, now) = (small(), user("ana"), Instant::now());
    let (_, wait) = count(&mut quota, Some(&ana), None, MESSAGE, now);
    let ReplyBody::Later { description, retry_after } = ReplyBody::from(wait) else {
        panic!("it is a refusal for now")
    };
    assert_eq!(description, "these are too many messages at once; ask again in 1 s");
    assert_eq!(retry_after, 250 * MS);
}
