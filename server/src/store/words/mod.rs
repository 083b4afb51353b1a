//! The words of texts: how a text is taken apart, what a question asks of it, how well it answers, and the part of it that is
//! shown. One way of taking apart serves index, question and answer, so that all three mean the same by a word. Knows
//! nothing of where texts and indexes lie.

mod query;
mod sight;
mod snippet;
mod token;

pub(super) use query::{Breadth, Query};
pub(super) use sight::Sight;
pub(super) use token::folded;
