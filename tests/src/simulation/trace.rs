//! What happened, in words, for whoever has to understand a seed that failed.

use std::fmt::{Arguments, Write};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::time::{Micros, SECOND};

/// Lines with their time and the topic that they are about. Nothing is written unless it is kept.
#[derive(Debug, Default)]
pub(super) struct Trace {
    kept: bool,
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    at: Micros,
    /// None: it is about everything.
    topic: Option<String>,
    text: String,
}

impl Trace {
    pub(super) fn new(kept: bool) -> Self {
        Self { kept, lines: Vec::new() }
    }

    pub(super) fn note(&mut self, at: Micros, topic: Option<&str>, text: Arguments<'_>) {
        if self.kept {
            self.lines.push(Line { at, topic: topic.map(str::to_owned), text: text.to_string() });
        }
    }

    /// A number that differs, as good as certainly, if anything happened otherwise.
    pub(super) fn hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for Line { at, text, .. } in &self.lines {
            (at, text).hash(&mut hasher);
        }
        hasher.finish()
    }

    /// The last `count` lines about this topic, and about everything.
    pub(super) fn about(&self, topic: Option<&str>, count: usize) -> String {
        let is_about =
            |line: &&Line| topic.is_none() || line.topic.is_none() || line.topic.as_deref() == topic;
        let lines: Vec<_> = self.lines.iter().filter(is_about).collect();
        let mut text = String::new();
        if lines.len() > count {
            let _ = writeln!(text, "  … {} earlier lines", lines.len() - count);
        }
        for Line { at, text: what, .. } in lines.iter().skip(lines.len().saturating_sub(count)) {
            let _ = writeln!(text, "  {:>4}.{:06} s  {what}", at / SECOND, at % SECOND);
        }
        text
    }
}
