//! Listening, the handshake over a stream, and the gate before it.

use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::time::Duration;

use recado_zmtp::codec::{HandshakeConfig, SocketType};
use recado_zmtp::transport::{
    BindFault, EstablishError, HandshakeGate, Listener, PeerAddress, Stream, establish,
};
use recado_zmtp::{Endpoint, limits};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::raw_peer::{RawPeer, frame, greeting, ready};
use super::{anywhere, soon};

/// A path of this test's own.
fn path(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("recado-zmtp-{name}-{}", std::process::id()))
}

async fn fault(endpoint: &Endpoint) -> (String, BindFault) {
    let error = soon(Listener::bind(endpoint)).await.unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with(&format!("cannot listen on {endpoint}: ")), "{text}");
    (text, error.fault)
}

#[tokio::test]
async fn a_port_in_use_is_said_with_what_to_do() {
    let first = Listener::bind(&anywhere()).await.unwrap();
    let (text, fault) = fault(first.local_endpoint()).await;
    assert!(matches!(fault, BindFault::PortInUse));
    assert!(text.ends_with("stop the program that listens there or choose another port"), "{text}");
    let any: Endpoint = "tcp://*:0".parse().unwrap();
    let all = Listener::bind(&any).await.unwrap();
    assert!(matches!(fault_of(all.local_endpoint()).await, BindFault::PortInUse));
}

async fn fault_of(endpoint: &Endpoint) -> BindFault {
    fault(endpoint).await.1
}

#[tokio::test]
async fn an_address_of_another_machine_is_said() {
    assert!(matches!(fault_of(&"tcp://192.0.2.1:0".parse().unwrap()).await, BindFault::NotOurs));
}

#[tokio::test]
async fn an_ipc_path_that_cannot_be_is_said() {
    assert!(matches!(fault_of(&"ipc:///nowhere/at/all".parse().unwrap()).await, BindFault::NoFolder));
    let file = path("plain-file");
    std::fs::write(&file, "precious").unwrap();
    assert!(matches!(fault_of(&Endpoint::Ipc(file.clone())).await, BindFault::NotASocket));
    assert_eq!(std::fs::read(&file).unwrap(), b"precious");
    std::fs::remove_file(file).unwrap();
}

#[tokio::test]
async fn a_live_ipc_socket_is_in_use_and_a_stale_one_replaced() {
    let endpoint = Endpoint::Ipc(path("replaced"));
    let Endpoint::Ipc(path) = &endpoint else { unreachable!() };
    // The standard library's listener leaves its file behind, as a killed program does.
    drop(UnixListener::bind(path).unwrap());
    assert!(path.exists());
    let live = Listener::bind(&endpoint).await.unwrap();
    assert!(matches!(fault_of(&endpoint).await, BindFault::PathInUse));
    let (connected, accepted) = tokio::join!(Stream::connect(&endpoint), live.accept());
    assert_eq!((connected.unwrap().peer(), accepted.unwrap().peer()), (PeerAddress::Ipc, PeerAddress::Ipc));

    // Another's file in the same place is not ours to remove.
    std::fs::remove_file(path).unwrap();
    let other = UnixListener::bind(path).unwrap();
    drop(live);
    assert!(path.exists());
    drop(other);
    std::fs::remove_file(path).unwrap();
}

#[tokio::test]
async fn ipv4_peers_of_a_dual_listener_have_ipv4_addresses() {
    let listener = Listener::bind(&"tcp://*:*".parse().unwrap()).await.unwrap();
    let Endpoint::Tcp { port, .. } = *listener.local_endpoint() else { unreachable!() };
    for (host, expect) in [("127.0.0.1", "127.0.0.1"), ("[::1]", "::1")] {
        let endpoint = format!("tcp://{host}:{port}").parse().unwrap();
        let (connected, accepted) = tokio::join!(Stream::connect(&endpoint), listener.accept());
        connected.unwrap();
        assert_eq!(accepted.unwrap().peer().host().unwrap().to_string(), expect);
    }
}

#[tokio::test]
async fn a_stream_goes_from_one_runtime_to_another_with_what_is_unread() {
    for endpoint in [anywhere(), Endpoint::Ipc(path("handed-over"))] {
        let listener = Listener::bind(&endpoint).await.unwrap();
        let (connected, accepted) =
            tokio::join!(Stream::connect(listener.local_endpoint()), listener.accept());
        let (mut near, far) = (connected.unwrap(), accepted.unwrap());
        let address = far.peer();
        near.write_all(b"question").await.unwrap();
        let detached = far.detach().unwrap();
        assert_eq!(detached.peer(), address);
        let answering = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut stream = detached.attach().unwrap();
                assert_eq!(stream.peer(), address);
                let mut question = [0; 8];
                soon(stream.read_exact(&mut question)).await.unwrap();
                assert_eq!(&question, b"question");
                stream.write_all(b"answer").await.unwrap();
                // Nothing more comes, and that does not keep the thread from doing other things.
                assert!(stream.try_read(&mut question).is_err());
            });
        });
        let mut answer = Vec::new();
        soon(near.read_to_end(&mut answer)).await.unwrap();
        assert_eq!(answer, b"answer");
        answering.join().unwrap();
    }
}

#[tokio::test]
async fn establishing_keeps_what_came_behind_the_handshake() {
    let listener = Listener::bind(&anywhere()).await.unwrap();
    let mut peer = RawPeer::connect(listener.local_endpoint()).await;
    let stream = listener.accept().await.unwrap();
    peer.send(&[&greeting(1)[..], &ready("PUB"), &frame(0, b"early")].concat()).await;
    let config = HandshakeConfig::new(SocketType::Sub);
    let established = soon(establish(stream, config, Duration::from_secs(60))).await.unwrap();
    assert_eq!(established.peer.socket_type, SocketType::Pub);
    assert_eq!(established.read_ahead, frame(0, b"early")[..]);
}

#[tokio::test]
async fn a_peer_whose_type_does_not_fit_is_told_before_the_end() {
    let listener = Listener::bind(&anywhere()).await.unwrap();
    let mut peer = RawPeer::connect(listener.local_endpoint()).await;
    let stream = listener.accept().await.unwrap();
    peer.send(&[&greeting(1)[..], &ready("REP")].concat()).await;
    let config = HandshakeConfig::new(SocketType::Sub);
    let error = soon(establish(stream, config, Duration::from_secs(60))).await.unwrap_err();
    assert!(matches!(error, EstablishError::Handshake(_)), "{error}");
    assert!(peer.take_to_end().await.ends_with(b"\x05ERROR\x13Invalid socket type"));
}

#[tokio::test]
async fn the_gate_shares_its_places_among_addresses() {
    let address = |last: u8| PeerAddress::Tcp(([127, 0, 0, last], 1).into());
    let gate = HandshakeGate::new(16);
    let first = gate.enter(address(1)).await.unwrap();
    let _second = gate.enter(address(1)).await.unwrap();
    let waiting = gate.enter(address(1));
    tokio::pin!(waiting);
    assert!(is_pending(waiting.as_mut()).await);
    // Others are not kept out, and ipc has no share.
    let mut others = Vec::new();
    for last in 2..=7 {
        others.push(gate.enter(address(last)).await.unwrap());
        others.push(gate.enter(PeerAddress::Ipc).await.unwrap());
    }
    others.push(gate.enter(PeerAddress::Ipc).await.unwrap());
    others.push(gate.enter(PeerAddress::Ipc).await.unwrap());
    let full = gate.enter(PeerAddress::Ipc);
    tokio::pin!(full);
    assert!(is_pending(full.as_mut()).await);
    drop(others.pop());
    assert!(full.await.is_some());
    drop(others.pop());
    drop(first);
    assert!(waiting.await.is_some());
}

#[tokio::test]
async fn the_gate_turns_away_an_address_that_waits_too_often() {
    let address = PeerAddress::Tcp(([127, 0, 0, 1], 1).into());
    let gate = HandshakeGate::new(8);
    let held = gate.enter(address).await.unwrap();
    let mut waiting = Vec::new();
    for _ in 0..limits::HANDSHAKES_WAITING_PER_ADDRESS_MAX {
        let mut one = Box::pin(gate.enter(address));
        assert!(is_pending(one.as_mut()).await);
        waiting.push(one);
    }
    assert!(soon(gate.enter(address)).await.is_none());
    waiting.pop();
    drop(held);
    assert!(soon(&mut waiting[0]).await.is_some());
}

async fn is_pending(work: std::pin::Pin<&mut impl Future>) -> bool {
    let mut work = work;
    std::future::poll_fn(|cx| std::task::Poll::Ready(work.as_mut().poll(cx).is_pending())).await
}
