//! What is kept of a chat from one run of the client to the next: messages without an answer, what is typed and not sent, and how far
//! each topic was shown. The rules are here and in `record.rs`; `file.rs` writes them down.

pub(crate) mod file;
pub(crate) mod keeper;
pub(crate) mod keeping;
mod record;

use std::collections::BTreeMap;

use recado_proto::{ChannelName, Epoch, Manner, MessageId};

use crate::chat::draft::Draft;
use crate::chat::item::{Level, Place};
use crate::limits;
use crate::receiver::Topic;

pub use record::Record;

/// A message that has no answer yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsent {
    /// Its own number, under which it is sent again.
    pub id: MessageId,
    /// Where to.
    pub to: Place,
    /// The text.
    pub text: String,
    /// What it says of itself beside its text.
    pub manner: Manner,
}

/// Everything that is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// The client was here before, as this user and at these servers.
    pub was_here: bool,
    /// Messages without an answer, oldest first.
    pub unsent: Vec<Unsent>,
    /// The last place that was shown of each topic.
    pub places: BTreeMap<Topic, (Epoch, u64)>,
    /// The channels that one was in, the one where plain lines went last.
    pub channels: Vec<ChannelName>,
    /// What one wants to be told of conversations, the one that changed last at the end.
    pub levels: Vec<(Place, Level)>,
    /// What is typed and not sent, the one that changed last at the end.
    pub drafts: Vec<(Place, Draft)>,
}

impl Kept {
    /// What a file says, and how many of its lines cannot be read.
    pub fn read(bytes: &[u8]) -> (Self, usize) {
        let mut kept = Self { was_here: !bytes.is_empty(), ..Self::default() };
        let mut damaged = 0;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            match Record::decode(line) {
                Some(record) => kept.apply(record),
                None => damaged += 1,
            }
        }
        (kept, damaged)
    }

    /// The shortest file that says the same.
    pub fn write(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let places = self.places.iter().map(|(topic, (epoch, seq))| Record::Shown {
            topic: topic.clone(),
            epoch: *epoch,
            seq: *seq,
        });
        let channels = self.channels.iter().cloned().map(Record::Joined);
        let unsent = self.unsent.iter().cloned().map(Record::Unsent);
        let levels = self.levels.iter().map(|(place, level)| Record::Level(place.clone(), Some(*level)));
        let drafts = self.drafts.iter().map(|(place, draft)| Record::Draft(place.clone(), draft.clone()));
        let all = std::iter::once(Record::Began)
            .chain(channels)
            .chain(places)
            .chain(unsent)
            .chain(levels)
            .chain(drafts);
        for record in all {
            record.encode(&mut bytes);
        }
        bytes
    }

    /// Something more happened.
    pub fn apply(&mut self, record: Record) {
        self.was_here = true;
        match record {
            Record::Began => {}
            Record::Unsent(unsent) => {
                if !self.unsent.iter().any(|known| known.id == unsent.id) {
                    self.unsent.push(unsent);
                }
            }
            Record::Answered(id) => self.unsent.retain(|unsent| unsent.id != id),
            Record::Shown { topic, epoch, seq } => {
                self.places.insert(topic, (epoch, seq));
            }
            Record::Joined(channel) => {
                self.channels.retain(|joined| *joined != channel);
                self.channels.push(channel);
                if self.channels.len() > limits::KEPT_CHANNELS_MAX {
                    let longest_ago = self.channels.remove(0);
                    self.places.remove(&Topic::Channel(longest_ago));
                }
            }
            Record::Left(channel) => {
                self.channels.retain(|joined| *joined != channel);
                self.places.remove(&Topic::Channel(channel));
            }
            Record::Level(place, level) => {
                self.levels.retain(|(known, _)| *known != place);
                self.levels.extend(level.map(|level| (place, level)));
                let beyond = self.levels.len().saturating_sub(limits::KEPT_LEVELS_MAX);
                self.levels.drain(..beyond);
            }
            Record::Draft(place, draft) => {
                self.drafts.retain(|(known, _)| *known != place);
                if !draft.is_empty() {
                    self.drafts.push((place, draft));
                }
                self.forget_drafts();
            }
        }
    }

    /// Beyond what is kept the one that changed longest ago goes.
    fn forget_drafts(&mut self) {
        let bytes = |drafts: &[(Place, Draft)]| drafts.iter().map(|(_, draft)| draft.bytes()).sum::<usize>();
        while self.drafts.len() > limits::KEPT_DRAFTS_MAX
            || bytes(&self.drafts) > limits::KEPT_DRAFTS_BYTES_MAX
        {
            self.drafts.remove(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use recado_proto::{ChannelName, Epoch, Manner, MessageId, Style, UserName};

    use super::{Kept, Record, Unsent};
    use crate::chat::draft::{Aim, Draft, Purpose};
    use crate::chat::item::{Level, Place};
    use crate::limits;
    use crate::receiver::Topic;

    fn unsent(number: u8) -> Unsent {
        let to = match number % 2 {
            0 => Place::Channel(channel("geral")),
            _ => Place::Direct(UserName::parse("bob \"the\" builder").unwrap()),
        };
        Unsent {
            id: MessageId::from_bytes([number; 16]),
            to,
            text: format!("line {number}\nand\u{2028} more"),
            manner: Manner {
                target: number.is_multiple_of(3).then_some(MessageId::from_bytes([9; 16])),
                style: number.is_multiple_of(2).then_some(Style::Me),
            },
        }
    }

    fn channel(name: &str) -> ChannelName {
        ChannelName::parse(name).unwrap()
    }

    fn shown(name: &str, seq: u64) -> Record {
        Record::Shown { topic: Topic::Channel(channel(name)), epoch: Epoch::new(7).unwrap(), seq }
    }

    fn draft(name: &str, text: &str) -> Record {
        Record::Draft(Place::Channel(channel(name)), Draft::plain(text.to_owned()))
    }

    fn level(name: &str, level: Option<Level>) -> Record {
        Record::Level(Place::Channel(channel(name)), level)
    }

    fn aim(purpose: Purpose) -> Aim {
        let author = UserName::parse("ana").ok();
        Aim { purpose, target: MessageId::from_bytes([3; 16]), author, before: "be\u{2028}fore".into() }
    }

    fn file(records: &[Record]) -> Vec<u8> {
        let mut bytes = Vec::new();
        records.iter().for_each(|record| record.encode(&mut bytes));
        bytes
    }

    fn everything() -> Vec<Record> {
        vec![
            Record::Began,
            Record::Joined(channel("tech")),
            Record::Joined(channel("geral")),
            shown("geral", 3),
            Record::Shown {
                topic: Topic::Direct(UserName::parse("ana").unwrap()),
                epoch: Epoch::new(7).unwrap(),
                seq: 9,
            },
            Record::Unsent(unsent(1)),
            Record::Unsent(unsent(2)),
            Record::Unsent(unsent(3)),
            Record::Answered(unsent(1).id),
            draft("geral", "half a\nsen"),
            draft("tech", "gone"),
            Record::Draft(
                Place::Direct(UserName::parse("bob").unwrap()),
                Draft { text: "better".into(), aim: Some(aim(Purpose::Edit)) },
            ),
            draft("tech", " "),
            level("geral", Some(Level::None)),
            level("tech", Some(Level::All)),
            level("geral", Some(Level::Mentions)),
            level("tech", None),
            shown("geral", 4),
            Record::Joined(channel("tech")),
        ]
    }

    #[test]
    fn what_is_written_is_read() {
        let (kept, damaged) = Kept::read(&file(&everything()));
        assert_eq!(damaged, 0);
        assert_eq!(kept.unsent, [unsent(2), unsent(3)]);
        assert_eq!(kept.channels, [channel("geral"), channel("tech")]);
        assert_eq!(kept.places[&Topic::Channel(channel("geral"))].1, 4);
        assert_eq!(kept.places.len(), 2);
        let of_bob = Draft { text: "better".into(), aim: Some(aim(Purpose::Edit)) };
        let bob = Place::Direct(UserName::parse("bob").unwrap());
        let geral = Place::Channel(channel("geral"));
        assert_eq!(kept.levels, [(geral.clone(), Level::Mentions)]);
        assert_eq!(kept.drafts, [(geral, Draft::plain("half a\nsen".into())), (bob, of_bob)]);
        assert_eq!(Kept::read(&kept.write()), (kept, 0), "the shortest file says the same");
    }

    #[test]
    fn an_empty_file_is_no_former_run() {
        assert_eq!(Kept::read(b""), (Kept::default(), 0));
        assert!(Kept::read(&Kept::default().write()).0.was_here);
    }

    #[test]
    fn a_file_that_ends_anywhere_loses_its_last_line_at_most() {
        let whole = file(&everything());
        for end in 0..whole.len() {
            let (kept, damaged) = Kept::read(&whole[..end]);
            let lines = whole[..end].iter().filter(|byte| **byte == b'\n').count();
            let torn = usize::from(end > 0 && whole[end - 1] != b'\n');
            assert_eq!(damaged, torn, "cut at {end}");
            assert_eq!(kept, Kept::read(&file(&everything()[..lines])).0.was(torn), "cut at {end}");
        }
    }

    impl Kept {
        /// A file with nothing but a torn line is a former run's too.
        fn was(mut self, torn: usize) -> Self {
            self.was_here |= torn > 0;
            self
        }
    }

    #[test]
    fn a_line_in_which_anything_changed_is_damaged_and_the_others_are_read() {
        let records = everything();
        let whole = file(&records);
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            let (_, damaged) = Kept::read(&bytes);
            assert!(damaged >= 1, "at {at}");
            let read = bytes.split_inclusive(|byte| *byte == b'\n').filter_map(Record::decode).count();
            // A line feed that changed makes one line of two.
            assert!(read >= records.len() - 2, "at {at}");
        }
    }

    #[test]
    fn what_is_no_record_is_counted_and_does_no_harm() {
        let hostile: [&[u8]; 6] = [
            b"\n",
            b"hello\n",
            b"0000000000000000 {}\n",
            b"ffffffffffffffff \xff\xff\n",
            b"cbf29ce484222325 \n",
            &[b'[', b'\n'].repeat(50_000),
        ];
        for bytes in hostile {
            let (kept, damaged) = Kept::read(bytes);
            assert_eq!(damaged, bytes.iter().filter(|byte| **byte == b'\n').count());
            assert_eq!(kept, Kept { was_here: true, ..Kept::default() });
        }
    }

    #[test]
    fn levels_have_a_bound_and_the_latest_stay() {
        let mut kept = Kept::default();
        for index in 0..=limits::KEPT_LEVELS_MAX {
            kept.apply(level(&format!("c{index}"), Some(Level::None)));
        }
        assert_eq!(kept.levels.len(), limits::KEPT_LEVELS_MAX);
        assert_eq!(kept.levels[0].0, Place::Channel(channel("c1")));
    }

    #[test]
    fn drafts_have_a_bound_and_the_latest_stay() {
        let mut kept = Kept::default();
        for index in 0..=limits::KEPT_DRAFTS_MAX {
            kept.apply(draft(&format!("c{index}"), "typed"));
        }
        assert_eq!(kept.drafts.len(), limits::KEPT_DRAFTS_MAX);
        kept.apply(draft("c1", "typed again"));
        let longest = "x".repeat(limits::COMPOSED_BYTES_MAX);
        for index in 0..limits::KEPT_DRAFTS_BYTES_MAX / longest.len() {
            kept.apply(draft(&format!("long{index}"), &longest));
        }
        let bytes: usize = kept.drafts.iter().map(|(_, draft)| draft.bytes()).sum();
        assert!(bytes <= limits::KEPT_DRAFTS_BYTES_MAX);
        assert!(kept.drafts.iter().any(|(_, draft)| draft.text == "typed again"));
        assert_eq!(Kept::read(&kept.write()), (kept, 0));
    }

    #[test]
    fn what_was_left_is_forgotten_and_so_is_the_channel_joined_longest_ago() {
        let mut kept = Kept::default();
        kept.apply(Record::Joined(channel("geral")));
        kept.apply(shown("geral", 3));
        kept.apply(Record::Left(channel("geral")));
        assert_eq!(kept, Kept { was_here: true, ..Kept::default() });
        for index in 0..=limits::KEPT_CHANNELS_MAX {
            kept.apply(Record::Joined(channel(&format!("c{index}"))));
            kept.apply(shown(&format!("c{index}"), 1));
        }
        assert_eq!(kept.channels.len(), limits::KEPT_CHANNELS_MAX);
        assert_eq!(kept.channels[0], channel("c1"));
        assert_eq!(kept.places.len(), limits::KEPT_CHANNELS_MAX);
    }
}
