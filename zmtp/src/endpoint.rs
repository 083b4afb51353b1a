//! Where a socket listens or connects to: `tcp://host:port` or `ipc://path`. Only reads and writes the text; resolving
//! names is [`transport`](crate::transport)'s.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::path::PathBuf;
use std::str::FromStr;

use thiserror::Error;

use crate::limits;

/// An endpoint. Read it with [`str::parse`], write it with `Display`; the two fit.
///
/// ```
/// use recado_zmtp::Endpoint;
///
/// let endpoint: Endpoint = "tcp://127.0.0.1:5555".parse()?;
/// assert!(endpoint.is_loopback());
/// assert_eq!("tcp://*:*".parse::<Endpoint>()?.to_string(), "tcp://*:0");
/// # Ok::<(), recado_zmtp::EndpointError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Endpoint {
    /// TCP.
    Tcp {
        /// Which machine, or which of this machine's addresses.
        host: Host,
        /// The port; 0 (written `0` or `*`) lets the system choose when listening.
        port: u16,
    },
    /// A Unix-domain socket.
    Ipc(PathBuf),
}

/// The host of a TCP endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Host {
    /// `*`: listen on every address, IPv4 and IPv6.
    Any,
    /// An address; IPv6 is written in brackets.
    Ip(IpAddr),
    /// A name, resolved at each connection.
    Name(String),
}

impl Endpoint {
    /// Whether only programs of this machine can reach it: `ipc`, a loopback address, or the name `localhost` (which
    /// RFC 6761 keeps for loopback).
    pub fn is_loopback(&self) -> bool {
        match self {
            Self::Ipc(_) => true,
            Self::Tcp { host: Host::Any, .. } => false,
            Self::Tcp { host: Host::Ip(address), .. } => address.to_canonical().is_loopback(),
            Self::Tcp { host: Host::Name(name), .. } => {
                let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
                name == "localhost" || name.ends_with(".localhost")
            }
        }
    }

    /// The same endpoint at another host; `ipc` has none and stays as it is.
    #[must_use]
    pub fn with_host(&self, host: Host) -> Self {
        match self {
            Self::Tcp { port, .. } => Self::Tcp { host, port: *port },
            Self::Ipc(path) => Self::Ipc(path.clone()),
        }
    }

    /// The same endpoint with another port; `ipc` has none and stays as it is.
    #[must_use]
    pub fn with_port(&self, port: u16) -> Self {
        match self {
            Self::Tcp { host, .. } => Self::Tcp { host: host.clone(), port },
            Self::Ipc(path) => Self::Ipc(path.clone()),
        }
    }
}

impl Host {
    /// Reads a host that others can be told: a name, or an address, IPv6 with brackets or without, but none that means all of a machine's.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        let host = match text.parse() {
            Ok(address) => Ok(Host::Ip(address)),
            Err(_) => parse_host(text),
        };
        match host {
            Ok(Host::Ip(address)) if address.is_unspecified() => Err(HostError(text.to_owned())),
            Ok(host @ (Host::Ip(_) | Host::Name(_))) => Ok(host),
            Ok(Host::Any) | Err(_) => Err(HostError(text.to_owned())),
        }
    }
}

/// A text that is no host for others.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "{0:?} is neither a name nor an address by which others reach a machine, as chat.example.org or 192.168.1.20"
)]
pub struct HostError(String);

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        parse(text).map_err(|fault| EndpointError { text: text.to_owned(), fault })
    }
}

fn parse(text: &str) -> Result<Endpoint, EndpointFault> {
    let (transport, address) = text.split_once("://").ok_or(EndpointFault::NoTransport)?;
    match transport {
        "tcp" => parse_tcp(address),
        "ipc" => parse_ipc(address),
        other => Err(EndpointFault::UnknownTransport(other.to_owned())),
    }
}

fn parse_tcp(address: &str) -> Result<Endpoint, EndpointFault> {
    let (host, port) = address.rsplit_once(':').ok_or(EndpointFault::NoPort)?;
    let port = match port {
        "*" => 0,
        digits if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            digits.parse().map_err(|_| EndpointFault::BadPort(digits.to_owned()))?
        }
        "" => return Err(EndpointFault::NoPort),
        other => return Err(EndpointFault::BadPort(other.to_owned())),
    };
    Ok(Endpoint::Tcp { host: parse_host(host)?, port })
}

fn parse_host(host: &str) -> Result<Host, EndpointFault> {
    if host == "*" {
        return Ok(Host::Any);
    }
    if let Some(inner) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let address: Ipv6Addr = inner.parse().map_err(|_| EndpointFault::BadHost(host.to_owned()))?;
        return Ok(Host::Ip(address.into()));
    }
    if host.contains(':') {
        return Err(EndpointFault::Unbracketed(host.to_owned()));
    }
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(Host::Ip(address));
    }
    let is_name_byte = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    // A name of digits and dots only is a mistyped address, which some resolvers would take for another one.
    let is_name = !host.is_empty()
        && host.len() <= limits::HOST_NAME_BYTES_MAX
        && host.bytes().all(is_name_byte)
        && host.bytes().any(|byte| byte.is_ascii_alphabetic());
    if is_name { Ok(Host::Name(host.to_owned())) } else { Err(EndpointFault::BadHost(host.to_owned())) }
}

fn parse_ipc(path: &str) -> Result<Endpoint, EndpointFault> {
    if path.is_empty() || path.contains('\0') {
        return Err(EndpointFault::BadPath);
    }
    if path.starts_with('@') || path == "*" {
        return Err(EndpointFault::UnsupportedPath);
    }
    if path.len() > limits::IPC_PATH_BYTES_MAX {
        return Err(EndpointFault::PathTooLong(path.len()));
    }
    Ok(Endpoint::Ipc(PathBuf::from(path)))
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } => write!(f, "tcp://{host}:{port}"),
            Self::Ipc(path) => write!(f, "ipc://{}", path.display()),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Ip(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Self::Ip(IpAddr::V4(address)) => write!(f, "{address}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// A text that is no endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{text:?} is not an endpoint: {fault}")]
pub struct EndpointError {
    /// The text.
    pub text: String,
    /// What is wrong with it.
    pub fault: EndpointFault,
}

/// What is wrong with a text that should be an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EndpointFault {
    /// No `://`.
    #[error("write tcp://host:port or ipc://path")]
    NoTransport,
    /// A transport that this crate does not have.
    #[error("the transport {0:?} is not supported; write tcp://host:port or ipc://path")]
    UnknownTransport(String),
    /// No port.
    #[error("the port is missing; write tcp://host:port")]
    NoPort,
    /// A port that is no number up to 65535.
    #[error("{0:?} is not a port: a number from 0 to 65535, or `*`")]
    BadPort(String),
    /// A host that is neither address nor name.
    #[error("{0:?} is neither an address, nor a name, nor `*`")]
    BadHost(String),
    /// An IPv6 address without brackets.
    #[error("write an IPv6 address in brackets: tcp://[{0}]:port")]
    Unbracketed(String),
    /// No path, or one with a zero in it.
    #[error("the path is missing or has a zero byte in it; write ipc://path")]
    BadPath,
    /// Abstract and made-up paths.
    #[error("`@` and `*` paths are not supported; name a file")]
    UnsupportedPath,
    /// The system takes no longer path.
    #[error("a path of {0} bytes, more than the 107 the system takes")]
    PathTooLong(usize),
}

#[cfg(test)]
mod tests {
    use super::{Endpoint, EndpointFault, Host, HostError};

    fn check(text: &str, expect: Result<&str, EndpointFault>) {
        let got = text.parse::<Endpoint>();
        match expect {
            Ok(shown) => {
                let endpoint = got.unwrap();
                assert_eq!(endpoint.to_string(), shown);
                assert_eq!(shown.parse::<Endpoint>().unwrap(), endpoint, "{text}");
            }
            Err(fault) => {
                let error = got.unwrap_err();
                assert_eq!(error.fault, fault);
                assert!(error.to_string().starts_with(&format!("{text:?} is not an endpoint: ")));
            }
        }
    }

    #[test]
    fn each_form_is_read_and_written() {
        check("tcp://127.0.0.1:5555", Ok("tcp://127.0.0.1:5555"));
        check("tcp://[::1]:5555", Ok("tcp://[::1]:5555"));
        check("tcp://chat.example.org:65535", Ok("tcp://chat.example.org:65535"));
        check("tcp://my_host-2:1", Ok("tcp://my_host-2:1"));
        check("tcp://*:5555", Ok("tcp://*:5555"));
        check("tcp://*:*", Ok("tcp://*:0"));
        check("tcp://localhost:0", Ok("tcp://localhost:0"));
        check("ipc:///run/recado.sock", Ok("ipc:///run/recado.sock"));
        check("ipc://relative path", Ok("ipc://relative path"));
    }

    #[test]
    fn each_mistake_is_named() {
        check("", Err(EndpointFault::NoTransport));
        check("127.0.0.1:5555", Err(EndpointFault::NoTransport));
        check("udp://127.0.0.1:1", Err(EndpointFault::UnknownTransport("udp".into())));
        check("TCP://127.0.0.1:1", Err(EndpointFault::UnknownTransport("TCP".into())));
        check("tcp://host", Err(EndpointFault::NoPort));
        check("tcp://host:", Err(EndpointFault::NoPort));
        check("tcp://host:http", Err(EndpointFault::BadPort("http".into())));
        check("tcp://host:65536", Err(EndpointFault::BadPort("65536".into())));
        check("tcp://host:+1", Err(EndpointFault::BadPort("+1".into())));
        check("tcp://:5555", Err(EndpointFault::BadHost(String::new())));
        check("tcp://a b:5555", Err(EndpointFault::BadHost("a b".into())));
        check("tcp://127.0.0.256:5555", Err(EndpointFault::BadHost("127.0.0.256".into())));
        check("tcp://[::1:5555", Err(EndpointFault::Unbracketed("[::1".into())));
        check("tcp://::1:5555", Err(EndpointFault::Unbracketed("::1".into())));
        check("tcp://[host]:5555", Err(EndpointFault::BadHost("[host]".into())));
        check(&format!("tcp://{}:1", "a".repeat(254)), Err(EndpointFault::BadHost("a".repeat(254))));
        check("ipc://", Err(EndpointFault::BadPath));
        check("ipc://@abstract", Err(EndpointFault::UnsupportedPath));
        check(&format!("ipc://{}", "a".repeat(108)), Err(EndpointFault::PathTooLong(108)));
    }

    #[test]
    fn a_host_for_others_is_one_and_not_all() {
        for (text, shown) in [
            ("chat.example.org", "chat.example.org"),
            ("192.168.1.20", "192.168.1.20"),
            ("::1", "[::1]"),
            ("[::1]", "[::1]"),
        ] {
            assert_eq!(Host::parse(text).unwrap().to_string(), shown);
        }
        for text in ["", "*", "0.0.0.0", "::", "[::]", "a b", "a:5555", "127.0.0.256"] {
            assert_eq!(Host::parse(text), Err(HostError(text.to_owned())));
        }
    }

    #[test]
    fn loopback_is_told_from_the_rest() {
        for (text, loopback) in [
            ("tcp://127.0.0.1:1", true),
            ("tcp://127.8.9.1:1", true),
            ("tcp://[::1]:1", true),
            ("tcp://[::ffff:127.0.0.1]:1", true),
            ("tcp://localhost:1", true),
            ("tcp://LOCALHOST.:1", true),
            ("ipc://x", true),
            ("tcp://*:1", false),
            ("tcp://0.0.0.0:1", false),
            ("tcp://[::]:1", false),
            ("tcp://10.0.0.1:1", false),
            ("tcp://localhost.example.org:1", false),
        ] {
            assert_eq!(text.parse::<Endpoint>().unwrap().is_loopback(), loopback, "{text}");
        }
    }
}
