//! What must hold for any bytes whatever: the bodies of the fuzz targets in `broker/fuzz`. The ordinary tests run the same
//! bodies over the committed corpus and over mutations of it. Each panics when its property does not hold.

mod asks;
mod guarded;
mod input;
mod last_values;
mod peers;
mod reference;
mod subscriptions;
mod verdict;
mod wire;
mod world;

use input::Input;

/// Publishers and subscribers whose bytes come in pieces of any size, well formed or not, past limits so small that short
/// inputs reach them, while subscribers take as much as they please, break and leave.
///
/// A plain model reads the same bytes and says what must come out: each subscriber gets, whole and in order, what it had
/// subscribed to when the message was read, and loses nothing but what the counters say; one that always has room loses
/// nothing at all. What publishers are told adds up to what is subscribed. Queues stay within their marks and one message,
/// and all that was charged is given back.
pub fn connection(data: &[u8]) {
    world::World::run(Input::new(data));
}

/// Subscriptions and topics of any length against a map that is searched from end to end: who wants what, who was first and
/// last, the order of topics, and which remembered answers may be used again.
pub fn trie(data: &[u8]) {
    subscriptions::Subscriptions::run(Input::new(data));
}

/// A secured broker: connections with a few keys, subscriptions, answers among the messages, and time, in any order. No message reaches a
/// connection that was not granted its topic where it stood in the stream, none that was granted is lost, and what publishers are told adds up.
pub fn gate(data: &[u8]) {
    guarded::answers(data);
    guarded::Guarded::run(Input::new(data));
}
