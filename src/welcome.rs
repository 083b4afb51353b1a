//! What a secured system says when it starts: its key, and how the first administrator comes in while there is none.

use std::{
    io::{self, IsTerminal, Write},
    net::IpAddr,
};

use recado_client::keys::{JoinLink, outward};
use recado_server::{Server, limits::INVITATION_SECONDS_DEFAULT};
use recado_zmtp::curve::PublicKey;
use recado_zmtp::{Endpoint, Host};
use tracing::info;

/// How long a link for the first administrator is good.
const DAYS: u64 = INVITATION_SECONDS_DEFAULT / (24 * 60 * 60);

/// How the first administrator's link is to be.
pub(crate) struct Manner<'a> {
    /// Where the broker listens, if that is known here.
    pub(crate) subscribers: Option<&'a Endpoint>,
    /// Which host links name, if that was said.
    pub(crate) public_address: Option<&'a Host>,
    /// Show a QR code, too.
    pub(crate) qr: bool,
}

/// Says it on standard error.
pub(crate) fn first(server: &Server, key: PublicKey, manner: &Manner<'_>) {
    let made = make(server, key, manner.subscribers, manner.public_address);
    let has_administrator = made.is_none();
    info!(%key, fingerprint = key.fingerprint(), has_administrator, "secured");
    let Some((link, warning)) = made else { return };
    let mut text = format!(
        "Nobody is administrator here yet. The first one joins with this:\n\n  recado join '{link}'\n\n\
         It is good once, for {DAYS} days, and until the server starts again: what an earlier start showed is good no longer.\n\n"
    );
    if let Some(warning) = warning {
        text.push_str(&format!("{warning}\n\n"));
    }
    if manner.qr && io::stderr().is_terminal() {
        text.push_str(&link.qr());
    }
    // Whoever has closed standard error cannot be told.
    let _ = io::stderr().write_all(text.as_bytes());
}

/// With what the first administrator joins, if there is none yet.
pub(crate) fn link(server: &Server, key: PublicKey, subscribers: Option<&Endpoint>) -> Option<JoinLink> {
    make(server, key, subscribers, None).map(|(link, _)| link)
}

/// The same, and what is to be said if the link leads nobody elsewhere there.
fn make(
    server: &Server,
    key: PublicKey,
    subscribers: Option<&Endpoint>,
    public_address: Option<&Host>,
) -> Option<(JoinLink, Option<&'static str>)> {
    let code = server.first_code()?;
    let (place, requests) = place(server.requests_endpoint(), public_address, |accepts| outward(accepts));
    let link = JoinLink::new(&place.host, requests, subscribers.and_then(port), key, code.clone());
    Some((link, place.warning))
}

/// Where others find this machine, as far as it is known.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    host: String,
    /// What is to be said if nobody elsewhere finds it there.
    warning: Option<&'static str>,
}

const NO_ADDRESS: &str = "WARNING: this machine has no address but loopback, so that the link works on this machine alone.\n\
     Say by which name or address others reach it: --public-address HOST";
const ON_LOOPBACK: &str = "The link works on this machine alone, since the server listens on loopback alone. For others as well:\n\
     --requests 'tcp://*:5555' --subscribers 'tcp://*:5558'";

/// How others reach an endpoint of this machine, and by which port.
fn place(
    endpoint: &Endpoint,
    public_address: Option<&Host>,
    outward: impl FnOnce(fn(&IpAddr) -> bool) -> Option<IpAddr>,
) -> (Place, u16) {
    let found = |accepts: fn(&IpAddr) -> bool, loopback: &str| match outward(accepts) {
        Some(address) => Place { host: Host::Ip(address).to_string(), warning: None },
        None => Place { host: loopback.to_owned(), warning: Some(NO_ADDRESS) },
    };
    let place = match (public_address, endpoint) {
        (Some(host), _) => Place { host: host.to_string(), warning: None },
        (None, Endpoint::Tcp { host: Host::Any, .. }) => found(|_| true, "127.0.0.1"),
        (None, Endpoint::Tcp { host: Host::Ip(address), .. }) if address.is_unspecified() => match address {
            IpAddr::V4(_) => found(IpAddr::is_ipv4, "127.0.0.1"),
            IpAddr::V6(_) => found(IpAddr::is_ipv6, "[::1]"),
        },
        (None, Endpoint::Tcp { host, .. }) => {
            Place { host: host.to_string(), warning: endpoint.is_loopback().then_some(ON_LOOPBACK) }
        }
        (None, Endpoint::Ipc(path)) => Place { host: path.display().to_string(), warning: None },
    };
    (place, port(endpoint).unwrap_or(0))
}

fn port(endpoint: &Endpoint) -> Option<u16> {
    match endpoint {
        Endpoint::Tcp { port, .. } => Some(*port),
        Endpoint::Ipc(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use recado_zmtp::Host;

    use super::{NO_ADDRESS, ON_LOOPBACK, place};

    #[track_caller]
    fn check(endpoint: &str, public: Option<&str>, outward: Option<&str>, expect: (&str, Option<&str>)) {
        let public = public.map(|host| Host::parse(host).unwrap());
        let address = outward.map(|text| text.parse::<IpAddr>().unwrap());
        let (place, port) =
            place(&endpoint.parse().unwrap(), public.as_ref(), |accepts| address.filter(accepts));
        assert_eq!((place.host.as_str(), place.warning, port), (expect.0, expect.1, 5555), "{endpoint}");
    }

    #[test]
    fn a_link_names_an_address_that_others_reach_or_says_that_there_is_none() {
        check("tcp://*:5555", None, Some("10.77.0.1"), ("10.77.0.1", None));
        check("tcp://*:5555", None, Some("fd00::7"), ("[fd00::7]", None));
        check("tcp://*:5555", None, None, ("127.0.0.1", Some(NO_ADDRESS)));
        check("tcp://0.0.0.0:5555", None, Some("fd00::7"), ("127.0.0.1", Some(NO_ADDRESS)));
        check("tcp://[::]:5555", None, None, ("[::1]", Some(NO_ADDRESS)));
        check("tcp://10.77.0.1:5555", None, None, ("10.77.0.1", None));
        check("tcp://127.0.0.1:5555", None, Some("10.77.0.1"), ("127.0.0.1", Some(ON_LOOPBACK)));
        check("tcp://127.0.0.1:5555", Some("chat.example.org"), None, ("chat.example.org", None));
        check("tcp://*:5555", Some("fd00::7"), Some("10.77.0.1"), ("[fd00::7]", None));
    }
}
