//! How many connections there are, in all and from each address, and whether one more may come. Knows nothing of sockets.

use std::collections::HashMap;
use std::net::IpAddr;

use thiserror::Error;

/// The connections that there are, those that shake hands included.
#[derive(Debug)]
pub(crate) struct Admission {
    connections: usize,
    by_address: HashMap<IpAddr, usize>,
    connections_max: usize,
    per_address_max: usize,
}

/// Why a connection is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum Refusal {
    #[error("there are {0} connections already")]
    Full(usize),
    #[error("there are {0} connections from its address already")]
    AddressFull(usize),
}

impl Admission {
    pub(crate) fn new(connections_max: usize, per_address_max: usize) -> Admission {
        Admission { connections: 0, by_address: HashMap::new(), connections_max, per_address_max }
    }

    /// Takes a connection in. One without an address counts in all only.
    pub(crate) fn enter(&mut self, address: Option<IpAddr>) -> Result<(), Refusal> {
        if self.connections >= self.connections_max {
            return Err(Refusal::Full(self.connections));
        }
        if let Some(address) = address {
            let count = self.by_address.entry(address).or_default();
            if *count >= self.per_address_max {
                return Err(Refusal::AddressFull(*count));
            }
            *count += 1;
        }
        self.connections += 1;
        Ok(())
    }

    /// A connection that was taken in has ended.
    pub(crate) fn leave(&mut self, address: Option<IpAddr>) {
        self.connections -= 1;
        if let Some(address) = address
            && let Some(count) = self.by_address.get_mut(&address)
        {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::{Admission, Refusal};

    #[test]
    fn one_address_cannot_have_all_and_what_leaves_makes_room() {
        let mut admission = Admission::new(4, 2);
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
}
