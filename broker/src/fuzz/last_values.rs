//! The plain model of last values, for the fuzz target `connection`.

use std::collections::BTreeSet;
use std::rc::Rc;

use crate::limits::LAST_VALUE_BYTES;

/// A topic and a message of it.
pub(super) type Topical = (Vec<u8>, Rc<[u8]>);

/// The newest message of each topic, the latest at the end.
pub(super) struct LastValues {
    newest: Vec<Topical>,
    bytes_max: Option<usize>,
}

impl LastValues {
    pub(super) fn new(bytes_max: Option<usize>) -> LastValues {
        LastValues { newest: Vec::new(), bytes_max }
    }

    pub(super) fn are_kept(&self) -> bool {
        self.bytes_max.is_some()
    }

    pub(super) fn keep_unless_newer(&mut self, newest: &Option<Topical>, next: &Option<Topical>) {
        if let Some((topic, message)) = newest
            && next.as_ref().is_none_or(|(next, _)| next != topic)
        {
            self.keep(topic, message);
        }
    }

    fn keep(&mut self, topic: &[u8], message: &Rc<[u8]>) {
        let Some(bytes_max) = self.bytes_max else { return };
        let cost = |topic: &[u8], message: &[u8]| LAST_VALUE_BYTES + topic.len() + message.len();
        self.newest.retain(|(other, _)| other != topic);
        if cost(topic, message) <= bytes_max {
            self.newest.push((topic.to_vec(), Rc::clone(message)));
        }
        while self.newest.iter().map(|(topic, message)| cost(topic, message)).sum::<usize>() > bytes_max {
            self.newest.remove(0);
        }
    }

    /// What one gets who subscribes to `prefix` beside `topics`, in the order of topics.
    pub(super) fn greetings(&self, prefix: &[u8], topics: &BTreeSet<Vec<u8>>) -> Vec<Rc<[u8]>> {
        let is_new =
            |topic: &[u8]| topic.starts_with(prefix) && !topics.iter().any(|it| topic.starts_with(it));
        let mut found: Vec<_> = self.newest.iter().filter(|(topic, _)| is_new(topic)).collect();
        found.sort();
        found.into_iter().map(|(_, message)| Rc::clone(message)).collect()
    }
}
