//! What a secured system says when it starts: its key, and how the first administrator comes in while there is none.

use std::{
    io::{self, IsTerminal, Write},
    net::{IpAddr, UdpSocket},
};

use recado_client::keys::JoinLink;
use recado_server::{Server, limits::INVITATION_SECONDS_DEFAULT};
use recado_zmtp::curve::PublicKey;
use recado_zmtp::{Endpoint, Host};
use tracing::info;

/// How long a link for the first administrator is good.
const DAYS: u64 = INVITATION_SECONDS_DEFAULT / (24 * 60 * 60);

/// Says it on standard error. `subscribers` is where the broker listens, if that is known here.
pub(crate) fn first(server: &Server, key: PublicKey, subscribers: Option<&Endpoint>, qr: bool) {
    let link = link(server, key, subscribers);
    let has_administrator = link.is_none();
    info!(%key, fingerprint = key.fingerprint(), has_administrator, "secured");
    let Some(link) = link else { return };
    let mut text = format!(
        "Nobody is administrator here yet. The first one joins with this:\n\n  recado join '{link}'\n\n\
         It is good once, for {DAYS} days, and until the server starts again: what an earlier start showed is good no longer.\n\n"
    );
    if qr && io::stderr().is_terminal() {
        text.push_str(&link.qr());
    }
    // Whoever has closed standard error cannot be told.
    let _ = io::stderr().write_all(text.as_bytes());
}

/// With what the first administrator joins, if there is none yet.
pub(crate) fn link(server: &Server, key: PublicKey, subscribers: Option<&Endpoint>) -> Option<JoinLink> {
    let code = server.first_code()?;
    let (host, requests) = place(server.requests_endpoint());
    let subscribers = subscribers.map(|endpoint| place(endpoint).1);
    Some(JoinLink::new(&host, requests, subscribers, key, code.clone()))
}

/// How others reach an endpoint of this machine.
fn place(endpoint: &Endpoint) -> (String, u16) {
    match endpoint {
        Endpoint::Tcp { host, port } => {
            let host = match host {
                Host::Any => outward().map_or_else(|| "127.0.0.1".to_owned(), |address| address.to_string()),
                Host::Ip(address) if address.is_unspecified() => {
                    outward().map_or_else(|| "127.0.0.1".to_owned(), |address| address.to_string())
                }
                Host::Ip(IpAddr::V6(address)) => format!("[{address}]"),
                Host::Ip(IpAddr::V4(address)) => address.to_string(),
                Host::Name(name) => name.clone(),
            };
            (host, *port)
        }
        Endpoint::Ipc(path) => (path.display().to_string(), 0),
    }
}

/// The address that this machine would use towards others. Connecting a UDP socket sends nothing; the address is one that is kept for
/// documents (RFC 5737).
fn outward() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    socket.local_addr().ok().map(|address| address.ip())
}
