//! How many connections there are, in all, from each address and of each user, and whether one more may come. Knows nothing of sockets.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;

use thiserror::Error;

/// The connections that there are, those that shake hands included.
#[derive(Debug)]
pub(crate) struct Admission {
    connections: usize,
    by_address: HashMap<IpAddr, usize>,
    by_user: HashMap<Box<str>, usize>,
    bounds: Bounds,
}

/// How many there may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) connections: usize,
    pub(crate) per_address: usize,
    pub(crate) per_user: usize,
}

/// Why a connection is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum Refusal {
    #[error("there are {0} connections already")]
    Full(usize),
    #[error("there are {0} connections from its address already")]
    AddressFull(usize),
    #[error("there are {0} connections of its user already")]
    UserFull(usize),
}

impl Admission {
    pub(crate) fn new(bounds: Bounds) -> Admission {
        Admission { connections: 0, by_address: HashMap::new(), by_user: HashMap::new(), bounds }
    }

    /// Takes a connection in. One without an address counts in all only.
    pub(crate) fn enter(&mut self, address: Option<IpAddr>) -> Result<(), Refusal> {
        if self.connections >= self.bounds.connections {
            return Err(Refusal::Full(self.connections));
        }
        if let Some(address) = address {
            let max = self.bounds.per_address;
            count_one_more(&mut self.by_address, address, max).map_err(Refusal::AddressFull)?;
        }
        self.connections += 1;
        Ok(())
    }

    /// A connection that was taken in turns out to be this user's.
    pub(crate) fn enter_user(&mut self, user: &str) -> Result<(), Refusal> {
        count_one_more(&mut self.by_user, user.into(), self.bounds.per_user).map_err(Refusal::UserFull)
    }

    /// It has ended, or came to nothing.
    pub(crate) fn leave_user(&mut self, user: &str) {
        count_one_less(&mut self.by_user, user);
    }

    /// A connection that was taken in has ended.
    pub(crate) fn leave(&mut self, address: Option<IpAddr>) {
        self.connections -= 1;
        if let Some(address) = address {
            count_one_less(&mut self.by_address, &address);
        }
    }
}

/// How many there are, if there are as many as may be.
fn count_one_more<K: Eq + Hash>(counts: &mut HashMap<K, usize>, key: K, max: usize) -> Result<(), usize> {
    let count = counts.entry(key).or_default();
    if *count >= max {
        return Err(*count);
    }
    *count += 1;
    Ok(())
}

fn count_one_less<K: Eq + Hash + Borrow<Q>, Q: Eq + Hash + ?Sized>(counts: &mut HashMap<K, usize>, key: &Q) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::{Admission, Bounds, Refusal};

    const BOUNDS: Bounds = Bounds { connections: 4, per_address: 2, per_user: 2 };

    #[test]
    fn one_address_cannot_have_all_and_what_leaves_makes_room() {
        let mut admission = Admission::new(BOUNDS);
        let [a, b] = ["127.0.0.1", "::1"].map(|address| Some(address.parse::<IpAddr>().unwrap()));
        assert_eq!([admission.enter(a), admission.enter(a)], [Ok(()), Ok(())]);
        assert_eq!(admission.enter(a), Err(Refusal::AddressFull(2)));
        assert_eq!([admission.enter(b), admission.enter(None)], [Ok(()), Ok(())]);
        assert_eq!(admission.enter(b), Err(Refusal::Full(4)));
        admission.leave(a);
        assert_eq!(admission.enter(a), Ok(()));
        for address in [a, a, b, None] {
            admission.leave(address);
        }
        assert_eq!((admission.connections, admission.by_address.len()), (0, 0));
    }

    #[test]
    fn a_user_has_as_many_as_a_user_may_wherever_they_come_from() {
        let mut admission = Admission::new(BOUNDS);
        assert_eq!([admission.enter_user("ana"), admission.enter_user("ana")], [Ok(()), Ok(())]);
        assert_eq!(admission.enter_user("ana"), Err(Refusal::UserFull(2)));
        assert_eq!(admission.enter_user("anabela"), Ok(()));
        admission.leave_user("ana");
        assert_eq!(admission.enter_user("ana"), Ok(()));
        for user in ["ana", "ana", "anabela"] {
            admission.leave_user(user);
        }
        assert!(admission.by_user.is_empty());
    }
}
