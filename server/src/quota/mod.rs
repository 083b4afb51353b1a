//! How much each user and each address may do, and when they may come back: token buckets, and delays that grow with attempts to get in
//! that failed. Times come in; who is asking, over which connection and for what is not known here.

mod attempts;
mod bucket;
mod failures;
mod options;
mod shared;
mod table;

#[cfg(test)]
mod tests;

use core::net::IpAddr;
use std::fmt::{self, Display, Formatter};
use std::time::{Duration, Instant};

use recado_proto::{ReplyBody, UserName};
use thiserror::Error;

pub use self::attempts::Patience;
pub use self::bucket::Rate;
pub use self::failures::Failures;
pub use self::options::QuotaOptions;
pub use self::shared::SharedQuota;

use self::attempts::Attempts;
use self::bucket::Bucket;
use self::table::Table;
use crate::limits::{
    ADDRESS_ATTEMPTS, ADDRESS_BYTES, ADDRESS_CHANNELS, ADDRESS_CONNECTIONS, ADDRESS_MESSAGES,
    ADDRESS_REQUESTS, QUOTA_ENTRIES_MAX, USER_ATTEMPTS, USER_BYTES, USER_CHANNELS, USER_CONNECTIONS,
    USER_MESSAGES, USER_REQUESTS,
};

/// What is asked for, and so what it is charged to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// A connection was made: charged to its address when it comes, and to its user once it is known whose it is.
    Connection,
    /// A request that is none of the others.
    Request {
        /// Its length.
        bytes: usize,
    },
    /// A request that stores something that others hear: a message or an act.
    Message {
        /// Its length.
        bytes: usize,
    },
    /// A request to create a channel that does not exist. One for a channel that exists is a [`Cost::Request`], since programs create
    /// a channel to make sure of it.
    Channel {
        /// Its length.
        bytes: usize,
    },
    /// A request that tries something secret: a `join` with its code, a `login` with its password. It counts as failed until
    /// [`Quota::succeeded`].
    Attempt {
        /// Its length.
        bytes: usize,
    },
}

/// What there was too much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excess {
    /// Connections made.
    Connections,
    /// Requests.
    Requests,
    /// Messages and acts.
    Messages,
    /// Bytes of requests.
    Bytes,
    /// Channels created.
    Channels,
    /// Attempts that failed.
    Attempts,
}

/// Not now. Nothing was charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{of}; ask again in {} s", whole_seconds(*.retry_after))]
pub struct Wait {
    /// How long until the same would be let in, if nothing else is asked for meanwhile.
    pub retry_after: Duration,
    /// What there was too much of.
    pub of: Excess,
}

/// How much a user, or an address, may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Connections made.
    pub connections: Rate,
    /// Requests, whatever they ask for.
    pub requests: Rate,
    /// Messages and acts.
    pub messages: Rate,
    /// Bytes of requests.
    pub bytes: Rate,
    /// Channels created.
    pub channels: Rate,
    /// Attempts to get in.
    pub attempts: Patience,
}

/// What everybody has used.
#[derive(Clone, Debug)]
pub struct Quota {
    user: Allowance,
    address: Allowance,
    users: Table<UserName, Account>,
    addresses: Table<IpAddr, Account>,
    /// Apart from the accounts, so that names that strangers make up displace nothing of users.
    attempts_on_users: Table<UserName, Attempts>,
    attempts_from_addresses: Table<IpAddr, Attempts>,
}

/// What one user or address has used, as it was at a time.
#[derive(Clone, Copy, Debug)]
struct Account {
    at: Instant,
    buckets: [Bucket; Charge::COUNT],
}

/// Tokens for each bucket of an account.
#[derive(Clone, Copy, Debug)]
struct Charge([u32; Charge::COUNT]);

impl Allowance {
    /// What a user may do, from all devices together.
    pub const USER: Self = Self {
        connections: USER_CONNECTIONS,
        requests: USER_REQUESTS,
        messages: USER_MESSAGES,
        bytes: USER_BYTES,
        channels: USER_CHANNELS,
        attempts: USER_ATTEMPTS,
    };

    /// What an address may do, behind which there can be an office.
    pub const ADDRESS: Self = Self {
        connections: ADDRESS_CONNECTIONS,
        requests: ADDRESS_REQUESTS,
        messages: ADDRESS_MESSAGES,
        bytes: ADDRESS_BYTES,
        channels: ADDRESS_CHANNELS,
        attempts: ADDRESS_ATTEMPTS,
    };

    fn rates(&self) -> [Rate; Charge::COUNT] {
        [self.connections, self.requests, self.messages, self.bytes, self.channels]
    }
}

impl Default for Quota {
    fn default() -> Self {
        Self::new(Allowance::USER, Allowance::ADDRESS)
    }
}

impl Quota {
    /// Nobody has used anything.
    pub fn new(user: Allowance, address: Allowance) -> Self {
        Self {
            user,
            address,
            users: Table::new(QUOTA_ENTRIES_MAX),
            addresses: Table::new(QUOTA_ENTRIES_MAX),
            attempts_on_users: Table::new(QUOTA_ENTRIES_MAX),
            attempts_from_addresses: Table::new(QUOTA_ENTRIES_MAX),
        }
    }

    /// Charges this to the user and to the address, or, if it is too much for one of them, to neither. Of a stranger there is no
    /// `user`, but for an attempt: then it is the user whom the stranger claims to be. Over `ipc://` there is no `address`.
    pub fn admit(
        &mut self,
        user: Option<&UserName>,
        address: Option<IpAddr>,
        cost: Cost,
        now: Instant,
    ) -> Result<(), Wait> {
        let address = address.map(network);
        let is_attempt = matches!(cost, Cost::Attempt { .. });
        if is_attempt {
            self.wait_for_attempt(user, address, now)?;
        }
        let charge = Charge::of(cost);
        let (user_rates, address_rates) = (self.user.rates(), self.address.rates());
        // Who a stranger claims to be is not who pays.
        let payer = user.filter(|_| !is_attempt);
        let mut of_user = payer.map(|user| {
            let recovers_at = |account: &Account| account.recovers_at(&user_rates);
            self.users.entry(user, now, || Account::new(now), recovers_at)
        });
        let mut of_address = address.map(|address| {
            let recovers_at = |account: &Account| account.recovers_at(&address_rates);
            self.addresses.entry(&address, now, || Account::new(now), recovers_at)
        });
        let refusals = [
            of_user.as_deref_mut().and_then(|account| account.refuses(&charge, &user_rates, now)),
            of_address.as_deref_mut().and_then(|account| account.refuses(&charge, &address_rates, now)),
        ];
        if let Some(wait) = refusals.into_iter().flatten().max_by_key(|wait| wait.retry_after) {
            return Err(wait);
        }
        if let Some(account) = of_user {
            account.take(&charge, &user_rates);
        }
        if let Some(account) = of_address {
            account.take(&charge, &address_rates);
        }
        if is_attempt {
            self.begin_attempt(user, address, now);
        }
        Ok(())
    }

    /// The attempt that was let in with the same user and address was a good one.
    pub fn succeeded(&mut self, user: Option<&UserName>, address: Option<IpAddr>) {
        if let Some(attempts) = user.and_then(|user| self.attempts_on_users.get_mut(user)) {
            attempts.succeeded();
        }
        if let Some(attempts) =
            address.and_then(|address| self.attempts_from_addresses.get_mut(&network(address)))
        {
            attempts.succeeded();
        }
    }

    fn wait_for_attempt(
        &mut self,
        user: Option<&UserName>,
        address: Option<IpAddr>,
        now: Instant,
    ) -> Result<(), Wait> {
        let on_user = user.and_then(|user| self.attempts_on_users.get_mut(user));
        let from_address = address.and_then(|address| self.attempts_from_addresses.get_mut(&address));
        let waits = [
            on_user.map(|attempts| attempts.wait(now, &self.user.attempts)),
            from_address.map(|attempts| attempts.wait(now, &self.address.attempts)),
        ];
        match waits.into_iter().flatten().max() {
            None | Some(Duration::ZERO) => Ok(()),
            Some(retry_after) => Err(Wait { retry_after, of: Excess::Attempts }),
        }
    }

    fn begin_attempt(&mut self, user: Option<&UserName>, address: Option<IpAddr>, now: Instant) {
        let (on_user, from_address) = (self.user.attempts, self.address.attempts);
        if let Some(user) = user {
            self.attempts_on_users
                .entry(user, now, || Attempts::new(now), |attempts| attempts.forgotten_at(&on_user))
                .begin(now, &on_user);
        }
        if let Some(address) = address {
            self.attempts_from_addresses
                .entry(&address, now, || Attempts::new(now), |attempts| attempts.forgotten_at(&from_address))
                .begin(now, &from_address);
        }
    }
}

impl Account {
    fn new(now: Instant) -> Self {
        Self { at: now, buckets: [Bucket::default(); Charge::COUNT] }
    }

    /// Brings the account to this time, and says what is too much for it.
    fn refuses(&mut self, charge: &Charge, rates: &[Rate; Charge::COUNT], now: Instant) -> Option<Wait> {
        let elapsed = now.saturating_duration_since(self.at);
        self.at = self.at.max(now);
        let mut worst: Option<Wait> = None;
        for (index, (bucket, rate)) in self.buckets.iter_mut().zip(rates).enumerate() {
            bucket.run_off(elapsed, rate);
            let retry_after = bucket.wait_for(charge.0[index], rate);
            if charge.0[index] > 0 && worst.map_or(Duration::ZERO, |worst| worst.retry_after) < retry_after {
                worst = Some(Wait { retry_after, of: Charge::KINDS[index] });
            }
        }
        worst
    }

    fn take(&mut self, charge: &Charge, rates: &[Rate; Charge::COUNT]) {
        for (index, (bucket, rate)) in self.buckets.iter_mut().zip(rates).enumerate() {
            bucket.take(charge.0[index], rate);
        }
    }

    fn recovers_at(&self, rates: &[Rate; Charge::COUNT]) -> Instant {
        let longest = self.buckets.iter().zip(rates).map(|(bucket, rate)| bucket.recovers_in(rate)).max();
        self.at + longest.unwrap_or_default()
    }
}

impl Charge {
    const COUNT: usize = 5;

    /// What each bucket counts, in the order of [`Allowance::rates`].
    const KINDS: [Excess; Self::COUNT] =
        [Excess::Connections, Excess::Requests, Excess::Messages, Excess::Bytes, Excess::Channels];

    fn of(cost: Cost) -> Self {
        let length = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX);
        Self(match cost {
            Cost::Connection => [1, 0, 0, 0, 0],
            Cost::Request { bytes } | Cost::Attempt { bytes } => [0, 1, 0, length(bytes), 0],
            Cost::Message { bytes } => [0, 1, 1, length(bytes), 0],
            Cost::Channel { bytes } => [0, 1, 0, length(bytes), 1],
        })
    }
}

impl From<Wait> for ReplyBody {
    fn from(wait: Wait) -> Self {
        ReplyBody::Later { description: wait.to_string(), retry_after: wait.retry_after }
    }
}

impl Display for Excess {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Excess::Connections => "too many connections were made",
            Excess::Requests => "these are too many requests at once",
            Excess::Messages => "these are too many messages at once",
            Excess::Bytes => "this is too much at once",
            Excess::Channels => "too many channels were created",
            Excess::Attempts => "too many attempts failed",
        })
    }
}

/// Whoever has one address of IPv6 has the whole network of 64 bits, and could come from another one each time.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & (u128::MAX << 64)).into()),
        address @ IpAddr::V4(_) => address,
    }
}

/// Rounded up: whoever comes back then is let in.
fn whole_seconds(wait: Duration) -> u128 {
    wait.as_nanos().div_ceil(1_000_000_000)
}
