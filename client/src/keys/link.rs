//! How somebody joins, as text: `recado://HOST:PORT[,SUBSCRIBERSPORT]/KEY/CODE`. Letters may be large or small, so that a QR code needs
//! large ones alone.

use std::fmt;
use std::str::FromStr;

use recado_proto::JoinCode;
use recado_zmtp::curve::PublicKey;
use recado_zmtp::{Endpoint, EndpointFault, Host};
use thiserror::Error;

use super::qr;
use crate::limits;

/// What somebody joins with: where, which server it must be, and the code that lets one in. Its `Debug` does not say the code.
#[derive(Clone, PartialEq, Eq)]
pub struct JoinLink {
    /// As in an endpoint, an IPv6 address in brackets.
    host: String,
    requests: u16,
    subscribers: Option<u16>,
    key: PublicKey,
    code: JoinCode,
}

/// Why a text is no such link. The sentences end with what to do.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LinkError {
    /// It begins otherwise.
    #[error(
        "that is no link to join with: one begins with recado:// and is a single word; copy it once more"
    )]
    NoLink,
    /// Something is missing at its end.
    #[error("the link is cut short: {0} is missing; copy all of it")]
    Cut(&'static str),
    /// It has more than belongs there.
    #[error("there is something behind the link's code; copy the link alone")]
    Trailing,
    /// Host and port are none.
    #[error("the link does not say where the server is: {0}")]
    Place(EndpointFault),
    /// The port for subscribers is none.
    #[error("the link's second port is no port: a number from 1 to 65535 is expected")]
    SubscribersPort,
    /// What stands for the server's key is none.
    #[error(
        "the link's key is not whole: a whole one has {KEY_CHARACTERS} letters and digits; copy the link once more"
    )]
    Key,
    /// What stands for the code is none.
    #[error("the link's code is not whole: a whole one has 16 letters and digits; copy the link once more")]
    Code,
}

const SCHEME: &str = "recado://";

/// 32 bytes, five bits a character.
const KEY_CHARACTERS: usize = 52;

/// Crockford's base32: no letter that looks like a digit.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

impl JoinLink {
    /// The link to a server; `host` as in an endpoint.
    pub fn new(host: &str, requests: u16, subscribers: Option<u16>, key: PublicKey, code: JoinCode) -> Self {
        Self { host: host.to_ascii_lowercase(), requests, subscribers, key, code }
    }

    /// The link to a server, if that can be reached from elsewhere at all. The broker is named if it is on the same machine.
    pub fn to(server: &Endpoint, broker: Option<&Endpoint>, key: PublicKey, code: JoinCode) -> Option<Self> {
        let (host, requests) = place(server)?;
        let subscribers = broker.and_then(place).filter(|(other, _)| *other == host).map(|(_, port)| port);
        Some(Self::new(&host.to_string(), requests, subscribers, key, code))
    }

    /// Where the server takes requests.
    pub fn server(&self) -> Endpoint {
        self.endpoint(self.requests)
    }

    /// Where the broker takes subscribers, if it says so.
    pub fn broker(&self) -> Option<Endpoint> {
        self.subscribers.map(|port| self.endpoint(port))
    }

    /// The key that the server must have.
    pub fn key(&self) -> PublicKey {
        self.key
    }

    /// What lets one in, once.
    pub fn code(&self) -> &JoinCode {
        &self.code
    }

    /// As a QR code for a terminal, in lines; nothing if it is too long for one.
    pub fn qr(&self) -> String {
        qr::half_blocks(&self.to_string().to_ascii_uppercase()).unwrap_or_default()
    }

    fn endpoint(&self, port: u16) -> Endpoint {
        let text = format!("tcp://{}:{port}", self.host);
        text.parse().expect("a link's host was read from an endpoint, or is one's")
    }
}

impl fmt::Debug for JoinLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JoinLink({} {} …)", self.server(), self.key)
    }
}

impl fmt::Display for JoinLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}:{}", self.host, self.requests)?;
        if let Some(port) = self.subscribers {
            write!(f, ",{port}")?;
        }
        write!(
            f,
            "/{}/{}",
            write_key(&self.key).to_ascii_lowercase(),
            self.code.as_str().to_ascii_lowercase()
        )
    }
}

impl FromStr for JoinLink {
    type Err = LinkError;

    fn from_str(text: &str) -> Result<Self, LinkError> {
        let text = text.trim();
        // As it is printed for a shell.
        let text = ['\'', '"']
            .iter()
            .find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote))
            .unwrap_or(text);
        if text.len() > limits::LINK_BYTES_MAX || text.contains(char::is_whitespace) || !text.is_ascii() {
            return Err(LinkError::NoLink);
        }
        let text = text.to_ascii_lowercase();
        let rest = text.strip_prefix(SCHEME).ok_or_else(|| match SCHEME.starts_with(&text) {
            true if !text.is_empty() => LinkError::Cut("almost all"),
            true | false => LinkError::NoLink,
        })?;
        let mut parts = rest.split('/');
        let place = parts.next().filter(|place| !place.is_empty()).ok_or(LinkError::Cut("almost all"))?;
        let (requests, subscribers) = match place.split_once(',') {
            Some((requests, subscribers)) => (requests, Some(subscribers)),
            None => (place, None),
        };
        let key = parts.next().ok_or(LinkError::Cut("the server's key"))?;
        let code = parts.next().ok_or(LinkError::Cut("the code"))?;
        if parts.next().is_some() {
            return Err(LinkError::Trailing);
        }
        let endpoint: Endpoint = format!("tcp://{requests}")
            .parse()
            .map_err(|error: recado_zmtp::EndpointError| LinkError::Place(error.fault))?;
        let Endpoint::Tcp { host, port: requests @ 1.. } = endpoint else {
            return Err(LinkError::Place(EndpointFault::NoPort));
        };
        let subscribers = subscribers.map(port).transpose()?;
        let key = read_key(key).ok_or(LinkError::Key)?;
        let code = JoinCode::parse(code).map_err(|_| LinkError::Code)?;
        Ok(Self { host: host.to_string(), requests, subscribers, key, code })
    }
}

fn place(endpoint: &Endpoint) -> Option<(&Host, u16)> {
    match endpoint {
        Endpoint::Tcp { host, port } => Some((host, *port)),
        Endpoint::Ipc(_) => None,
    }
}

fn port(text: &str) -> Result<u16, LinkError> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| *port > 0 && is_number).ok_or(LinkError::SubscribersPort)
}

fn write_key(key: &PublicKey) -> String {
    let mut text = String::with_capacity(KEY_CHARACTERS);
    let (mut bits, mut count) = (0_u32, 0);
    for byte in key.as_bytes() {
        bits = bits << 8 | u32::from(*byte);
        count += 8;
        while count >= 5 {
            count -= 5;
            text.push(digit(bits >> count));
        }
    }
    text.push(digit(bits << (5 - count)));
    text
}

fn digit(bits: u32) -> char {
    char::from(DIGITS[(bits & 31) as usize])
}

/// The key, if these are its characters and no others.
fn read_key(text: &str) -> Option<PublicKey> {
    if text.len() != KEY_CHARACTERS {
        return None;
    }
    let mut bytes = [0; 32];
    let (mut bits, mut count, mut at) = (0_u32, 0, 0);
    for character in text.bytes() {
        bits = bits << 5 | value(character)?;
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes[at] = u8::try_from(bits >> count & 0xff).expect("eight bits are a byte");
            at += 1;
        }
    }
    // Four bits are left, which are never set: a key has one spelling.
    (bits & ((1 << count) - 1) == 0).then(|| PublicKey::from_bytes(bytes))
}

fn value(character: u8) -> Option<u32> {
    let read = match character.to_ascii_uppercase() {
        b'I' | b'L' => b'1',
        b'O' => b'0',
        other => other,
    };
    DIGITS.iter().position(|digit| *digit == read).and_then(|at| u32::try_from(at).ok())
}

#[cfg(test)]
mod tests {
    use recado_proto::JoinCode;
    use recado_zmtp::curve::{KeyPair, PublicKey};

    use super::{JoinLink, LinkError, read_key, write_key};

    fn link(host: &str, subscribers: Option<u16>) -> JoinLink {
        let code = JoinCode::parse("0123456789ABCDEF").unwrap();
        JoinLink::new(host, 5555, subscribers, KeyPair::generate().public(), code)
    }

    fn read(text: &str) -> Result<JoinLink, LinkError> {
        text.parse()
    }

    #[test]
    fn each_link_is_read_as_it_was_written_in_large_letters_and_in_small_ones() {
        for host in ["127.0.0.1", "chat.example.org", "[::1]"] {
            for subscribers in [None, Some(5558)] {
                let link = link(host, subscribers);
                let text = link.to_string();
                assert_eq!(read(&text), Ok(link.clone()));
                assert_eq!(read(&text.to_ascii_uppercase()), Ok(link.clone()));
                assert_eq!(read(&format!("  {text}\n")), Ok(link.clone()));
                assert_eq!(read(&format!("'{text}'\n")), Ok(link.clone()));
                assert_eq!(read(&format!("\"{text}\"")), Ok(link.clone()));
                assert_eq!(link.server().to_string(), format!("tcp://{host}:5555"));
                assert_eq!(link.broker().is_some(), subscribers.is_some());
            }
        }
    }

    #[test]
    fn every_link_that_is_cut_short_is_refused() {
        let text = link("192.168.1.20", Some(5558)).to_string();
        for end in 0..text.len() {
            let error = read(&text[..end]).unwrap_err();
            assert!(!error.to_string().contains("0123456789"), "{error}");
        }
        assert_eq!(read("recado://a:1"), Err(LinkError::Cut("the server's key")));
        assert_eq!(read(&text[..text.len() - 17]), Err(LinkError::Cut("the code")));
        assert_eq!(read(&text[..text.len() - 1]), Err(LinkError::Code));
    }

    #[test]
    fn what_is_no_link_says_what_is_wrong() {
        let text = link("a.example", None).to_string();
        assert_eq!(read(""), Err(LinkError::NoLink));
        assert_eq!(read("https://example.org/"), Err(LinkError::NoLink));
        assert_eq!(read(&text.replace("/", " / ")), Err(LinkError::NoLink));
        assert_eq!(read(&"x".repeat(10_000)), Err(LinkError::NoLink));
        assert_eq!(read(&format!("{text}/")), Err(LinkError::Trailing));
        assert!(matches!(read(&text.replace(":5555", "")), Err(LinkError::Place(_))));
        assert!(matches!(read(&text.replace(":5555", ":0")), Err(LinkError::Place(_))));
        for port in ["0", "x", "", "+1", "65536"] {
            assert_eq!(
                read(&text.replace(":5555", &format!(":5555,{port}"))),
                Err(LinkError::SubscribersPort)
            );
        }
    }

    #[test]
    fn a_key_has_one_spelling_but_for_letters_that_look_alike() {
        for bytes in [[0; 32], [0xff; 32], *KeyPair::generate().public().as_bytes()] {
            let key = PublicKey::from_bytes(bytes);
            let text = write_key(&key);
            assert_eq!((text.len(), read_key(&text)), (52, Some(key)));
        }
        assert_eq!(read_key(&"O".repeat(52)), read_key(&"0".repeat(52)));
        assert_eq!(read_key(&format!("{}1", "0".repeat(51))), None);
        assert_eq!(read_key(&"U".repeat(52)), None);
    }

    #[test]
    fn a_link_names_the_broker_that_is_on_the_same_machine() {
        let endpoint = |text: &str| text.parse::<recado_zmtp::Endpoint>().unwrap();
        let key = KeyPair::generate().public();
        let code = || JoinCode::parse("0123456789ABCDEF").unwrap();
        let broker = |broker: &str| {
            let link = JoinLink::to(&endpoint("tcp://[::1]:5555"), Some(&endpoint(broker)), key, code());
            link.unwrap().broker()
        };
        assert_eq!(broker("tcp://[::1]:5558"), Some(endpoint("tcp://[::1]:5558")));
        assert_eq!(broker("tcp://elsewhere:5558"), None);
        assert_eq!(JoinLink::to(&endpoint("ipc:///run/recado"), None, key, code()), None);
    }

    #[test]
    fn what_is_shown_for_debugging_lacks_the_code() {
        assert!(!format!("{:?}", link("a", None)).contains("0123456789"));
    }
}
