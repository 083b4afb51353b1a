//! Too much of what would do no harm alone: connections, handshakes under way, PINGs, messages that nobody wants.

use std::net::SocketAddr;
use std::time::Duration;

use recado_broker::Limits;
use recado_zmtp::Endpoint;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};

use super::{Side, Witnesses, closed, counted, pour, until};
use crate::raw::{Peer, address, broker, command, frame, greeting, limits, message, ready, within};

/// From another address of this machine.
async fn open_from_elsewhere(endpoint: &Endpoint) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let there: SocketAddr = address(endpoint).parse().unwrap();
    within("a connection", socket.connect(there)).await.unwrap()
}

#[tokio::test]
async fn connections_beyond_the_limit_are_refused_until_others_leave() {
    let broker = broker(Limits { connections_max: 20, ..limits() }).await;
    let mut witnesses = Witnesses::new(&broker).await;
    for side in Side::BOTH {
        let before = broker.counters.figures().refused;
        let mut here = Vec::new();
        for _ in 3..20 {
            here.push(side.connect(&broker).await);
        }
        for number in 1..=50 {
            let mut stream = Peer::open(side.endpoint(&broker)).await;
            closed(&mut stream, "a refusal").await;
            witnesses.go_on().await;
            counted(&broker, "a refusal", |it| it.refused, before + number).await;
        }
        for peer in &mut here {
            peer.settle().await;
        }
        drop(here);
        until(&broker, "room again", |it| it.publishers + it.subscribers == 3).await;
        side.connect(&broker).await.settle().await;
        until(&broker, "its end", |it| it.publishers + it.subscribers == 3).await;
    }
    witnesses.end(broker).await;
}

#[tokio::test]
async fn connections_of_one_address_leave_room_for_others() {
    let limits = Limits { connections_max: 30, connections_per_address_max: 20, ..limits() };
    let broker = broker(limits).await;
    let mut witnesses = Witnesses::new(&broker).await;
    for side in Side::BOTH {
        let before = broker.counters.figures().refused;
        let mut here = Vec::new();
        for _ in 3..20 {
            here.push(side.connect(&broker).await);
        }
        for number in 1..=20 {
            let mut stream = Peer::open(side.endpoint(&broker)).await;
            closed(&mut stream, "a refusal").await;
            witnesses.go_on().await;
            counted(&broker, "a refusal", |it| it.refused, before + number).await;
        }
        for _ in 0..10 {
            let mut stream = open_from_elsewhere(side.endpoint(&broker)).await;
            pour(&mut stream, &[greeting(1), ready(side.fitting())].concat()).await;
            let mut peer = Peer::established(stream, 1).await;
            peer.settle().await;
            here.push(peer);
        }
        drop(here);
        until(&broker, "room again", |it| it.publishers + it.subscribers == 3).await;
    }
    witnesses.end(broker).await;
}

#[tokio::test]
async fn half_open_handshakes_of_one_address_keep_no_other_out() {
    // Two places for an address; the others of it wait their turn.
    let limits = Limits { handshakes_max: 16, handshake_timeout: Duration::from_secs(60), ..limits() };
    let broker = broker(limits).await;
    let mut witnesses = Witnesses::new(&broker).await;
    for (before, side) in [0, 100].into_iter().zip(Side::BOTH) {
        let mut silent = Vec::new();
        for number in 0..100 {
            let mut stream = Peer::open(side.endpoint(&broker)).await;
            pour(&mut stream, &greeting(1)[..number % 64]).await;
            silent.push(stream);
        }
        witnesses.go_on().await;
        let mut stream = open_from_elsewhere(side.endpoint(&broker)).await;
        pour(&mut stream, &[greeting(1), ready(side.fitting())].concat()).await;
        Peer::established(stream, 1).await.settle().await;
        assert_eq!(broker.counters.figures().refused, before, "none of the silent ones has left yet");
        witnesses.go_on().await;
        drop(silent);
        side.connect(&broker).await.settle().await;
        until(&broker, "all of them gone", |it| it.refused == before + 100).await;
    }
    witnesses.end(broker).await;
}

#[tokio::test]
async fn connections_that_come_and_go_at_once_hurt_nobody() {
    let broker = broker(limits()).await;
    let mut witnesses = Witnesses::new(&broker).await;
    for (turn, side) in Side::BOTH.into_iter().cycle().take(6).enumerate() {
        let mut streams = Vec::new();
        for _ in 0..100 {
            streams.push(Peer::open(side.endpoint(&broker)).await);
        }
        for stream in streams.iter().filter(|_| turn % 3 == 0) {
            stream.set_zero_linger().unwrap();
        }
        for stream in streams.iter_mut().filter(|_| turn % 3 == 1) {
            let _ = stream.write_all(&greeting(1)).await;
        }
        drop(streams);
        witnesses.go_on().await;
        until(&broker, "all refused", |it| it.refused == 100 * (turn as u64 + 1)).await;
    }
    let figures = broker.counters.figures();
    assert_eq!((figures.publishers, figures.subscribers), (1, 2));
    witnesses.end(broker).await;
}

#[tokio::test]
async fn peers_that_reset_at_any_moment_hurt_nobody() {
    let broker = broker(limits()).await;
    let mut witnesses = Witnesses::new(&broker).await;
    for number in 0..100 {
        let mut peer = match number % 2 {
            0 => broker.subscriber(1, &["witness", ""]).await,
            _ => broker.publisher(1).await,
        };
        pour(peer.stream.get_mut(), &frame(1, b"witness")).await;
        peer.stream.get_ref().set_zero_linger().unwrap();
        witnesses.go_on().await;
        drop(peer);
        witnesses.go_on().await;
    }
    until(&broker, "all gone", |it| (it.publishers, it.subscribers) == (1, 2)).await;
    witnesses.end(broker).await;
}

#[tokio::test]
async fn pings_by_one_who_does_not_read_stay_unanswered() {
    let broker = broker(limits()).await;
    let mut witnesses = Witnesses::new(&broker).await;
    for side in Side::BOTH {
        let mut peer = side.connect(&broker).await;
        let flood = command("PING", b"\0\0 context").repeat(50_000);
        for _ in 0..10 {
            pour(peer.stream.get_mut(), &flood).await;
            witnesses.go_on().await;
            let figures = broker.counters.figures();
            assert!(figures.queued_bytes < 1 << 20 && figures.closed_at_fault == 0, "{figures}");
        }
    }
    until(&broker, "all gone", |it| (it.publishers, it.subscribers) == (1, 2)).await;
    witnesses.end(broker).await;
}

#[tokio::test]
async fn floods_of_small_commands_are_ignored() {
    let broker = broker(limits()).await;
    let mut witnesses = Witnesses::new(&broker).await;
    for side in Side::BOTH {
        let mut peer = side.connect(&broker).await;
        for flood in [command("X", b"yz"), ready("SUB"), command("PONG", b"x")] {
            for _ in 0..4 {
                pour(peer.stream.get_mut(), &flood.repeat(10_000)).await;
                witnesses.go_on().await;
            }
        }
        peer.settle().await;
    }
    assert_eq!(broker.counters.figures().closed_at_fault, 0);
    witnesses.end(broker).await;
}

#[tokio::test]
async fn messages_that_nobody_wants_are_counted_and_go_nowhere() {
    let broker = broker(limits()).await;
    let mut witnesses = Witnesses::new(&broker).await;
    let mut peers = [broker.publisher(0).await, broker.publisher(1).await];
    let mut sent = 0;
    for round in 0..10u32 {
        for peer in &mut peers {
            let different = (0..2_000u32).flat_map(|number| {
                message(&[b"n", &[&round.to_be_bytes()[..], &number.to_be_bytes()].concat(), b"body"])
            });
            let alike = message(&[b"nobody", &[b'.'; 100]]).repeat(2_000);
            pour(peer.stream.get_mut(), &different.chain(alike).collect::<Vec<u8>>()).await;
            sent += 4_000;
            witnesses.go_on().await;
        }
    }
    until(&broker, "all of it read", |figures| figures.unwanted == sent).await;
    let figures = broker.counters.figures();
    assert_eq!((figures.waits, figures.queued_bytes), (0, 0), "{figures}");
    drop(peers);
    witnesses.end(broker).await;
}
