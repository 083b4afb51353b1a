//! The rows about listeners: is the handshake of a fitting socket accepted?

use std::time::Duration;

use recado_zmtp::codec::{HandshakeConfig, SocketType};
use recado_zmtp::transport::{Stream, establish};
use recado_zmtp::{Endpoint, SocketOptions};

use crate::world::{Caller, World};

pub(crate) async fn rows(world: &World, caller: &Caller) -> Vec<(String, &'static str)> {
    let requests: Endpoint = world.requests().parse().unwrap();
    let listeners = [
        ("listener for requests", requests, SocketType::Dealer),
        ("listener for subscribers", world.subscribers(), SocketType::Sub),
        ("listener for publishers", world.publishers(), SocketType::Pub),
        ("listener for the status", world.status(), SocketType::Dealer),
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
    rows
}
