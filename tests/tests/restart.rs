//! Parts are killed and come back while the others carry on by themselves.

use recado_proto::{Manner, MessageId, RequestBody};
use recado_tests::{
    chat::{Listener, Requester, channel, user},
    parts::{Broker, Server, folder},
};

fn hello(id: MessageId) -> RequestBody {
    RequestBody::Publish {
        user: user("ana"),
        channel: channel("geral"),
        message: "hello".to_owned(),
        id: Some(id),
        manner: Manner::default(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_killed_and_restarted_is_found_again_by_server_and_listeners() {
    let folder = folder();
    let mut broker = Broker::start(folder.path());
    let server = Server::start(folder.path(), &broker.publishers);
    let mut requester = Requester::connect(&server.requests);
    requester.login("ana").await;
    requester.create("geral").await;
    let mut listener = Listener::connect(&broker.subscribers, &["geral"]);
    listener.wait_until_live(&mut requester, hello).await;
    for _ in 0..3 {
        broker.restart(folder.path());
        // Publishing goes on meanwhile: nobody waits for a broker before answering.
        requester.publish("ana", "geral", "is anybody there?").await;
        listener.wait_until_live(&mut requester, hello).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_stored_without_a_broker_is_published_when_one_comes() {
    let folder = folder();
    let mut broker = Broker::start(folder.path());
    let mut server = Server::start(folder.path(), &broker.publishers);
    let mut requester = Requester::connect(&server.requests);
    requester.login("ana").await;
    requester.create("geral").await;
    broker.process.kill();
    let mut waiting = Vec::new();
    for number in 0..100 {
        waiting.push(requester.publish("ana", "geral", &format!("message {number}")).await.id);
    }
    // Killed too, so that only the store knows of them.
    server.process.kill();
    let broker = Broker::start_at(folder.path(), &broker.publishers, &broker.subscribers);
    let mut listener = Listener::connect(&broker.subscribers, &["geral"]);
    listener.wait_until_subscribed(&broker.publishers).await;
    let server = Server::start_at(folder.path(), &server.requests, &broker.publishers);
    let mut heard = Vec::new();
    while heard.len() < waiting.len() {
        match listener.next().await.id {
            Some(id) if waiting.contains(&id) && !heard.contains(&id) => heard.push(id),
            // Soundings, and what goes out a second time.
            _ => {}
        }
    }
    assert_eq!(heard, waiting, "in the order of their places");
    drop(server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn history_and_names_are_there_after_a_restart() {
    let folder = folder();
    let broker = Broker::start(folder.path());
    let mut server = Server::start(folder.path(), &broker.publishers);
    let mut requester = Requester::connect(&server.requests);
    for name in ["ana", "bia"] {
        requester.login(name).await;
    }
    requester.create("geral").await;
    let first = requester.publish("ana", "geral", "before").await;
    server.restart(folder.path());
    let second = requester.publish("bia", "geral", "after").await;
    assert_eq!((first.seq, second.seq), (1, 2));
    let texts: Vec<_> =
        requester.channel_history("ana", "geral").await.into_iter().map(|message| message.message).collect();
    assert_eq!(texts, ["before", "after"]);
}
