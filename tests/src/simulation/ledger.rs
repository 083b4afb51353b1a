//! What really happened, as somebody knows who sees everything: what was sent, committed, acknowledged and delivered. It judges each
//! step as it comes; what can only be judged at the end is in `verdict.rs`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

use recado_client::limits::RECENT_IDS_MAX;
use recado_proto::{Code, Epoch, MessageId, Publication};

use super::acts::What;
use super::time::Micros;

/// What must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// Each acknowledged message reaches each subscriber.
    Delivered,
    /// … once.
    Once,
    /// … in the topic's order.
    InOrder,
    /// … with the text that was sent, and nothing is delivered that nobody sent.
    AsSent,
    /// Nothing is said to be missing where everything is kept.
    NothingMissing,
    /// A changed epoch is said before anything of it is delivered, and nothing else is called one.
    EpochsTold,
    /// Each message is answered in the end.
    Answered,
    /// An acknowledgement's place is the store's.
    AnsweredPlace,
    /// The store has each message once, and `seq` runs from 1 without gaps.
    Stored,
    /// What comes after something has a greater clock.
    Cause,
    /// Nobody acts on what is not theirs to act on, and everybody else can.
    ActsAllowed,
    /// A message is what the acts on it make of it, in the store and at every subscriber.
    AsItIs,
    /// When nothing happens any more, nobody asks for anything.
    Settled,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Delivered => "every acknowledged message is delivered",
            Self::Once => "delivered once",
            Self::InOrder => "delivered in order",
            Self::AsSent => "delivered as it was sent",
            Self::NothingMissing => "nothing is missing",
            Self::EpochsTold => "changes of the epoch are told",
            Self::Answered => "everything is answered",
            Self::AnsweredPlace => "answered with its place",
            Self::Stored => "stored once, without gaps",
            Self::Cause => "clocks respect cause",
            Self::ActsAllowed => "who may act can, and nobody else",
            Self::AsItIs => "messages are what acts make of them",
            Self::Settled => "everything settles",
        })
    }
}

/// A rule that did not hold.
#[derive(Clone, Debug)]
pub struct Violation {
    /// The rule.
    pub rule: Rule,
    /// The topic that it concerns.
    pub topic: Option<String>,
    /// What was seen.
    pub seen: String,
    /// When, in microseconds.
    pub at_us: u64,
}

/// A message that somebody wants to send.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) client: usize,
    pub(super) topic: String,
    pub(super) what: What,
    pub(super) text: String,
    pub(super) id: MessageId,
    /// The least clock of its attempts.
    pub(super) clock: Option<u64>,
    pub(super) acknowledged: Option<(Epoch, u64)>,
    /// It is an act, and was refused for good.
    pub(super) refused: bool,
}

/// A message in the store.
#[derive(Clone, Debug)]
pub(super) struct Committed {
    pub(super) id: MessageId,
    pub(super) clock: u64,
}

/// A topic's messages by their places.
#[derive(Clone, Copy)]
struct Places<'a>(&'a [Committed]);

impl Places<'_> {
    fn at(&self, seq: u64) -> Option<&Committed> {
        self.0.get(usize::try_from(seq).ok()?.checked_sub(1)?)
    }

    /// Whether all between both places is known already: only after a change of the epoch is that anything.
    fn is_subset_of(&self, last: u64, seq: u64, known: &BTreeSet<MessageId>) -> bool {
        (last + 1..seq).all(|place| self.at(place).is_some_and(|it| known.contains(&it.id)))
    }
}

/// A topic that a client follows, from when its owner asked for it to when it left it. A client that resumes goes on with the same.
#[derive(Debug)]
pub(super) struct Following {
    pub(super) client: usize,
    pub(super) topic: String,
    /// Up to so many of the latest messages were asked for.
    backlog: u64,
    /// The delivery may begin no later than here, as soon as that is known.
    pub(super) owed: Option<u64>,
    pub(super) epoch: Option<Epoch>,
    /// The last place that was delivered in this epoch.
    pub(super) last: u64,
    first: u64,
    delivered: BTreeSet<MessageId>,
    /// The last of them that the process at hand delivered, as many as it remembers.
    lately: VecDeque<MessageId>,
    pub(super) is_over: bool,
    /// The epoch changed while it was followed.
    pub(super) restarted: bool,
}

#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) sent: Vec<Sent>,
    pub(super) by_id: BTreeMap<MessageId, usize>,
    /// By epoch and topic, from `seq` 1 on.
    topics: BTreeMap<(u64, String), Vec<Committed>>,
    /// How many of them there were when the epoch began.
    restored: BTreeMap<(u64, String), usize>,
    /// The oldest first.
    pub(super) epochs: Vec<Epoch>,
    pub(super) followings: Vec<Following>,
    pub(super) violation: Option<Violation>,
    pub(super) delivered: u64,
}

impl Ledger {
    /// Only the first counts: what follows may be its consequence.
    pub(super) fn broken(&mut self, at: Micros, rule: Rule, topic: Option<&str>, seen: String) {
        if self.violation.is_none() {
            self.violation = Some(Violation { rule, topic: topic.map(str::to_owned), seen, at_us: at });
        }
    }

    pub(super) fn epoch(&self) -> Option<Epoch> {
        self.epochs.last().copied()
    }

    /// Which of the store's epochs this is, for people.
    pub(super) fn epoch_number(&self, epoch: Epoch) -> String {
        match self.epochs.iter().position(|known| *known == epoch) {
            Some(index) => format!("epoch {}", index + 1),
            None => "an unknown epoch".to_owned(),
        }
    }

    pub(super) fn head(&self, topic: &str) -> u64 {
        let Some(epoch) = self.epoch() else { return 0 };
        self.topics.get(&(epoch.as_u64(), topic.to_owned())).map_or(0, |messages| messages.len() as u64)
    }

    /// What the store has at this place.
    pub(super) fn at(&self, epoch: Epoch, topic: &str, seq: u64) -> Option<MessageId> {
        let messages = self.topics.get(&(epoch.as_u64(), topic.to_owned()))?;
        Places(messages).at(seq).map(|message| message.id)
    }

    /// Whether a following lacks something of what its topic holds: what it had in an earlier epoch does not count.
    pub(super) fn lacks(&self, following: usize) -> Option<(u64, u64)> {
        let it = &self.followings[following];
        let head = self.head(&it.topic);
        let begin = if it.last > 0 { it.last + 1 } else { it.owed? };
        let messages = self.topics.get(&(self.epoch()?.as_u64(), it.topic.clone()))?;
        (!Places(messages).is_subset_of(begin - 1, head + 1, &it.delivered)).then_some((begin, head))
    }

    /// The message as people call it.
    pub(super) fn name(&self, id: Option<MessageId>) -> String {
        match id.and_then(|id| self.by_id.get(&id)) {
            Some(index) => format!("message {index}"),
            None => "an unknown message".to_owned(),
        }
    }

    /// A message became durable.
    pub(super) fn committed(&mut self, at: Micros, publication: &Publication) {
        let topic = publication.topic.as_str();
        let (Some(id), Some(seq), Some(epoch)) = (publication.id, publication.seq, publication.epoch) else {
            return self.broken(
                at,
                Rule::Stored,
                Some(topic),
                "a message without id, seq or epoch".to_owned(),
            );
        };
        let clock = publication.clock.unwrap_or(0);
        let sent = self.by_id.get(&id).map(|index| &self.sent[*index]);
        match sent {
            None => {
                let seen =
                    format!("{id}, which nobody sent, is stored at {seq}: {:?}", short(&publication.message));
                return self.broken(at, Rule::Stored, Some(topic), seen);
            }
            Some(sent) if sent.what.is_forbidden() => {
                let seen = format!("{} is stored, which is not the client's to do", self.name(Some(id)));
                return self.broken(at, Rule::ActsAllowed, Some(topic), seen);
            }
            Some(sent) if !sent.is_stored_as(publication) => {
                let seen = format!("{} is stored as another", self.name(Some(id)));
                return self.broken(at, Rule::Stored, Some(topic), seen);
            }
            Some(sent) if sent.clock.is_none_or(|asked| clock <= asked) => {
                let seen = format!(
                    "{} was sent at clock {:?} and published at {clock}",
                    self.name(Some(id)),
                    sent.clock
                );
                return self.broken(at, Rule::Cause, Some(topic), seen);
            }
            Some(_) => {}
        }
        let messages = self.topics.entry((epoch.as_u64(), topic.to_owned())).or_default();
        let problem = if messages.len() as u64 + 1 != seq {
            Some((Rule::Stored, format!("place {seq} follows place {}", messages.len())))
        } else if messages.iter().any(|message| message.id == id) {
            Some((Rule::Stored, format!("{id} is stored a second time, at {seq}")))
        } else if messages.last().is_some_and(|last| last.clock >= clock) {
            Some((
                Rule::Cause,
                format!("the clock of place {seq}, {clock}, is not greater than the one before"),
            ))
        } else {
            None
        };
        messages.push(Committed { id, clock });
        if let Some((rule, seen)) = problem {
            self.broken(at, rule, Some(topic), seen);
        }
    }

    /// A server started: this is what its store holds.
    pub(super) fn started(&mut self, epoch: Epoch, holds: &[Publication]) {
        let is_new = !self.epochs.contains(&epoch);
        self.topics.retain(|(of, _), _| *of != epoch.as_u64());
        for publication in holds {
            let id = publication.id.expect("the store gives every message an id");
            let clock = publication.clock.unwrap_or(0);
            let topic = self.topics.entry((epoch.as_u64(), publication.topic.clone())).or_default();
            topic.push(Committed { id, clock });
        }
        if is_new {
            self.epochs.push(epoch);
            let of_it = self.topics.iter().filter(|((of, _), _)| *of == epoch.as_u64());
            self.restored.extend(of_it.map(|(key, messages)| (key.clone(), messages.len())));
        }
    }

    /// Somebody begins to follow a topic, with up to so many of its latest messages.
    pub(super) fn follow(&mut self, client: usize, topic: &str, backlog: u32) -> usize {
        self.followings.push(Following {
            client,
            topic: topic.to_owned(),
            backlog: backlog.into(),
            owed: None,
            epoch: None,
            last: 0,
            first: 0,
            delivered: BTreeSet::new(),
            lately: VecDeque::new(),
            is_over: false,
            restarted: false,
        });
        self.followings.len() - 1
    }

    /// A process begins with it, at the place that its owner kept.
    pub(super) fn resumes(&mut self, following: usize) {
        self.followings[following].lately.clear();
    }

    /// It begins once more, as nothing is known of where it was.
    pub(super) fn begins_again(&mut self, following: usize) {
        let it = &mut self.followings[following];
        (it.owed, it.last, it.first) = (None, 0, 0);
    }

    /// Its owner was told that all that is published from now on arrives.
    pub(super) fn joined(&mut self, at: Micros, following: usize) {
        let head = self.head(&self.followings[following].topic);
        let it = &mut self.followings[following];
        // Whoever has not heard yet that the store is another one, joined the former.
        let is_of_now = it.epoch.is_none_or(|epoch| self.epochs.last() == Some(&epoch));
        if it.owed.is_some() || it.restarted || !is_of_now {
            return;
        }
        let owed = head.saturating_sub(it.backlog) + 1;
        it.owed = Some(owed);
        // Whatever is owed may also come after it.
        if it.first > owed {
            let seen =
                format!("client {}: joined at {head}, begins with {} instead of {owed}", it.client, it.first);
            let topic = it.topic.clone();
            self.broken(at, Rule::Delivered, Some(&topic), seen);
        }
    }

    /// A message was handed to its reader.
    pub(super) fn deliver(&mut self, at: Micros, following: usize, publication: &Publication) {
        self.delivered += 1;
        let topic = publication.topic.as_str();
        let (Some(id), Some(seq), Some(epoch)) = (publication.id, publication.seq, publication.epoch) else {
            return self.broken(
                at,
                Rule::AsSent,
                Some(topic),
                "delivered without id, seq or epoch".to_owned(),
            );
        };
        let name = self.name(Some(id));
        let Some(sent) = self.by_id.get(&id).map(|index| &self.sent[*index]) else {
            return self.broken(at, Rule::AsSent, Some(topic), format!("{id} at {seq} was never sent"));
        };
        if !sent.is_given_as(publication) {
            return self.broken(at, Rule::AsSent, Some(topic), format!("{name} is another than was sent"));
        }
        let in_store = self.topics.get(&(epoch.as_u64(), topic.to_owned())).map_or(&[][..], Vec::as_slice);
        let stored_before = Places(in_store);
        if stored_before.at(seq).is_none_or(|stored| stored.id != id) {
            let seen = format!("{name} was delivered at place {seq}, which it never had in the store");
            return self.broken(at, Rule::AsSent, Some(topic), seen);
        }
        let it = &mut self.followings[following];
        let who = it.client;
        let problem = if it.epoch.is_some_and(|known| known != epoch) {
            Some((Rule::EpochsTold, format!("client {who}: {name} is of an epoch that was not told")))
        } else if it.delivered.contains(&id) && !it.restarted {
            Some((Rule::Once, format!("client {who}: {name} at place {seq} was delivered before")))
        } else if it.last > 0 && (seq <= it.last || !stored_before.is_subset_of(it.last, seq, &it.delivered))
        {
            Some((Rule::InOrder, format!("client {who}: place {seq} ({name}) follows place {}", it.last)))
        } else if it.last == 0
            && it.owed.is_some_and(|owed| !stored_before.is_subset_of(owed - 1, seq, &it.delivered))
        {
            Some((
                Rule::Delivered,
                format!("client {who}: it begins with place {seq}, due was {:?}", it.owed),
            ))
        } else {
            None
        };
        if it.first == 0 {
            it.first = seq;
        }
        it.epoch = Some(epoch);
        it.last = seq;
        it.delivered.insert(id);
        if it.lately.len() == RECENT_IDS_MAX {
            it.lately.pop_front();
        }
        it.lately.push_back(id);
        if let Some((rule, seen)) = problem {
            self.broken(at, rule, Some(topic), seen);
        }
    }

    /// The owner was told that the places are counted anew.
    pub(super) fn epoch_changed(&mut self, at: Micros, following: usize, epoch: Epoch) {
        let is_known = self.epochs.contains(&epoch);
        let key = (epoch.as_u64(), self.followings[following].topic.clone());
        let in_store = self.topics.get(&key).map_or(&[][..], Vec::as_slice);
        // What this process delivered, and is still there, says where the new epoch begins.
        let lately = &self.followings[following].lately;
        let restored = in_store.len().min(self.restored.get(&key).copied().unwrap_or(0));
        let last_kept = in_store[..restored].iter().rposition(|message| lately.contains(&message.id));
        let it = &mut self.followings[following];
        if !is_known || it.epoch == Some(epoch) {
            let (topic, seen) =
                (it.topic.clone(), format!("client {}: a change to the epoch that it was", it.client));
            return self.broken(at, Rule::EpochsTold, Some(&topic), seen);
        }
        it.epoch = Some(epoch);
        // If there is nothing, what stands behind the old place was not seen in either epoch.
        let behind_old_place = if it.last > 0 { Some(it.last + 1) } else { it.owed };
        let owed = last_kept.map(|index| index as u64 + 2).or(behind_old_place);
        (it.last, it.restarted, it.owed) = (0, true, owed);
    }

    /// A page of history arrived: whoever knew nothing that is still there goes on from its end, at the latest.
    pub(super) fn page(&mut self, following: usize, epoch: Option<Epoch>, last_seq: u64) {
        let it = &mut self.followings[following];
        if it.restarted && it.epoch == epoch {
            it.owed.get_or_insert(last_seq + 1);
        }
    }

    /// A message was answered OK.
    pub(super) fn acknowledged(&mut self, at: Micros, sent: usize, place: Option<(Epoch, u64)>) {
        let topic = self.sent[sent].topic.clone();
        let Some((epoch, seq)) = place else {
            return self.broken(
                at,
                Rule::AnsweredPlace,
                Some(&topic),
                format!("message {sent} without a place"),
            );
        };
        let id = self.sent[sent].id;
        if self.at(epoch, &topic, seq) != Some(id) {
            let seen =
                format!("message {sent} was answered OK at place {seq}, where the store does not have it");
            self.broken(at, Rule::AnsweredPlace, Some(&topic), seen);
        }
        self.sent[sent].acknowledged = Some((epoch, seq));
    }

    /// An act was refused for good.
    pub(super) fn refused(&mut self, at: Micros, sent: usize, code: &Code) {
        let forbidden = self.sent[sent].what.is_forbidden();
        if *code == Code::Forbidden && !forbidden {
            let (topic, seen) = (self.sent[sent].topic.clone(), format!("message {sent} was refused"));
            self.broken(at, Rule::ActsAllowed, Some(&topic), seen);
        }
        self.sent[sent].refused = true;
    }
}

fn short(text: &str) -> &str {
    text.get(..40).unwrap_or(text)
}
