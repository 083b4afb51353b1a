//! Messages that name one, or have a word that one listens for: which they are, and the latest of them.

use std::collections::VecDeque;

use recado_proto::{MessageId, UserName};

use crate::limits;

use super::Chat;
use super::item::{Item, Message, Place};

/// The latest mentions that were heard or read, oldest first.
#[derive(Debug)]
pub(super) struct Mentions {
    /// What one listens for, folded.
    called: Vec<String>,
    heard: VecDeque<Message>,
    bytes: usize,
}

impl Mentions {
    pub(super) fn of(user: &UserName) -> Self {
        Self { called: vec![folded(user.as_str())], heard: VecDeque::new(), bytes: 0 }
    }

    /// A message of another is here, new or old.
    pub(super) fn hear(&mut self, message: &Message) {
        let lower = folded(&message.text);
        let is_called = || self.called.iter().any(|word| calls(&lower, word).next().is_some());
        if message.own || !is_called() || self.heard.iter().any(|known| known.id == message.id) {
            return;
        }
        let at = self.heard.partition_point(|known| known.time_ms <= message.time_ms);
        let mention = Message { earlier: true, current: false, acts: Vec::new(), ..message.clone() };
        self.bytes += mention.text.len();
        self.heard.insert(at, mention);
        while self.heard.len() > limits::MENTIONS_MAX || self.bytes > limits::MENTIONS_BYTES_MAX {
            let Some(oldest) = self.heard.pop_front() else { return };
            self.bytes -= oldest.text.len();
        }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Message> {
        self.heard.iter()
    }

    pub(super) fn deleted(&mut self, place: &Place, id: MessageId) {
        self.heard.retain(|known| known.place != *place || known.id != Some(id));
        self.bytes = self.heard.iter().map(|known| known.text.len()).sum();
    }
}

impl Chat {
    /// Words that count as one's name does.
    pub fn listen_for(&mut self, keywords: &[String]) {
        let words = keywords.iter().take(limits::KEYWORDS_MAX).map(|word| folded(word.trim()));
        self.mentions.called.extend(words.filter(|word| !word.is_empty()));
    }

    pub(super) fn show_mentions(&mut self) {
        let heard = self.mentions.all().cloned().collect();
        self.show(Item::Mentions(heard));
    }
}

/// The text in small letters as far as they take as many bytes, so that places in both are the same.
pub(crate) fn folded(text: &str) -> String {
    let mut lower = String::with_capacity(text.len());
    for character in text.chars() {
        let small = character.to_lowercase();
        if small.clone().map(char::len_utf8).sum::<usize>() == character.len_utf8() {
            lower.extend(small);
        } else {
            lower.push(character);
        }
    }
    lower
}

/// Where a word stands by itself; both as [`folded`] gives them.
pub(crate) fn calls<'t>(lower: &'t str, word: &'t str) -> impl Iterator<Item = (usize, usize)> + 't {
    let is_edge = |character: Option<char>| character.is_none_or(|character| !character.is_alphanumeric());
    let all = (!word.is_empty()).then(|| lower.match_indices(word)).into_iter().flatten();
    all.map(|(at, found)| (at, at + found.len())).filter(move |(at, end)| {
        is_edge(lower[..*at].chars().next_back()) && is_edge(lower[*end..].chars().next())
    })
}
