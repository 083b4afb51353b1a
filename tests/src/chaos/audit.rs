//! The books: what was sent, acknowledged, heard and stored, and where that does not fit. Knows nothing of sessions.

use std::collections::BTreeMap;

use recado_proto::{MessageId, Publication};

/// How many problems are told at most.
const PROBLEMS_MAX: usize = 20;

/// All topics' books.
#[derive(Debug)]
pub(super) struct Audit {
    topics: Vec<Topic>,
    problems: Vec<String>,
    problems_left_out: u64,
    heard: u64,
    repaired: u64,
}

#[derive(Debug)]
struct Topic {
    name: String,
    /// What was sent and is not through with.
    open: BTreeMap<MessageId, Sent>,
    /// The last place that each of those who listen heard.
    listeners: Vec<u64>,
    /// The last place that was compared with the store.
    compared: u64,
}

#[derive(Debug)]
struct Sent {
    text: String,
    acknowledged_at: Option<u64>,
    heard_by: Vec<bool>,
}

/// How a message was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Live,
    FromHistory,
}

impl Audit {
    /// Topics with so many listeners each.
    pub(super) fn new(topics: &[(String, usize)]) -> Audit {
        let topics = topics.iter().map(|(name, listeners)| Topic {
            name: name.clone(),
            open: BTreeMap::new(),
            listeners: vec![0; *listeners],
            compared: 0,
        });
        Audit { topics: topics.collect(), problems: Vec::new(), problems_left_out: 0, heard: 0, repaired: 0 }
    }

    pub(super) fn sends(&mut self, topic: usize, id: MessageId, text: String) {
        let heard_by = vec![false; self.topics[topic].listeners.len()];
        self.topics[topic].open.insert(id, Sent { text, acknowledged_at: None, heard_by });
    }

    pub(super) fn acknowledged(&mut self, topic: usize, id: MessageId, seq: Option<u64>) {
        let name = self.topics[topic].name.clone();
        let Some(seq) = seq else {
            return self.problem(format!("{id} in {name} was acknowledged without a place"));
        };
        match self.topics[topic].open.get_mut(&id).map(|sent| sent.acknowledged_at.replace(seq)) {
            Some(None) => {}
            Some(Some(before)) => {
                self.problem(format!(
                    "{id} in {name} was acknowledged at place {before}, and again at {seq}"
                ));
            }
            None => self.problem(format!("{id} in {name} was acknowledged and never sent")),
        }
    }

    pub(super) fn heard(&mut self, topic: usize, listener: usize, publication: &Publication, way: Way) {
        let books = &mut self.topics[topic];
        let who = format!("listener {listener} of {}", books.name);
        let (Some(seq), Some(id)) = (publication.seq, publication.id) else {
            return self.problem(format!("{who} heard a message without a place: {publication:?}"));
        };
        let expected = books.listeners[listener] + 1;
        let misfit = if seq < expected {
            Some(format!("{who} heard place {seq} again, after {}", expected - 1))
        } else if seq > expected {
            Some(format!("{who} heard place {seq}, and not {expected} before it"))
        } else {
            None
        };
        books.listeners[listener] = seq;
        let unknown = match books.open.get_mut(&id) {
            None => Some(format!("{who} heard {id} at place {seq}, which is not under way")),
            Some(sent) if sent.text != publication.message => {
                Some(format!("{who} heard {id} with another text: {:?}", publication.message))
            }
            Some(sent) => std::mem::replace(&mut sent.heard_by[listener], true)
                .then(|| format!("{who} heard {id} twice")),
        };
        self.heard += 1;
        self.repaired += u64::from(way == Way::FromHistory);
        misfit.into_iter().chain(unknown).for_each(|problem| self.problem(problem));
    }

    pub(super) fn problem(&mut self, problem: String) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(problem);
        } else {
            self.problems_left_out += 1;
        }
    }

    /// Everything that was sent is acknowledged, and heard by everybody.
    pub(super) fn is_at_rest(&self) -> bool {
        self.topics.iter().all(|topic| topic.open.values().all(Sent::is_through))
    }

    /// What somebody still waits for, once the waiting is over.
    pub(super) fn note_losses(&mut self) {
        let mut losses = Vec::new();
        for topic in &self.topics {
            for (id, sent) in topic.open.iter().filter(|(_, sent)| !sent.is_through()) {
                let deaf: Vec<_> =
                    (0..sent.heard_by.len()).filter(|listener| !sent.heard_by[*listener]).collect();
                losses.push(match sent.acknowledged_at {
                    Some(seq) => format!(
                        "{id} in {} was acknowledged at place {seq} and not heard by {deaf:?}",
                        topic.name
                    ),
                    None => format!("{id} in {} was never answered, and not heard by {deaf:?}", topic.name),
                });
            }
        }
        losses.into_iter().for_each(|loss| self.problem(loss));
    }

    /// After which place the store is to be read, for each topic.
    pub(super) fn compared(&self, topic: usize) -> u64 {
        self.topics[topic].compared
    }

    /// The next messages of a topic, as stored.
    pub(super) fn stored(&mut self, topic: usize, messages: &[Publication]) {
        for message in messages {
            let books = &mut self.topics[topic];
            let name = books.name.clone();
            let (Some(seq), Some(id)) = (message.seq, message.id) else {
                self.problem(format!("{name} has a message without a place: {message:?}"));
                continue;
            };
            let expected = books.compared + 1;
            books.compared = seq;
            // What is taken out here cannot be found a second time.
            let problem = match books.open.remove(&id) {
                None => {
                    Some(format!("{name} has {id} at place {seq}, which is stored twice or was never sent"))
                }
                Some(sent) if sent.text != message.message => {
                    Some(format!("{name} has {id} with another text"))
                }
                Some(sent) => {
                    sent.acknowledged_at.filter(|acknowledged| *acknowledged != seq).map(|acknowledged| {
                        format!("{name} has {id} at place {seq}, and it was acknowledged at {acknowledged}")
                    })
                }
            };
            problem.into_iter().for_each(|problem| self.problem(problem));
            if seq != expected {
                self.problem(format!("{name} has place {seq} where {expected} belongs"));
            }
        }
    }

    /// Closes a round: what is not stored is lost. How often something was heard, and how much of that came from history.
    pub(super) fn close(&mut self) -> Result<(u64, u64), Vec<String>> {
        let mut losses = Vec::new();
        for topic in &mut self.topics {
            let name = &topic.name;
            losses.extend(
                topic.open.keys().map(|id| format!("{id} in {name} was acknowledged and is not stored")),
            );
            topic.open.clear();
        }
        losses.into_iter().for_each(|loss| self.problem(loss));
        if self.problems_left_out > 0 {
            self.problems.push(format!("and {} problems more", self.problems_left_out));
        }
        if !self.problems.is_empty() {
            return Err(std::mem::take(&mut self.problems));
        }
        Ok((std::mem::take(&mut self.heard), std::mem::take(&mut self.repaired)))
    }
}

impl Sent {
    fn is_through(&self) -> bool {
        self.acknowledged_at.is_some() && self.heard_by.iter().all(|heard| *heard)
    }
}

#[cfg(test)]
mod tests {
    use recado_proto::{Manner, MessageId, Publication, PublicationBody, Timestamp, UserName};

    use super::{Audit, Way};

    fn id(number: u8) -> MessageId {
        MessageId::from_bytes([number; 16])
    }

    fn message(number: u8, seq: u64) -> Publication {
        Publication {
            topic: "geral".to_owned(),
            body: PublicationBody::Channel { user: UserName::parse("ana").expect("a name") },
            message: number.to_string(),
            timestamp: Timestamp::from_seconds(1),
            clock: None,
            id: Some(id(number)),
            seq: Some(seq),
            epoch: None,
            time_ms: None,
            kind: None,
            manner: Manner::default(),
            edited: false,
            deleted: false,
            acts: Vec::new(),
        }
    }

    /// One topic with two listeners, to which three messages were sent; they were acknowledged in their order.
    fn audit() -> Audit {
        let mut audit = Audit::new(&[("geral".to_owned(), 2)]);
        for number in 1..=3 {
            audit.sends(0, id(number), number.to_string());
            audit.acknowledged(0, id(number), Some(number.into()));
        }
        audit
    }

    fn hear(audit: &mut Audit, listener: usize, messages: &[(u8, u64)]) {
        for (number, seq) in messages {
            audit.heard(0, listener, &message(*number, *seq), Way::Live);
        }
    }

    fn store(audit: &mut Audit, messages: &[(u8, u64)]) {
        let messages: Vec<_> = messages.iter().map(|(number, seq)| message(*number, *seq)).collect();
        audit.stored(0, &messages);
    }

    const ALL: [(u8, u64); 3] = [(1, 1), (2, 2), (3, 3)];

    #[track_caller]
    fn check(audit: &mut Audit, says: &str) {
        audit.note_losses();
        let problems = audit.close().expect_err("something is wrong");
        assert!(problems.iter().any(|problem| problem.contains(says)), "{problems:#?}");
    }

    #[test]
    fn all_is_well() {
        let mut audit = audit();
        hear(&mut audit, 0, &ALL);
        assert!(!audit.is_at_rest());
        hear(&mut audit, 1, &ALL);
        assert!(audit.is_at_rest());
        store(&mut audit, &ALL);
        assert_eq!(audit.close(), Ok((6, 0)));
        assert_eq!(audit.compared(0), 3);
    }

    #[test]
    fn losses_are_named() {
        let mut one = audit();
        hear(&mut one, 0, &ALL);
        hear(&mut one, 1, &ALL[..2]);
        assert!(!one.is_at_rest());
        check(&mut one, "acknowledged at place 3 and not heard by [1]");
        let mut one = audit();
        hear(&mut one, 0, &[(1, 1), (3, 3)]);
        check(&mut one, "heard place 3, and not 2 before it");
        let mut one = audit();
        store(&mut one, &ALL[..2]);
        check(&mut one, "acknowledged and is not stored");
        let mut one = audit();
        one.sends(0, id(4), "4".to_owned());
        check(&mut one, "never answered");
    }

    #[test]
    fn repeats_are_named() {
        let mut one = audit();
        hear(&mut one, 0, &[(1, 1), (2, 2), (2, 2)]);
        check(&mut one, "heard place 2 again, after 2");
        let mut one = audit();
        hear(&mut one, 0, &[(1, 1), (1, 2)]);
        check(&mut one, "twice");
        let mut one = audit();
        store(&mut one, &[(1, 1), (2, 2), (3, 3), (3, 4)]);
        check(&mut one, "stored twice");
        let mut one = audit();
        one.acknowledged(0, id(1), Some(7));
        check(&mut one, "acknowledged at place 1, and again at 7");
    }

    #[test]
    fn what_is_in_a_wrong_place_is_named() {
        let mut one = audit();
        hear(&mut one, 0, &[(1, 1), (2, 2), (3, 3), (2, 2)]);
        check(&mut one, "heard place 2 again, after 3");
        let mut one = audit();
        store(&mut one, &[(1, 1), (2, 3)]);
        check(&mut one, "has place 3 where 2 belongs");
        let mut one = audit();
        store(&mut one, &[(2, 1)]);
        check(&mut one, "at place 1, and it was acknowledged at 2");
        let mut one = audit();
        hear(&mut one, 0, &[(9, 1)]);
        check(&mut one, "not under way");
    }
}
