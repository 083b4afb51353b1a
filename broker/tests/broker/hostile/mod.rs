//! Input that must do no harm: each case against a running broker with others at work beside it, who lose nothing and never
//! stop. docs/hostile-input.md lists the cases and the tests.

mod floods;
mod frames;
mod handshake;
mod subscriptions;
mod witnesses;

use recado_broker::Figures;
use recado_zmtp::Endpoint;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::raw::{Peer, Running, within};
use witnesses::Witnesses;

/// The two ports, as an attacker sees them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Publishers,
    Subscribers,
}

impl Side {
    const BOTH: [Side; 2] = [Side::Publishers, Side::Subscribers];

    fn endpoint(self, broker: &Running) -> &Endpoint {
        match self {
            Side::Publishers => &broker.publishers,
            Side::Subscribers => &broker.subscribers,
        }
    }

    /// A socket type that fits the port.
    fn fitting(self) -> &'static str {
        match self {
            Side::Publishers => "PUB",
            Side::Subscribers => "SUB",
        }
    }

    async fn connect(self, broker: &Running) -> Peer {
        Peer::connect(self.endpoint(broker), self.fitting(), 1).await
    }
}

/// Sends what it may: the broker may close at any time.
async fn pour(stream: &mut TcpStream, bytes: &[u8]) {
    let _ = within("room to write", stream.write_all(bytes)).await;
}

/// Reads until the broker closes the connection.
async fn closed(stream: &mut TcpStream, what: &str) {
    let mut buffer = [0; 4096];
    while !matches!(within(what, stream.read(&mut buffer)).await, Ok(0) | Err(_)) {}
}

/// A connection past its handshake that sends these bytes is closed, and that is counted as its fault.
async fn is_closed(broker: &Running, witnesses: &mut Witnesses, side: Side, what: &str, bytes: &[u8]) {
    let before = broker.counters.figures().closed_at_fault;
    let mut peer = side.connect(broker).await;
    pour(peer.stream.get_mut(), bytes).await;
    closed(peer.stream.get_mut(), what).await;
    witnesses.go_on().await;
    counted(broker, &format!("{what} at the {side:?}' port"), |it| it.closed_at_fault, before + 1).await;
}

/// Waits until a counter has come to `count`, which may be just after the peer sees its end; it must not pass that.
async fn counted(broker: &Running, what: &str, counter: impl Fn(&Figures) -> u64, count: u64) {
    until(broker, what, |figures| counter(figures) >= count).await;
    assert_eq!(counter(&broker.counters.figures()), count, "{what}");
}

/// Waits until the figures are as they are to be.
async fn until(broker: &Running, what: &str, holds: impl Fn(&Figures) -> bool) {
    within(what, async {
        while !holds(&broker.counters.figures()) {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
