//! What the acts on a message come to. A set in, a state out: in whatever order and however often they arrived.

use std::collections::{BTreeMap, BTreeSet};

use recado_proto::{ActDone, ActKind, MessageId, Publication, UserName};

/// A message as it is by now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageState {
    /// Its text; empty once it is deleted.
    pub text: String,
    /// The text is not the first one any more.
    pub edited: bool,
    /// It was taken back.
    pub deleted: bool,
    /// Who put which emoji to it and did not take it back.
    pub reactions: BTreeMap<String, BTreeSet<UserName>>,
}

/// The acts on one message that are known, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acts(BTreeMap<(u64, u64, MessageId), ActDone>);

impl Acts {
    /// Adds an act. One that is known already is the same one, but an edit may have come without its text before.
    pub fn add(&mut self, act: ActDone) {
        let key = (act.time_ms, act.seq, act.id);
        match self.0.get_mut(&key) {
            Some(known) if known.message.is_empty() => known.message = act.message,
            Some(_) => {}
            None => drop(self.0.insert(key, act)),
        }
    }

    /// All of them, in the order in which they were done.
    pub fn iter(&self) -> impl Iterator<Item = &ActDone> {
        self.0.values()
    }

    /// What they make of a message that was sent with this text.
    pub fn fold(&self, text: &str) -> MessageState {
        let mut state = MessageState { text: text.to_owned(), ..MessageState::default() };
        for act in self.0.values() {
            match act.kind {
                ActKind::Edit => {
                    state.text.clone_from(&act.message);
                    state.edited = true;
                }
                ActKind::Delete => state.deleted = true,
                ActKind::React => {
                    state.reactions.entry(act.message.clone()).or_default().insert(act.user.clone());
                }
                ActKind::Unreact => {
                    if let Some(users) = state.reactions.get_mut(&act.message) {
                        users.remove(&act.user);
                    }
                }
                ActKind::Topic => {}
            }
        }
        state.reactions.retain(|_, users| !users.is_empty());
        if state.deleted {
            state.text.clear();
            state.reactions.clear();
        }
        state
    }
}

impl FromIterator<ActDone> for Acts {
    fn from_iter<I: IntoIterator<Item = ActDone>>(acts: I) -> Self {
        let mut all = Self::default();
        acts.into_iter().for_each(|act| all.add(act));
        all
    }
}

/// The act that was published, or stands in history at its own place, with the message that it is about. None for what is no
/// act on a message, or has no place.
pub fn act_of(publication: &Publication) -> Option<(MessageId, ActDone)> {
    let act = ActDone {
        kind: publication.kind?,
        user: publication.sender().clone(),
        message: publication.message.clone(),
        id: publication.id?,
        seq: publication.seq?,
        time_ms: publication.time_ms?,
    };
    Some((publication.manner.target?, act))
}

#[cfg(test)]
mod tests {
    use recado_proto::{ActDone, ActKind, MessageId};

    use super::Acts;

    fn act(number: u8, kind: ActKind, user: &str, message: &str) -> ActDone {
        let (user, id) = (user.parse().unwrap(), MessageId::from_bytes([number; 16]));
        let (seq, time_ms) = (number.into(), 1000 + u64::from(number) / 2);
        ActDone { kind, user, message: message.to_owned(), id, seq, time_ms }
    }

    fn some_acts() -> Vec<ActDone> {
        vec![
            act(1, ActKind::React, "bob", "👍"),
            act(2, ActKind::Edit, "ana", "second"),
            act(3, ActKind::React, "ana", "👍"),
            act(4, ActKind::Unreact, "bob", "👍"),
            act(5, ActKind::Edit, "ana", "third"),
            act(6, ActKind::React, "bob", "🎉"),
            act(7, ActKind::Unreact, "bob", "🎉"),
        ]
    }

    #[test]
    fn the_last_edit_and_the_reactions_that_stand_are_what_is_seen() {
        let state = some_acts().into_iter().collect::<Acts>().fold("first");
        assert_eq!((state.text.as_str(), state.edited, state.deleted), ("third", true, false));
        let reactions: Vec<_> =
            state.reactions.iter().map(|(emoji, users)| (emoji.as_str(), users.len())).collect();
        assert_eq!(reactions, [("👍", 1)]);
        assert!(state.reactions["👍"].contains("ana"));
    }

    #[test]
    fn neither_order_nor_repeats_change_what_comes_out() {
        let expect = some_acts().into_iter().collect::<Acts>().fold("first");
        let mut acts = some_acts();
        for _ in 0..acts.len() {
            acts.rotate_left(1);
            let mirrored = acts.iter().rev().cloned();
            let all: Acts = acts.iter().cloned().chain(mirrored).collect();
            assert_eq!(all.fold("first"), expect);
            assert_eq!(all.iter().count(), acts.len());
        }
    }

    #[test]
    fn a_deleted_message_has_neither_text_nor_reactions_whatever_follows() {
        let mut acts: Acts = some_acts().into_iter().collect();
        acts.add(act(8, ActKind::Delete, "ana", ""));
        acts.add(act(9, ActKind::Edit, "ana", "fourth"));
        let state = acts.fold("first");
        assert!(state.deleted && state.text.is_empty() && state.reactions.is_empty());
    }

    #[test]
    fn an_edit_that_history_gave_without_its_text_gets_it_from_the_publication() {
        let mut acts = Acts::default();
        acts.add(act(2, ActKind::Edit, "ana", ""));
        acts.add(act(2, ActKind::Edit, "ana", "second"));
        acts.add(act(2, ActKind::Edit, "ana", ""));
        assert_eq!(acts.fold("first").text, "second");
    }

    #[test]
    fn without_acts_a_message_is_as_it_was_sent() {
        let state = Acts::default().fold("first");
        assert_eq!((state.text.as_str(), state.edited, state.deleted), ("first", false, false));
    }
}
