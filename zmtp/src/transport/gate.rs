//! How many handshakes may be under way at once, in all and from one address, so that silent connections cost little
//! and one machine cannot keep the others out.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::address::PeerAddress;
use crate::limits;
use crate::lock::lock;

/// Gives out places for handshakes. Clones share them.
///
/// Connections over `ipc` have no address and so no share: the file's permissions say who may connect.
#[derive(Clone, Debug)]
pub struct HandshakeGate(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    places: Arc<Semaphore>,
    share: usize,
    hosts: Mutex<HashMap<IpAddr, Host>>,
}

/// An address with connections at or before the gate.
#[derive(Debug)]
struct Host {
    places: Arc<Semaphore>,
    connections: usize,
}

/// A place for one handshake; dropping it gives it back.
#[derive(Debug)]
pub struct HandshakePass {
    _place: OwnedSemaphorePermit,
    _host_place: Option<OwnedSemaphorePermit>,
    _registration: Option<Registration>,
}

/// Counts one connection of an address, and forgets the address with its last.
#[derive(Debug)]
struct Registration {
    shared: Arc<Shared>,
    host: IpAddr,
}

impl HandshakeGate {
    /// A gate with so many places, of which one address may have an eighth, and at least one.
    pub fn new(handshakes_max: usize) -> Self {
        let handshakes_max = handshakes_max.clamp(1, Semaphore::MAX_PERMITS);
        Self(Arc::new(Shared {
            places: Arc::new(Semaphore::new(handshakes_max)),
            share: handshakes_max.div_ceil(limits::HANDSHAKES_ADDRESS_SHARE),
            hosts: Mutex::default(),
        }))
    }

    /// Waits for a place, first come, first served among those of one address; `None` at once if too many of that
    /// address wait already. Bound the wait with the handshake's own time limit. Cancel safe.
    pub async fn enter(&self, peer: PeerAddress) -> Option<HandshakePass> {
        let mut host_place = None;
        let mut registration = None;
        if let Some(host) = peer.network() {
            let (places, registered) = self.register(host)?;
            registration = Some(registered);
            host_place = Some(places.acquire_owned().await.ok()?);
        }
        let place = Arc::clone(&self.0.places).acquire_owned().await.ok()?;
        Some(HandshakePass { _place: place, _host_place: host_place, _registration: registration })
    }

    fn register(&self, address: IpAddr) -> Option<(Arc<Semaphore>, Registration)> {
        let mut hosts = self.0.hosts();
        let host = hosts
            .entry(address)
            .or_insert_with(|| Host { places: Arc::new(Semaphore::new(self.0.share)), connections: 0 });
        if host.connections >= self.0.share + limits::HANDSHAKES_WAITING_PER_ADDRESS_MAX {
            return None;
        }
        host.connections += 1;
        Some((Arc::clone(&host.places), Registration { shared: Arc::clone(&self.0), host: address }))
    }
}

impl Shared {
    fn hosts(&self) -> MutexGuard<'_, HashMap<IpAddr, Host>> {
        lock(&self.hosts)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut hosts = self.shared.hosts();
        if let Some(host) = hosts.get_mut(&self.host) {
            host.connections -= 1;
            if host.connections == 0 {
                hosts.remove(&self.host);
            }
        }
    }
}
