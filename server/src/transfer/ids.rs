//! Numbers for messages that have none: the same entry gets the same number in every import.

use recado_proto::{MessageId, Timestamp};
use uuid::Uuid;

/// The namespace of all of them (RFC 9562, section 5.5), itself a random UUID.
const NAMESPACE: Uuid = Uuid::from_u128(0x7d1c_0f5e_93a4_4b52_9c3e_5d0a_86f1_2be7);

/// A message of an import without its number among equals.
#[derive(Clone, Copy, Debug)]
pub(super) struct Content<'a> {
    pub(super) to_channel: bool,
    pub(super) from: &'a str,
    pub(super) to: &'a str,
    pub(super) text: &'a str,
    pub(super) timestamp: Option<Timestamp>,
}

impl Content<'_> {
    /// Equal for equal entries.
    pub(super) fn digest(&self) -> Uuid {
        let kind = if self.to_channel { "channel" } else { "user" };
        let timestamp =
            self.timestamp.map_or_else(String::new, |timestamp| timestamp.as_seconds().to_string());
        // Names have no control characters, so that nothing but the text at the end can hold the separator.
        let name = [kind, self.from, self.to, &timestamp, self.text].join("\0");
        Uuid::new_v5(&NAMESPACE, name.as_bytes())
    }
}

/// The number of the `occurrence`th of equal entries, the first being 0: a UUID of version 8 (RFC 9562, section 5.8) that begins
/// with the time in milliseconds, as one of version 7 does, so that an index of them grows at its end. The rest is a digest.
pub(super) fn id_of(content: &Content<'_>, digest: Uuid, occurrence: u64) -> MessageId {
    let mut bytes = Uuid::new_v5(&digest, &occurrence.to_be_bytes()).into_bytes();
    let seconds = content.timestamp.map_or(0, Timestamp::as_seconds);
    let time_ms = u64::try_from(seconds).unwrap_or(0).saturating_mul(1000).min((1 << 48) - 1);
    bytes[..6].copy_from_slice(&time_ms.to_be_bytes()[2..]);
    bytes[6] = 0x80 | (bytes[6] & 0x0f);
    MessageId::from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use recado_proto::Timestamp;

    use super::{Content, id_of};

    #[test]
    fn equal_entries_have_equal_numbers_and_no_others() {
        let content = Content {
            to_channel: true,
            from: "ana",
            to: "geral",
            text: "oi",
            timestamp: Some(Timestamp::from_seconds(1_700_000_000)),
        };
        let id = |content: Content<'_>, occurrence| id_of(&content, content.digest(), occurrence);
        // Imports of other days must come to the same: this number is for ever.
        assert_eq!(id(content, 0).to_string(), "018bcfe5-6800-8a7e-b3d8-8109f765f526");
        let others = [
            id(content, 1),
            id(Content { to_channel: false, ..content }, 0),
            id(Content { from: "an", ..content }, 0),
            id(Content { to: "geral2", ..content }, 0),
            id(Content { text: "oi!", ..content }, 0),
            id(Content { timestamp: None, ..content }, 0),
        ];
        assert!(others.iter().all(|other| *other != id(content, 0)));
    }
}
