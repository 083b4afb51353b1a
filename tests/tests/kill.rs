//! The promise at its hardest: a server killed in the middle of many publishes loses nothing that it answered OK.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use recado_proto::{Manner, MessageId, Publication, RequestBody};
use recado_tests::{
    chat::{Listener, Requester, Stored, channel, stored, user},
    parts::{Broker, Server, folder},
};
use tokio::sync::Notify;

const ROUNDS: usize = 10;
const CLIENTS: usize = 16;
const PUBLISHES_PER_ROUND: usize = 10_000;
const TEXT_BYTES: usize = 128;
/// Each client sends every tenth message to this user instead of a channel.
const RECEIVER: &str = "receiver";

/// The text of messages that only show a subscription to be live.
const SOUNDING: &str = "do you hear me?";

/// What one client was told: topic, and what was stored there.
type Acknowledged = Vec<(String, Stored)>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_among_ten_thousand_publishes_keeps_each_that_it_answered() {
    let folder = folder();
    let broker = Broker::start(folder.path());
    let mut server = Server::start(folder.path(), &broker.publishers);
    let mut asker = Requester::connect(&server.requests);
    asker.login(RECEIVER).await;
    let mut received_before = 0;
    for round in 0..ROUNDS {
        let channels: Vec<String> = (0..4).map(|number| format!("round{round}-{number}")).collect();
        for name in &channels {
            asker.create(name).await;
        }
        let listening: Vec<&str> = channels.iter().map(String::as_str).chain([RECEIVER]).collect();
        let mut listener = Listener::connect(&broker.subscribers, &listening);
        for topic in &listening {
            listener
                .wait_until_live(&mut asker, |id| publish("starter", topic, SOUNDING.to_owned(), id))
                .await;
        }

        // Somewhere in the middle, at another place each time.
        let kill_after = PUBLISHES_PER_ROUND * (round + 2) / (ROUNDS + 4);
        let acknowledged =
            publish_through_a_kill(folder.path(), &mut server, &channels, round, kill_after).await;
        assert_eq!(acknowledged.len(), PUBLISHES_PER_ROUND, "every client got all its answers in the end");

        let mut kept = BTreeMap::new();
        for name in &channels {
            kept.insert(name.clone(), asker.channel_history(RECEIVER, name).await);
        }
        kept.insert(RECEIVER.to_owned(), asker.received_history(RECEIVER).await);
        for (topic, messages) in &kept {
            assert_eq!(
                seqs(messages),
                (1..=messages.len() as u64).collect::<Vec<_>>(),
                "{topic}: seq has no gap, and rises"
            );
        }
        check_each_is_kept_once(&acknowledged, &kept);
        let of_clients = kept.values().flatten().filter(|message| message.message != SOUNDING).count();
        assert_eq!(of_clients - received_before, PUBLISHES_PER_ROUND, "nothing else is kept");
        hear_all(&mut listener, &kept, received_before).await;
        received_before = kept[RECEIVER].iter().filter(|message| message.message != SOUNDING).count();
    }
    assert_eq!(server.process.terminate().code, Some(0));
}

fn publish(from: &str, topic: &str, message: String, id: MessageId) -> RequestBody {
    let id = Some(id);
    if topic == RECEIVER {
        RequestBody::Message { src: user(from), dst: user(topic), message, id, manner: Manner::default() }
    } else {
        RequestBody::Publish {
            user: user(from),
            channel: channel(topic),
            message,
            id,
            manner: Manner::default(),
        }
    }
}

async fn publish_through_a_kill(
    folder: &Path,
    server: &mut Server,
    channels: &[String],
    round: usize,
    kill_after: usize,
) -> Acknowledged {
    let answered = Arc::new(AtomicUsize::new(0));
    let reached = Arc::new(Notify::new());
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let mut requester = Requester::connect(&server.requests);
            let (channels, answered, reached) =
                (channels.to_vec(), Arc::clone(&answered), Arc::clone(&reached));
            tokio::spawn(async move {
                let name = format!("client{client}");
                let mut acknowledged = Acknowledged::new();
                for number in 0..PUBLISHES_PER_ROUND / CLIENTS {
                    let topic = if number % 10 == 9 {
                        RECEIVER
                    } else {
                        &channels[(client + number) % channels.len()]
                    };
                    let text = format!("{:<TEXT_BYTES$}", format!("round {round}, {name}, message {number}"));
                    let body = publish(&name, topic, text, MessageId::new_v7());
                    acknowledged.push((topic.to_owned(), stored(requester.ask(body).await)));
                    if answered.fetch_add(1, Ordering::Relaxed) + 1 == kill_after {
                        reached.notify_one();
                    }
                }
                acknowledged
            })
        })
        .collect();
    reached.notified().await;
    server.restart(folder);
    let mut all = Acknowledged::new();
    for client in clients {
        all.extend(client.await.expect("no client gave up"));
    }
    all
}

fn seqs(messages: &[Publication]) -> Vec<u64> {
    messages.iter().filter_map(|message| message.seq).collect()
}

/// Each acknowledged message is kept, at the place that was answered, and no identifier is kept twice.
fn check_each_is_kept_once(acknowledged: &Acknowledged, kept: &BTreeMap<String, Vec<Publication>>) {
    let mut places = BTreeMap::new();
    for (topic, messages) in kept {
        for message in messages {
            let id = message.id.expect("every stored message has its identifier");
            let seq = message.seq.expect("every stored message has its place");
            assert_eq!(places.insert(id, (topic.as_str(), seq)), None, "{id} is kept twice");
        }
    }
    for (topic, stored) in acknowledged {
        assert_eq!(
            places.get(&stored.id),
            Some(&(topic.as_str(), stored.seq)),
            "{} was answered OK",
            stored.id
        );
    }
}

/// The broker lived on, so that everything kept in this round has been published too, before the kill or after it.
async fn hear_all(
    listener: &mut Listener,
    kept: &BTreeMap<String, Vec<Publication>>,
    received_before: usize,
) {
    let mut missing = BTreeSet::new();
    for (topic, messages) in kept {
        let of_clients =
            messages.iter().filter(|message| message.message != SOUNDING).filter_map(|message| message.id);
        missing.extend(of_clients.skip(if topic == RECEIVER { received_before } else { 0 }));
    }
    while !missing.is_empty() {
        if let Some(heard) = listener.next().await.id {
            missing.remove(&heard);
        }
    }
}
