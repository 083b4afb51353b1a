//! The protocol's messages from outside: what is taken, what is refused and how, and that documents and code agree.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod access;
mod corpus;
mod documents;
mod hostile;
mod notation;
mod pack;
mod publications;
mod random;
mod replies;
mod requests;
mod round_trips;
mod vectors;
