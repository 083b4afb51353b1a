//! A publisher and subscribers at work while something hostile goes on beside them. They run by themselves, check each message,
//! and panic at the first that is missing, out of order or not whole.

use std::collections::BTreeSet;

use tokio::io::AsyncWriteExt;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::until;
use crate::raw::{Peer, Running, message, read_frame, told, within};

/// Messages that go through between two steps of an attack, at least.
const ROUNDS: u64 = 5;
/// Messages that may be under way.
const AHEAD: usize = 4;
const TOPIC: &str = "witness";
const BODY: [u8; 300] = [b'.'; 300];

pub(super) struct Witnesses {
    /// Messages that every subscriber has.
    rounds: watch::Receiver<u64>,
    /// What the publisher knows to be subscribed.
    known: watch::Receiver<BTreeSet<String>>,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl Witnesses {
    pub(super) async fn new(broker: &Running) -> Witnesses {
        let subscribers = [broker.subscriber(1, &[TOPIC]).await, broker.subscriber(0, &[TOPIC]).await];
        let (mut from_broker, mut to_broker) = tokio::io::split(broker.publisher(1).await.stream);
        let (tell_known, mut known) = watch::channel(BTreeSet::new());
        // It reads what it is told, whatever others subscribe to; else the broker would have to part with it.
        let listening = tokio::spawn(async move {
            while let Some(frame) = read_frame(&mut from_broker).await {
                let change = told(1, &frame);
                let topic = change[1..].to_owned();
                tell_known.send_modify(|known| {
                    let new =
                        if change.starts_with('+') { known.insert(topic) } else { known.remove(&topic) };
                    assert!(new, "told twice: {change}");
                });
            }
        });
        within("the subscription", known.wait_for(|known| known.contains(TOPIC))).await.unwrap();
        let stop = CancellationToken::new();
        let (tell_rounds, rounds) = watch::channel(0);
        let (begun, under_way) = mpsc::channel(AHEAD);
        let stopped = stop.clone();
        let publishing = tokio::spawn(async move {
            let mut number = 0u64;
            while !stopped.is_cancelled() && begun.send(number).await.is_ok() {
                let bytes = message(&[TOPIC.as_bytes(), &number.to_be_bytes(), &BODY]);
                within("room for a witness", to_broker.write_all(&bytes)).await.unwrap();
                number += 1;
            }
        });
        let receiving = tokio::spawn(receive(subscribers, under_way, tell_rounds));
        let mut all = Witnesses { rounds, known, stop, tasks: vec![publishing, receiving, listening] };
        all.go_on().await;
        all
    }

    /// Waits until some more messages have gone through. They cannot while the broker is held up, and this fails if one is lost.
    pub(super) async fn go_on(&mut self) {
        let enough = *self.rounds.borrow() + ROUNDS;
        let reached = within("witnesses' messages", self.rounds.wait_for(|rounds| *rounds >= enough)).await;
        assert!(reached.is_ok(), "a witness lost a message");
    }

    /// Waits until the publisher knows of so many topics.
    pub(super) async fn know(&mut self, topics: usize) {
        let known = self.known.wait_for(|known| known.len() == topics);
        within("what a publisher is told", known).await.unwrap();
    }

    /// Ends them, after all has gone through and nothing but their own topic is subscribed to.
    pub(super) async fn end(mut self, broker: Running) {
        self.go_on().await;
        self.know(1).await;
        self.stop.cancel();
        for task in self.tasks.drain(..2) {
            within("a witness's end", task).await.unwrap();
        }
        until(&broker, "empty queues", |figures| figures.queued_bytes == 0).await;
        assert_eq!(broker.counters.figures().dropped_slow, 0);
        broker.end().await;
        within("the publisher's end", self.tasks.remove(0)).await.unwrap();
    }
}

/// Reads what was published, at each subscriber, and tells how much all of them have.
async fn receive(
    mut subscribers: [Peer; 2],
    mut under_way: mpsc::Receiver<u64>,
    tell_rounds: watch::Sender<u64>,
) {
    while let Some(number) = under_way.recv().await {
        for subscriber in &mut subscribers {
            subscriber.expect(&[TOPIC.as_bytes(), &number.to_be_bytes(), &BODY]).await;
        }
        tell_rounds.send_replace(number + 1);
    }
}
