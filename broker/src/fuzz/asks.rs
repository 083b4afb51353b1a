//! What a subscriber's bytes ask for, as our own reader understands them and as the plain one does.

use recado_zmtp::codec::{Command, Frames, Item, Subscription};

use super::peers::Traffic;
use super::reference::{Meaning, Reference, Unit, meaning, meaning_of_frame};

/// What a subscriber asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ask {
    Subscribe(Vec<u8>),
    Cancel(Vec<u8>),
    Pong(Vec<u8>),
    End,
}

/// What our own reader understands.
pub(super) fn asks_of(traffic: &mut Traffic, bytes: &[u8]) -> Vec<Ask> {
    let Traffic { splitter, rest, .. } = traffic;
    rest.extend_from_slice(bytes);
    let mut asks = Vec::new();
    loop {
        match splitter.next_item(rest) {
            Ok(Some(Item::Command(body))) => match Command::decode(&rest[body]) {
                Ok(Command::Subscribe(topic)) => asks.push(Ask::Subscribe(topic.to_vec())),
                Ok(Command::Cancel(topic)) => asks.push(Ask::Cancel(topic.to_vec())),
                Ok(Command::Ping { context, .. }) => asks.push(Ask::Pong(context.to_vec())),
                Ok(Command::Ready(_) | Command::Pong { .. } | Command::Unknown { .. }) => {}
                Ok(Command::Error(_)) | Err(_) => {
                    asks.push(Ask::End);
                    return asks;
                }
            },
            Ok(Some(Item::Message(span))) => {
                for frame in Frames::new(&rest[span.range]).filter(|frame| !frame.command) {
                    match Subscription::of_message_frame(frame.body) {
                        Some(Subscription::Subscribe(topic)) => asks.push(Ask::Subscribe(topic.to_vec())),
                        Some(Subscription::Cancel(topic)) => asks.push(Ask::Cancel(topic.to_vec())),
                        None => {}
                    }
                }
            }
            Ok(None) => break,
            Err(_) => {
                asks.push(Ask::End);
                return asks;
            }
        }
    }
    rest.drain(..splitter.release());
    asks
}

/// What the plain reader understands.
pub(super) fn asked(reference: &mut Reference, bytes: &[u8]) -> Vec<Ask> {
    let mut asks = Vec::new();
    for unit in reference.feed(bytes) {
        let meanings = match unit {
            Unit::Command { body, .. } => vec![meaning(&body)],
            Unit::Message { frames, .. } => frames.iter().map(|body| meaning_of_frame(body)).collect(),
        };
        for meaning in meanings {
            asks.push(match meaning {
                Meaning::Subscribe(topic) => Ask::Subscribe(topic),
                Meaning::Cancel(topic) => Ask::Cancel(topic),
                Meaning::Ping(context) => Ask::Pong(context),
                Meaning::Nothing => continue,
                Meaning::End => Ask::End,
            });
            if asks.last() == Some(&Ask::End) {
                return asks;
            }
        }
    }
    if reference.is_faulty() {
        asks.push(Ask::End);
    }
    asks
}
