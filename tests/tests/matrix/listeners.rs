//! The rows about listeners: is the handshake of a fitting socket accepted? At the one for the status, is the status told? It
//! shakes hands with any key and asks whose it is afterwards.

use std::time::Duration;

use recado_zmtp::codec::{HandshakeConfig, SocketType};
use recado_zmtp::transport::{Stream, establish};
use recado_zmtp::{Dealer, Endpoint, Framing, Message, SocketEventKind, SocketOptions};

use crate::world::{Caller, World};

pub(crate) async fn rows(world: &World, caller: &Caller) -> Vec<(String, &'static str)> {
    let requests: Endpoint = world.requests().parse().unwrap();
    let listeners = [
        ("listener for requests", requests, SocketType::Dealer),
        ("listener for subscribers", world.subscribers(), SocketType::Sub),
        ("listener for publishers", world.publishers(), SocketType::Pub),
    ];
    let mut rows = Vec::new();
    for (what, endpoint, socket_type) in listeners {
        let SocketOptions { security, .. } = world.options(caller);
        let config = HandshakeConfig { security, ..HandshakeConfig::new(socket_type) };
        let stream = Stream::connect(&endpoint).await.unwrap();
        // Longer than a broker takes to ask whose a key is.
        let shaken = establish(stream, config, Duration::from_secs(60)).await;
        rows.push((what.to_owned(), if shaken.is_ok() { "yes" } else { "no" }));
    }
    rows.push((
        "listener for the status".to_owned(),
        if is_told(world, caller).await { "yes" } else { "no" },
    ));
    rows
}

async fn is_told(world: &World, caller: &Caller) -> bool {
    let mut asker = Dealer::connect(&[world.status()], Framing::Delimited, world.options(caller));
    let mut events = asker.events();
    let told = async {
        asker.send(Message::single("status")).await.unwrap();
        asker.recv().await.is_some()
    };
    let failed = async { while let SocketEventKind::Connected { .. } = events.recv().await.unwrap().kind {} };
    tokio::select! {
        told = told => told,
        () = failed => false,
    }
}
