//! Brokers in a row: one of ours and one made of XSUB and XPUB sockets that are not ours, in either order.

use recado_proto::{Manner, MessageId, RequestBody};
use recado_tests::{
    chat::{Listener, Requester, channel, user},
    parts::{Broker, Server, folder},
    peers::{Library, Peer},
};

/// Publishes until the first is heard, then ten more, which all arrive in order; a topic that nobody wants does not.
async fn check_flow(server: &Server, subscribers: &str) {
    let mut requester = Requester::connect(&server.requests);
    requester.create("geral").await;
    requester.create("unwanted").await;
    let mut listener = Listener::connect(subscribers, &["geral"]);
    let publish = |id: MessageId| RequestBody::Publish {
        user: user("ana"),
        channel: channel("geral"),
        message: "sounding".to_owned(),
        id: Some(id),
        manner: Manner::default(),
    };
    listener.wait_until_live(&mut requester, publish).await;
    for number in 0..10 {
        requester.publish("ana", "unwanted", "nobody hears this").await;
        requester.publish("ana", "geral", &format!("message {number}")).await;
    }
    let mut heard = Vec::new();
    while heard.len() < 10 {
        let publication = listener.next().await;
        assert_eq!(publication.topic, "geral");
        if publication.message != "sounding" {
            heard.push(publication.message);
        }
    }
    let sent: Vec<_> = (0..10).map(|number| format!("message {number}")).collect();
    assert_eq!(heard, sent);
}

/// server → our broker → theirs → listener.
async fn check_below_ours(library: Library) {
    let folder = folder();
    let broker = Broker::start(folder.path());
    let server = Server::start(folder.path(), &broker.publishers);
    let theirs = Peer::start(library, folder.path()).forward(Some(&broker.subscribers), None);
    check_flow(&server, &theirs.xpub).await;
}

/// server → their broker → ours → listener.
async fn check_above_ours(library: Library) {
    let folder = folder();
    let broker = Broker::start(folder.path());
    let theirs = Peer::start(library, folder.path()).forward(None, Some(&broker.publishers));
    let server = Server::start(folder.path(), &theirs.xsub);
    check_flow(&server, &broker.subscribers).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pyzmq_forwards_below_our_broker() {
    check_below_ours(Library::Pyzmq).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pyzmq_forwards_above_our_broker() {
    check_above_ours(Library::Pyzmq).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn zeromq_js_forwards_below_our_broker() {
    check_below_ours(Library::ZeromqJs).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn zeromq_js_forwards_above_our_broker() {
    check_above_ours(Library::ZeromqJs).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_zeromq_crate_forwards_below_our_broker() {
    check_below_ours(Library::ZeromqCrate).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_zeromq_crate_forwards_above_our_broker() {
    check_above_ours(Library::ZeromqCrate).await;
}
