//! Sockets that are closed or dropped.

use std::time::Duration;

use tokio::net::TcpListener;

use recado_zmtp::{Dealer, Endpoint, Framing, Message, Router, SocketOptions, Subscriber};

use super::raw_peer::{RawPeer, frame};
use super::{anywhere, message, router, soon};

#[tokio::test]
async fn closing_writes_what_waits() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = anywhere().with_port(listener.local_addr().unwrap().port());
    let options = SocketOptions { linger: Duration::from_secs(60), ..Default::default() };
    let dealer = Dealer::connect(&[endpoint], Framing::Raw, options);
    let mut peer = RawPeer::accept(&listener).await;
    peer.shake_hands("ROUTER", 1).await;
    for number in 0..100 {
        soon(dealer.send(Message::new(vec![number.to_string().into(), vec![0; 50_000].into()])))
            .await
            .unwrap();
    }
    // The peer has something to say that nobody reads any longer: it must not cost what is still under way.
    peer.send(&frame(0, b"unread")).await;
    let closing = tokio::spawn(dealer.close());
    for number in 0..100 {
        assert_eq!(peer.take_message().await[0], number.to_string().as_bytes());
    }
    assert_eq!(peer.take_to_end().await, b"");
    drop(peer);
    soon(closing).await.unwrap();
}

#[tokio::test]
async fn closing_waits_no_longer_than_it_lingers() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = anywhere().with_port(listener.local_addr().unwrap().port());
    let options = SocketOptions { linger: Duration::from_millis(20), ..Default::default() };
    let dealer = Dealer::connect(&[endpoint], Framing::Raw, options);
    let mut peer = RawPeer::accept(&listener).await;
    peer.shake_hands("ROUTER", 1).await;
    for _ in 0..15 {
        soon(dealer.send(Message::single(vec![0; 900_000]))).await.unwrap();
    }
    soon(dealer.close()).await;
    assert!(peer.take_to_end().await.len() < 15 * 900_000);
}

#[tokio::test]
async fn after_closing_the_port_is_free_and_the_peers_are_told() {
    let router = router(SocketOptions::default()).await;
    let endpoint = router.local_endpoint().clone();
    let mut silent = RawPeer::connect(&endpoint).await;
    let mut peer = RawPeer::shaken(&endpoint, "REQ", 1).await;
    let closing = tokio::spawn(router.close());
    assert_eq!(peer.take_to_end().await, b"");
    drop(peer);
    soon(closing).await.unwrap();
    silent.take_to_end().await;
    let mut again = Router::bind(&endpoint, SocketOptions::default()).await.unwrap();
    let dealer = Dealer::connect(&[endpoint], Framing::Raw, SocketOptions::default());
    soon(dealer.send(message(&["oi"]))).await.unwrap();
    assert_eq!(soon(again.recv()).await.unwrap().1, message(&["oi"]));
}

#[tokio::test]
async fn dropping_ends_everything_at_once() {
    let router = router(SocketOptions::default()).await;
    let endpoint = router.local_endpoint().clone();
    let mut peer = RawPeer::shaken(&endpoint, "REQ", 1).await;
    drop(router);
    peer.take_to_end().await;

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = anywhere().with_port(listener.local_addr().unwrap().port());
    let subscriber = Subscriber::connect(&[endpoint], SocketOptions::default());
    let mut peer = RawPeer::accept(&listener).await;
    peer.shake_hands("PUB", 1).await;
    drop(subscriber);
    peer.take_to_end().await;
}

#[tokio::test]
async fn the_file_of_an_ipc_socket_goes_with_it() {
    let path = std::env::temp_dir().join(format!("recado-zmtp-closing-{}", std::process::id()));
    let endpoint = Endpoint::Ipc(path.clone());
    let router = Router::bind(&endpoint, SocketOptions::default()).await.unwrap();
    assert!(path.exists());
    router.close().await;
    assert!(!path.exists());
}
