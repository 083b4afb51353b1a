//! How a run's messages are known again: by their `id`, and by the tag that ends each text. Knows no socket and no clock.
//!
//! A text ends with `#RUN-NUMBER-CHECKSUM`: eight hexadecimal digits, the message's number in the plan, and the CRC-32 (IEEE) of
//! run, number, topic, sender and what stands before the tag, in eight hexadecimal digits more. So it is known of each text whose it is, and whether it
//! arrived as it was sent, where it was sent, from whom.

use recado_proto::MessageId;

use crate::limits::{MESSAGES_MAX, TEXT_BYTES_MIN};

/// One run, told from every other one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    id: u32,
    started_ms: u64,
}

/// What a text's tag says, and whether the rest agrees with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag {
    /// The message's number in the plan.
    pub number: u64,
    /// The checksum as it stands in the text.
    pub checksum: u32,
    /// Whether it is that of the text, its topic and its sender.
    pub is_intact: bool,
}

const MARK: char = '#';
const RUN_DIGITS: usize = 8;
const CHECKSUM_DIGITS: usize = 8;
const DASHES: usize = 2;

/// Of the 62 bits that a UUID of version 7 leaves free behind its time, so many are the message's number.
const NUMBER_BITS: u32 = 42;
const RUN_BITS: u32 = 20;
const VERSION_7: u64 = 0x7000;
const VARIANT: u64 = 0b10 << (NUMBER_BITS + RUN_BITS);

const _: () = assert!(MESSAGES_MAX < 1 << NUMBER_BITS);
const _: () =
    assert!(MARK.len_utf8() + RUN_DIGITS + DASHES + 12 + CHECKSUM_DIGITS <= TEXT_BYTES_MIN, "every tag fits");

impl Run {
    /// The run with this random number, that began at this Unix time.
    pub const fn new(id: u32, started_ms: u64) -> Run {
        Run { id, started_ms }
    }

    /// When it began, in Unix milliseconds.
    pub const fn started_ms(&self) -> u64 {
        self.started_ms
    }

    /// A message's `id`: a UUID of version 7 (RFC 9562, section 5.7) of its intended send time, microseconds after the beginning.
    pub fn message_id(&self, number: u64, intended_us: u64) -> MessageId {
        let time_ms = self.started_ms.wrapping_add(intended_us / 1_000);
        let fraction = (intended_us % 1_000) * 4_096 / 1_000;
        let high = time_ms << 16 | VERSION_7 | fraction;
        let low = VARIANT | self.own_bits() << NUMBER_BITS | number & ((1 << NUMBER_BITS) - 1);
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&high.to_be_bytes());
        bytes[8..].copy_from_slice(&low.to_be_bytes());
        MessageId::from_bytes(bytes)
    }

    /// The number of the message with this `id`, if it looks like one of this run's. By chance one in a million of others does,
    /// with a number that is beyond any sent.
    pub fn number_of(&self, id: MessageId) -> Option<u64> {
        let (high, low) = id.as_bytes().split_at(8);
        let word = |bytes: &[u8]| u64::from_be_bytes(bytes.try_into().expect("half of sixteen bytes"));
        let (high, low) = (word(high), word(low));
        let is_ours =
            high & 0xF000 == VERSION_7 && low >> NUMBER_BITS == (VARIANT >> NUMBER_BITS | self.own_bits());
        is_ours.then_some(low & ((1 << NUMBER_BITS) - 1))
    }

    fn own_bits(&self) -> u64 {
        u64::from(self.id) & ((1 << RUN_BITS) - 1)
    }

    /// The whole text of a message, and its checksum.
    pub fn text(&self, mut body: String, number: u64, topic: &str, sender: &str) -> (String, u32) {
        let checksum = self.checksum(&body, number, topic, sender);
        body.push_str(&format!("{MARK}{:08x}-{number}-{checksum:08x}", self.id));
        (body, checksum)
    }

    /// The tag of a text, if it is one of this run's.
    pub fn read(&self, text: &str, topic: &str, sender: &str) -> Option<Tag> {
        let (body, tag) = text.rsplit_once(MARK)?;
        let mut parts = tag.split('-');
        let (run, number, checksum) = (parts.next()?, parts.next()?, parts.next()?);
        let is_tag = parts.next().is_none() && run.len() == RUN_DIGITS && checksum.len() == CHECKSUM_DIGITS;
        if !is_tag || u32::from_str_radix(run, 16) != Ok(self.id) {
            return None;
        }
        let number = number.parse().ok().filter(|number| *number < MESSAGES_MAX)?;
        let checksum = u32::from_str_radix(checksum, 16).ok()?;
        let is_intact = checksum == self.checksum(body, number, topic, sender);
        Some(Tag { number, checksum, is_intact })
    }

    fn checksum(&self, body: &str, number: u64, topic: &str, sender: &str) -> u32 {
        let mut crc = crc32fast::Hasher::new();
        crc.update(&self.id.to_be_bytes());
        crc.update(&number.to_be_bytes());
        // A byte that no UTF-8 has, so that no two of these run together.
        for part in [topic, sender, body] {
            crc.update(part.as_bytes());
            crc.update(&[0xFF]);
        }
        crc.finalize()
    }
}

/// How many bytes the tag of this message takes.
pub fn tag_bytes(number: u64) -> usize {
    let digits = number.checked_ilog10().unwrap_or(0) as usize + 1;
    MARK.len_utf8() + RUN_DIGITS + DASHES + digits + CHECKSUM_DIGITS
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: Run = Run::new(0xA1B2_C3D4, 1_700_000_000_123);

    #[test]
    fn a_text_is_read_back_and_stays_readable() {
        let (text, checksum) = RUN.text("lunch? ".to_owned(), 57, "geral", "ana");
        assert!(text.starts_with("lunch? #a1b2c3d4-57-"), "{text}");
        assert_eq!(text.len(), "lunch? ".len() + tag_bytes(57));
        let tag = RUN.read(&text, "geral", "ana").unwrap();
        assert_eq!(tag, Tag { number: 57, checksum, is_intact: true });
    }

    #[test]
    fn whatever_is_altered_is_seen() {
        let (text, _) = RUN.text("lunch? ".to_owned(), 57, "geral", "ana");
        let is_intact = |text: &str, topic, sender| RUN.read(text, topic, sender).map(|tag| tag.is_intact);
        assert_eq!(is_intact(&text.replace("lunch", "launch"), "geral", "ana"), Some(false));
        assert_eq!(is_intact(&text.replace("-57-", "-58-"), "geral", "ana"), Some(false));
        assert_eq!(is_intact(&text, "tech", "ana"), Some(false));
        assert_eq!(is_intact(&text, "geral", "bia"), Some(false));
        assert_eq!(is_intact(&text, "geral", "ana"), Some(true));
    }

    #[test]
    fn other_runs_and_people_are_not_taken_for_this_one() {
        let (text, _) = Run::new(1, 0).text("lunch? ".to_owned(), 57, "geral", "ana");
        for foreign in
            [&text, "", "#", "#a1b2c3d4", "see #12-13-14", "#a1b2c3d4-57-0", "#a1b2c3d4-x-00000000"]
        {
            assert_eq!(RUN.read(foreign, "geral", "ana"), None, "{foreign}");
        }
        assert_eq!(RUN.number_of(MessageId::new_v7()).filter(|number| *number < 1_000_000), None);
        assert_eq!(RUN.number_of(Run::new(1, 0).message_id(3, 0)), None);
    }

    #[test]
    fn an_id_holds_the_number_and_ids_rise_with_the_intended_time() {
        let mut before = RUN.message_id(0, 0);
        assert_eq!(before.to_string().as_bytes()[14], b'7');
        for (number, intended_us) in [(1, 1), (MESSAGES_MAX - 1, 999), (3, 1_000), (2, 5_000_000)] {
            let id = RUN.message_id(number, intended_us);
            assert_eq!(RUN.number_of(id), Some(number));
            assert!(id > before);
            before = id;
        }
    }

    #[test]
    fn the_longest_tag_fits_in_the_smallest_message() {
        assert!(tag_bytes(MESSAGES_MAX - 1) <= TEXT_BYTES_MIN);
        assert_eq!(tag_bytes(0), tag_bytes(9));
    }
}
