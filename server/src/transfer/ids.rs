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

/// The number of the `occurrence`th of equal entries, the first being 0.
pub(super) fn id_of(digest: Uuid, occurrence: u64) -> MessageId {
    MessageId::from_bytes(Uuid::new_v5(&digest, &occurrence.to_be_bytes()).into_bytes())
}
