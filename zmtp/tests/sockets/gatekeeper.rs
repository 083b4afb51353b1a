//! Which connections a listening socket takes, and what becomes of those that it does not.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use recado_zmtp::codec::Welcome;
use recado_zmtp::curve::{KeyPair, PublicKey, Security};
use recado_zmtp::transport::PeerAddress;
use recado_zmtp::{Dealer, Framing, Gatekeeper, Message, Router, SocketEventKind, SocketOptions};
use tokio::sync::broadcast;

use super::raw_peer::RawPeer;
use super::{anywhere, event, router, soon, until};

/// Refuses what it is told to refuse.
#[derive(Default)]
struct Rules {
    addresses: Mutex<BTreeSet<IpAddr>>,
    /// What it says to all keys, if not yes.
    answer: Mutex<Option<Welcome>>,
    proved: Mutex<Vec<PublicKey>>,
}

impl Gatekeeper for Rules {
    fn arrives(&self, address: PeerAddress) -> Result<(), String> {
        let refused = address.host().is_some_and(|host| self.addresses.lock().unwrap().contains(&host));
        if refused { Err("it has come too often".to_owned()) } else { Ok(()) }
    }

    fn welcomes(&self, key: &PublicKey, _: PeerAddress) -> Welcome {
        self.proved.lock().unwrap().push(*key);
        self.answer.lock().unwrap().clone().unwrap_or(Welcome::Yes)
    }
}

fn host(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// A secured router that asks these rules, and how its clients connect.
async fn guarded(rules: &Arc<Rules>) -> (Router, SocketOptions) {
    let keys = KeyPair::generate();
    let options = SocketOptions { security: Security::CurveServer(keys.clone()), ..Default::default() };
    let gatekeeper = Arc::clone(rules) as Arc<dyn Gatekeeper>;
    let router = Router::bind_with_gatekeeper(&anywhere(), options, gatekeeper).await.unwrap();
    let security = Security::CurveClient { keys: KeyPair::generate(), server: keys.public() };
    let client = SocketOptions {
        security,
        reconnect_first: Duration::from_millis(1),
        reconnect_max: Duration::from_millis(2),
        reconnect_refused_max: Duration::from_millis(30),
        ..Default::default()
    };
    (router, client)
}

/// How the next attempt fails, and when the one after it follows.
async fn failed(
    events: &mut broadcast::Receiver<recado_zmtp::SocketEvent>,
    wanted: impl Fn(&str, Duration) -> bool,
) -> String {
    event(events, |kind| match kind {
        SocketEventKind::ConnectFailed { error, retry_in, is_refusal } if wanted(&error, retry_in) => {
            assert_eq!(is_refusal, error == "the peer does not admit this key");
            Some(error)
        }
        _ => None,
    })
    .await
}

async fn served(router: &mut Router, dealer: &mut Dealer) {
    soon(dealer.send(Message::single("oi"))).await.unwrap();
    let (peer, request) = soon(router.recv()).await.unwrap();
    router.send(peer, request).unwrap();
    assert_eq!(soon(dealer.recv()).await, Some(Message::single("oi")));
}

#[tokio::test]
async fn an_address_that_is_refused_is_closed_before_its_handshake_and_others_are_served() {
    let rules = Arc::new(Rules::default());
    let (mut router, client) = guarded(&rules).await;
    rules.addresses.lock().unwrap().insert(host("127.0.0.2"));
    let mut events = router.events();
    let mut refused = RawPeer::connect_from(host("127.0.0.2"), router.local_endpoint()).await;
    assert_eq!(refused.take_to_end().await, b"", "not even a greeting");
    let reason = event(&mut events, |kind| match kind {
        SocketEventKind::Refused { reason } => Some(reason),
        _ => None,
    });
    assert_eq!(reason.await, "it has come too often");
    let mut dealer = Dealer::connect(&[router.local_endpoint().clone()], Framing::Raw, client);
    served(&mut router, &mut dealer).await;
    assert_eq!(rules.proved.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn who_is_refused_says_why_and_comes_back_by_itself() {
    let rules = Arc::new(Rules::default());
    let (mut router, client) = guarded(&rules).await;
    rules.addresses.lock().unwrap().insert(host("127.0.0.1"));
    *rules.answer.lock().unwrap() = Some(Welcome::NotNow("there are many already".to_owned()));
    let mut refusals = router.events();
    let mut dealer = Dealer::connect(&[router.local_endpoint().clone()], Framing::Raw, client);
    let mut events = dealer.events();
    failed(&mut events, |error, _| error == "the peer closed the connection at once; it may have too many")
        .await;
    rules.addresses.lock().unwrap().clear();
    failed(&mut events, |error, _| error == "the peer takes no further connection with this key for now")
        .await;
    event(&mut refusals, |kind| match kind {
        SocketEventKind::Refused { reason } if reason == "there are many already" => Some(()),
        _ => None,
    })
    .await;
    *rules.answer.lock().unwrap() = None;
    served(&mut router, &mut dealer).await;
}

#[tokio::test]
async fn whose_key_is_not_welcome_comes_back_ever_more_rarely() {
    let rules = Arc::new(Rules::default());
    let (mut router, client) = guarded(&rules).await;
    *rules.answer.lock().unwrap() = Some(Welcome::No);
    let (longest, usual) = (client.reconnect_refused_max, client.reconnect_max);
    let mut dealer = Dealer::connect(&[router.local_endpoint().clone()], Framing::Raw, client);
    let mut events = dealer.events();
    for _ in 0..3 {
        let error = failed(&mut events, |_, retry_in| {
            assert!(retry_in <= longest);
            // A delay loses up to half at random.
            retry_in >= longest / 2
        });
        assert_eq!(error.await, "the peer does not admit this key");
    }
    *rules.answer.lock().unwrap() = Some(Welcome::NotNow(String::new()));
    failed(&mut events, |_, retry_in| retry_in <= usual).await;
    *rules.answer.lock().unwrap() = None;
    served(&mut router, &mut dealer).await;
}

#[tokio::test]
async fn one_address_cannot_have_all_connections_of_a_socket() {
    let options = SocketOptions { connections_per_address_max: 3, ..Default::default() };
    let mut router = router(options).await;
    let flood = host("127.0.0.2");
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut peer = RawPeer::connect_from(flood, router.local_endpoint()).await;
        peer.shake_hands("DEALER", 1).await;
        held.push(peer);
    }
    let mut one_more = RawPeer::connect_from(flood, router.local_endpoint()).await;
    assert_eq!(one_more.take_to_end().await, b"");
    let mut dealer = super::dealer(&router, Framing::Raw);
    served(&mut router, &mut dealer).await;
    drop(held.pop());
    until(|| router.stats().connections == 3).await;
    let mut next = RawPeer::connect_from(flood, router.local_endpoint()).await;
    next.shake_hands("DEALER", 1).await;
    assert_eq!(router.stats().refused, 1);
}
