//! Who says which connections a listening socket takes, and how many there are from each address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use crate::codec::Welcome;
use crate::curve::PublicKey;
use crate::lock::lock;
use crate::transport::PeerAddress;

/// Says which connections a listening socket takes. It is asked in the socket's tasks, and so must answer at once.
pub trait Gatekeeper: Send + Sync + 'static {
    /// A connection has come, and nothing was read of it or said to it. With an error, which is the reason, it is closed.
    fn arrives(&self, address: PeerAddress) -> Result<(), String>;

    /// In its handshake it has proved to have this key.
    fn welcomes(&self, key: &PublicKey, address: PeerAddress) -> Welcome;
}

/// How many connections there are from each address. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Addresses {
    counts: Arc<Mutex<HashMap<IpAddr, usize>>>,
    max: usize,
}

/// One connection of an address, counted for as long as this is kept.
#[derive(Debug)]
pub(super) struct Counted(Option<(Addresses, IpAddr)>);

impl Addresses {
    pub(super) fn new(max: usize) -> Self {
        Self { counts: Arc::default(), max }
    }

    /// Counts one more, unless there are as many as may be. One over `ipc` has no address.
    pub(super) fn enter(&self, peer: PeerAddress) -> Option<Counted> {
        let Some(network) = peer.network() else { return Some(Counted(None)) };
        let mut counts = lock(&self.counts);
        let count = counts.entry(network).or_default();
        if *count >= self.max {
            return None;
        }
        *count += 1;
        Some(Counted(Some((self.clone(), network))))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let Some((addresses, network)) = &self.0 else { return };
        let mut counts = lock(&addresses.counts);
        if let Some(count) = counts.get_mut(network) {
            *count -= 1;
            if *count == 0 {
                counts.remove(network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Addresses, PeerAddress, lock};

    fn peer(address: &str) -> PeerAddress {
        PeerAddress::Tcp(address.parse().unwrap())
    }

    #[test]
    fn one_address_has_its_part_and_what_leaves_makes_room() {
        let addresses = Addresses::new(2);
        let first = addresses.enter(peer("192.0.2.1:1")).unwrap();
        let _second = addresses.enter(peer("192.0.2.1:2")).unwrap();
        assert!(addresses.enter(peer("192.0.2.1:3")).is_none());
        let _other = addresses.enter(peer("192.0.2.2:1")).unwrap();
        drop(first);
        assert!(addresses.enter(peer("192.0.2.1:3")).is_some());
        let here = [(); 3].map(|()| addresses.enter(PeerAddress::Ipc).unwrap());
        assert_eq!((here.len(), lock(&addresses.counts).len()), (3, 2));
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let addresses = Addresses::new(1);
        let first = addresses.enter(peer("[2001:db8:0:1::1]:1")).unwrap();
        assert!(addresses.enter(peer("[2001:db8:0:1:ffff::9]:1")).is_none());
        let other = addresses.enter(peer("[2001:db8:0:2::1]:1")).unwrap();
        drop((first, other));
        assert!(lock(&addresses.counts).is_empty());
    }
}
