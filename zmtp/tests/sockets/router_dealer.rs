//! Requests and replies.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;

use recado_zmtp::{Dealer, Framing, Message, Router, SendError, SocketEventKind, SocketOptions};

use super::raw_peer::{RawPeer, frame};
use super::{dealer, disconnected, event, message, router, soon};

#[tokio::test]
async fn a_delimited_request_arrives_with_its_delimiter_and_its_reply_without() {
    let mut router = router(SocketOptions::default()).await;
    let mut dealer = dealer(&router, Framing::Delimited);
    soon(dealer.send(message(&["oi"]))).await.unwrap();
    let (peer, request) = soon(router.recv()).await.unwrap();
    assert_eq!(request, message(&["", "oi"]));
    // Without the delimiter it is no reply; it is dropped.
    router.send(peer, message(&["lost"])).unwrap();
    router.send(peer, message(&["", "tudo", "bem"])).unwrap();
    assert_eq!(soon(dealer.recv()).await, Some(message(&["tudo", "bem"])));
}

#[tokio::test]
async fn frames_of_all_sizes_pass_unchanged_both_ways() {
    let mut router = router(SocketOptions::default()).await;
    let mut dealer = dealer(&router, Framing::Raw);
    for size in [0, 1, 255, 256, 4095, 4096, 4097, 65_535, 65_536, 300_000] {
        let body = |fill: u8| Bytes::from(vec![fill; size]);
        let sent = Message::new(vec![body(1), Bytes::new(), body(2), "end".into()]);
        soon(dealer.send(sent.clone())).await.unwrap();
        let (peer, received) = soon(router.recv()).await.unwrap();
        assert_eq!(received, sent, "{size}");
        router.send(peer, received).unwrap();
        assert_eq!(soon(dealer.recv()).await, Some(sent), "{size}");
    }
}

#[tokio::test]
async fn many_requests_under_way_are_answered_in_order_to_who_asked() {
    let mut router = router(SocketOptions::default()).await;
    let mut dealers: Vec<_> = (0..20).map(|_| dealer(&router, Framing::Delimited)).collect();
    for round in 0..50 {
        for (index, dealer) in dealers.iter().enumerate() {
            soon(dealer.send(Message::single(format!("{index} {round}")))).await.unwrap();
        }
    }
    let (mut taken, mut requests) = (0, Vec::new());
    while taken < 20 * 50 {
        taken += soon(router.recv_many(&mut requests, 100)).await;
        for (peer, request) in requests.drain(..) {
            router.send(peer, request).unwrap();
        }
    }
    for (index, dealer) in dealers.iter_mut().enumerate() {
        for round in 0..50 {
            assert_eq!(soon(dealer.recv()).await, Some(Message::single(format!("{index} {round}"))));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn threads_do_not_lose_or_mix_messages() {
    let mut router = router(SocketOptions { receive_queue_messages_max: 7, ..Default::default() }).await;
    let mut asking = tokio::task::JoinSet::new();
    for index in 0..16 {
        let mut dealer = dealer(&router, Framing::Delimited);
        asking.spawn(async move {
            for round in 0..200 {
                let text = format!("{index} {round}");
                dealer.send(Message::single(text.clone())).await.unwrap();
                assert_eq!(dealer.recv().await, Some(Message::single(text)));
            }
        });
    }
    let answering = async {
        while let Some((peer, request)) = router.recv().await {
            router.send(peer, request).unwrap();
        }
    };
    let all_asked = async {
        while let Some(asked) = asking.join_next().await {
            asked.unwrap();
        }
    };
    soon(async {
        tokio::select! {
            () = answering => panic!("the router stopped"),
            () = all_asked => {}
        }
    })
    .await;
}

#[tokio::test]
async fn a_dealer_sends_to_its_peers_in_turn() {
    let mut routers = [router(SocketOptions::default()).await, router(SocketOptions::default()).await];
    let endpoints = routers.each_ref().map(|router| router.local_endpoint().clone());
    let dealer = Dealer::connect(&endpoints, Framing::Raw, SocketOptions::default());
    let mut events = dealer.events();
    for _ in 0..2 {
        event(&mut events, |kind| matches!(kind, SocketEventKind::Connected { .. }).then_some(())).await;
    }
    for number in 0..10 {
        soon(dealer.send(Message::single(number.to_string()))).await.unwrap();
    }
    let mut numbers = BTreeSet::new();
    for router in &mut routers {
        for _ in 0..5 {
            numbers.insert(soon(router.recv()).await.unwrap().1.first().clone());
        }
    }
    assert_eq!(numbers.len(), 10);
}

#[tokio::test]
async fn sending_to_who_is_not_there_says_so() {
    let mut router = router(SocketOptions::default()).await;
    let mut events = router.events();
    let mut peer = RawPeer::shaken(router.local_endpoint(), "DEALER", 1).await;
    peer.send(&frame(0, b"oi")).await;
    let (id, _) = soon(router.recv()).await.unwrap();
    drop(peer);
    assert_eq!(disconnected(&mut events).await, "the peer closed the connection");
    assert_eq!(router.send(id, message(&["late"])), Err(SendError::Unreachable));
    assert_eq!(router.stats().connections, 0);
}

#[tokio::test]
async fn a_peer_that_does_not_read_fills_its_own_queue_only() {
    let options =
        SocketOptions { send_queue_messages_max: 4, heartbeat_interval: None, ..Default::default() };
    let mut router = router(options).await;
    let mut stuck = RawPeer::shaken(router.local_endpoint(), "DEALER", 1).await;
    stuck.send(&frame(0, b"oi")).await;
    let (stuck_id, _) = soon(router.recv()).await.unwrap();
    let large = Message::single(vec![7; 500_000]);
    let refused = soon(async {
        loop {
            match router.send(stuck_id, large.clone()) {
                Ok(()) => tokio::task::yield_now().await,
                Err(error) => return error,
            }
        }
    })
    .await;
    assert_eq!(refused, SendError::QueueFull);

    let mut other = dealer(&router, Framing::Raw);
    soon(other.send(message(&["hello"]))).await.unwrap();
    let (id, request) = soon(router.recv()).await.unwrap();
    router.send(id, request).unwrap();
    assert_eq!(soon(other.recv()).await, Some(message(&["hello"])));
}

#[tokio::test]
async fn a_full_receive_queue_delays_and_loses_nothing() {
    let options = SocketOptions { receive_queue_messages_max: 5, ..Default::default() };
    let mut router = router(options).await;
    let dealer = dealer(&router, Framing::Raw);
    let sending = tokio::spawn(async move {
        for number in 0..5000 {
            dealer.send(Message::single(number.to_string())).await.unwrap();
        }
        dealer
    });
    for number in 0..5000 {
        assert_eq!(soon(router.recv()).await.unwrap().1, Message::single(number.to_string()));
    }
    soon(sending).await.unwrap();
}

#[tokio::test]
async fn after_stop_receiving_what_came_is_taken_and_answers_still_go_out() {
    let mut router = router(SocketOptions::default()).await;
    let endpoint = router.local_endpoint().clone();
    let mut peer = RawPeer::shaken(&endpoint, "REQ", 1).await;
    peer.send(&[frame(1, b""), frame(0, b"first")].concat()).await;
    let (id, _) = soon(router.recv()).await.unwrap();
    router.stop_receiving();
    peer.send(&[frame(1, b""), frame(0, b"second")].concat()).await;
    assert_eq!(soon(router.recv()).await, None);
    assert_eq!(soon(router.recv_many(&mut Vec::new(), 10)).await, 0);
    router.send(id, message(&["", "answer"])).unwrap();
    assert_eq!(peer.take_message().await, [&b""[..], b"answer"]);
}

#[tokio::test]
async fn an_abandoned_receive_loses_nothing() {
    let mut router = router(SocketOptions::default()).await;
    let dealer = dealer(&router, Framing::Raw);
    for number in 0..200 {
        // Polled once and dropped, before or after the message is there.
        tokio::select! {
            biased;
            taken = router.recv() => assert!(taken.is_none(), "nothing was sent yet"),
            () = std::future::ready(()) => {}
        }
        soon(dealer.send(Message::single(number.to_string()))).await.unwrap();
        assert_eq!(soon(router.recv()).await.unwrap().1, Message::single(number.to_string()));
    }
}

#[tokio::test]
async fn the_same_identity_twice_is_two_peers() {
    let mut router = router(SocketOptions::default()).await;
    let options = SocketOptions { identity: "ana".into(), ..Default::default() };
    let endpoint = [router.local_endpoint().clone()];
    let mut events = router.events();
    let mut dealers = [0, 1].map(|_| Dealer::connect(&endpoint, Framing::Raw, options.clone()));
    for _ in 0..2 {
        let identity = event(&mut events, |kind| match kind {
            SocketEventKind::Accepted { identity, .. } => Some(identity),
            _ => None,
        });
        assert_eq!(identity.await, "ana");
    }
    for (index, dealer) in dealers.iter().enumerate() {
        soon(dealer.send(Message::single(index.to_string()))).await.unwrap();
    }
    for _ in 0..2 {
        let (peer, request) = soon(router.recv()).await.unwrap();
        router.send(peer, request).unwrap();
    }
    for (index, dealer) in dealers.iter_mut().enumerate() {
        assert_eq!(soon(dealer.recv()).await, Some(Message::single(index.to_string())));
    }
}

#[tokio::test]
async fn a_router_may_be_reached_under_every_kind_of_endpoint() {
    let folder = std::env::temp_dir().join(format!("recado-zmtp-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let ipc = format!("ipc://{}", folder.join("every-kind").display());
    for endpoint in ["tcp://127.0.0.1:*", "tcp://[::1]:0", "tcp://localhost:0", "tcp://*:*", &ipc] {
        let mut router = Router::bind(&endpoint.parse().unwrap(), SocketOptions::default()).await.unwrap();
        let bound = router.local_endpoint().to_string();
        let reached = match bound.strip_prefix("tcp://*") {
            Some(port) => vec![format!("tcp://127.0.0.1{port}"), format!("tcp://[::1]{port}")],
            None => vec![bound],
        };
        for endpoint in reached {
            let endpoint = endpoint.parse().unwrap();
            let dealer = Dealer::connect(&[endpoint], Framing::Raw, SocketOptions::default());
            soon(dealer.send(message(&["oi"]))).await.unwrap();
            assert_eq!(soon(router.recv()).await.unwrap().1, message(&["oi"]));
        }
    }
}

#[tokio::test]
async fn what_waits_for_a_lost_connection_goes_to_the_next_one_or_is_dropped_as_was_wished() {
    for carried in [true, false] {
        let options = SocketOptions { send_queue_messages_max: 8, ..SocketOptions::default() };
        let router = router(SocketOptions { receive_queue_messages_max: 1, ..options.clone() }).await;
        let endpoint = router.local_endpoint().clone();
        let connect = if carried { Dealer::connect } else { Dealer::connect_dropping_unsent };
        let mut dealer = connect(std::slice::from_ref(&endpoint), Framing::Raw, options);
        let mut events = dealer.events();
        event(&mut events, |kind| matches!(kind, SocketEventKind::Connected { .. }).then_some(())).await;
        // Nobody reads there: at last some wait here, not begun to be written.
        let large = Message::single(vec![7; 500_000]);
        while tokio::time::timeout(Duration::from_millis(300), dealer.send(large.clone())).await.is_ok() {}
        drop(router);
        disconnected(&mut events).await;

        let mut router = Router::bind(&endpoint, SocketOptions::default()).await.unwrap();
        event(&mut events, |kind| matches!(kind, SocketEventKind::Connected { .. }).then_some(())).await;
        soon(dealer.send(message(&["fresh"]))).await.unwrap();
        let (peer, first) = soon(router.recv()).await.unwrap();
        assert_eq!(first == message(&["fresh"]), !carried, "carried: {carried}");
        router.send(peer, message(&["answer"])).unwrap();
        let (_, answer) = soon(dealer.recv_from()).await.unwrap();
        assert_eq!(answer, message(&["answer"]));
    }
}
