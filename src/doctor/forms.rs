//! The forms of the files that keys are in, and of the first bytes of a connection. Says only whether they are right: what is in them is
//! nobody's business.

use recado_zmtp::Endpoint;

use super::facts::{Mechanism, SecretKind};

/// A greeting, without security and as a client.
pub(super) const GREETING_BYTES: usize = 64;
const MECHANISM_AT: usize = 12;
const MECHANISM_BYTES: usize = 20;

/// The alphabet of Z85 (RFC 32) beside letters and digits.
const Z85_SIGNS: &str = ".-:+=^!/*?&<>()[]{}@%$#";

/// Characters of a key in Z85.
const KEY_CHARS: usize = 40;

/// Whether a file's text is what such a file has.
pub(super) fn has_form(kind: SecretKind, text: &str) -> bool {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    match kind {
        SecretKind::InstallationKey | SecretKind::DeviceKey => {
            let key = lines.next().and_then(|line| line.strip_prefix("recado secret key 1 "));
            key.is_some_and(|key| is_key(key.trim())) && lines.next().is_none()
        }
        SecretKind::KnownServers => lines.all(is_known_server),
    }
}

fn is_known_server(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.as_slice() {
        [endpoint, key, _since] => endpoint.parse::<Endpoint>().is_ok() && is_key(key),
        _ => false,
    }
}

fn is_key(text: &str) -> bool {
    text.len() == KEY_CHARS
        && text.chars().all(|sign| sign.is_ascii_alphanumeric() || Z85_SIGNS.contains(sign))
}

/// What one says to a listener to hear its mechanism.
pub(super) fn greeting() -> [u8; GREETING_BYTES] {
    let mut bytes = [0; GREETING_BYTES];
    bytes[0] = 0xff;
    bytes[9] = 0x7f;
    bytes[10..12].copy_from_slice(&[3, 1]);
    bytes[MECHANISM_AT..MECHANISM_AT + 4].copy_from_slice(b"NULL");
    bytes
}

/// The mechanism in a listener's greeting; none if that is not a greeting of ZMTP 3.
pub(super) fn mechanism(greeting: &[u8; GREETING_BYTES]) -> Option<Mechanism> {
    if greeting[0] != 0xff || greeting[9] & 1 != 1 || greeting[10] < 3 {
        return None;
    }
    let name = &greeting[MECHANISM_AT..MECHANISM_AT + MECHANISM_BYTES];
    let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
    Some(match name {
        b"NULL" => Mechanism::Null,
        b"CURVE" => Mechanism::Curve,
        name => Mechanism::Other(String::from_utf8_lossy(name).escape_default().to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // The examples of RFC 32 and of libzmq's manual.
    const KEY: &str = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs";

    fn key_file(text: &str) -> bool {
        has_form(SecretKind::InstallationKey, text)
    }

    #[test]
    fn a_key_file_has_one_key_and_comments() {
        assert!(key_file(&format!("# ours\n\nrecado secret key 1 {KEY}\n")));
        for bad in [
            String::new(),
            "# only a comment\n".to_owned(),
            KEY.to_owned(),
            format!("recado secret key 2 {KEY}"),
            format!("recado secret key 1 {}", &KEY[1..]),
            format!("recado secret key 1 {KEY}x"),
            format!("recado secret key 1 {}~", &KEY[1..]),
            format!("recado secret key 1 {KEY}\nrecado secret key 1 {KEY}"),
            "-----BEGIN OPENSSH PRIVATE KEY-----".to_owned(),
        ] {
            assert!(!key_file(&bad), "{bad:?}");
        }
    }

    #[test]
    fn known_servers_have_a_line_each() {
        let form = |text: &str| has_form(SecretKind::KnownServers, text);
        assert!(form(""));
        assert!(form(&format!("# met\ntcp://10.0.0.1:5555 {KEY} 2026-11-29T08:00:00Z\n")));
        assert!(!form(&format!("10.0.0.1 {KEY} 2026-11-29T08:00:00Z\n")));
        assert!(!form("tcp://10.0.0.1:5555 short 2026-11-29T08:00:00Z\n"));
        assert!(!form(&format!("tcp://10.0.0.1:5555 {KEY}\n")));
    }

    #[test]
    fn a_greeting_names_its_mechanism() {
        assert_eq!(mechanism(&greeting()), Some(Mechanism::Null));
        let with = |name: &[u8]| {
            let mut bytes = greeting();
            bytes[MECHANISM_AT..MECHANISM_AT + MECHANISM_BYTES].fill(0);
            bytes[MECHANISM_AT..MECHANISM_AT + name.len()].copy_from_slice(name);
            mechanism(&bytes)
        };
        assert_eq!(with(b"CURVE"), Some(Mechanism::Curve));
        assert_eq!(with(b"PLAIN"), Some(Mechanism::Other("PLAIN".to_owned())));
        assert_eq!(with(b"\x1b[2J"), Some(Mechanism::Other("\\u{1b}[2J".to_owned())));
        assert_eq!(
            mechanism(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n"),
            None
        );
        assert_eq!(mechanism(&[0; GREETING_BYTES]), None);
    }
}
