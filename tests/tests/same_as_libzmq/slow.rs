//! The high-water mark: a subscriber that does not read gets a beginning and then loses runs of whole messages, and nobody else
//! loses anything. How much fits before that is the system's business, so this is a property of both and no comparison.

use recado_tests::limits::{PATIENCE, SOUNDING_WAIT};
use tokio::time::timeout;

use crate::{
    sides::Side,
    stage::changes,
    wire::{Heard, Wire, message, subscribe},
};

/// libzmq's mark, which is no option of its proxy.
const MARK_MESSAGES: u32 = 1000;

/// Less than the mark, so that whoever reads between two bursts loses nothing.
const BURST: u32 = 400;

/// With [`BODY_BYTES`], several times what systems buffer for a connection that is not read.
const MESSAGES: u32 = 40 * BURST;
const BODY_BYTES: usize = 4000;

fn numbered(number: u32) -> Vec<u8> {
    message(&[b"t", &number.to_be_bytes(), &vec![b'.'; BODY_BYTES]])
}

fn number(heard: Heard) -> u32 {
    let Heard::Message(frames) = heard else { panic!("{heard:?}") };
    assert!(frames.len() == 3 && frames[0] == b"t" && frames[2] == vec![b'.'; BODY_BYTES], "a whole message");
    u32::from_be_bytes(frames[1].as_slice().try_into().unwrap())
}

/// A subscriber whose subscriptions the publisher was told of.
async fn subscriber(side: &Side, publisher: &mut Wire, minor: u8, name: &str) -> Wire {
    let mut wire = Wire::connect(&side.subscribers, "SUB", minor).await;
    wire.send(&[subscribe(minor, b"t"), subscribe(minor, name.as_bytes())].concat()).await;
    while !changes(&publisher.hear().await).contains(&('+', name.as_bytes().to_vec())) {}
    wire
}

async fn check(side: &Side) {
    let mut publisher = Wire::connect(&side.publishers, "PUB", 1).await;
    let mut stalled = subscriber(side, &mut publisher, 1, "stalled").await;
    let mut others =
        [subscriber(side, &mut publisher, 0, "old").await, subscriber(side, &mut publisher, 1, "new").await];
    for first in (0..MESSAGES).step_by(BURST as usize) {
        publisher.send(&(first..first + BURST).flat_map(numbered).collect::<Vec<u8>>()).await;
        for other in &mut others {
            for expected in first..first + BURST {
                assert_eq!(number(other.hear().await), expected, "{}: others lose nothing", side.name);
            }
        }
    }
    // What comes after it caught up, it gets; that it has is only known when it does.
    let mut received = Vec::new();
    let mut sent = MESSAGES;
    let catching_up = async {
        while received.last().is_none_or(|last| *last < MESSAGES) {
            publisher.send(&numbered(sent)).await;
            sent += 1;
            while let Ok(heard) = timeout(SOUNDING_WAIT, stalled.wait()).await {
                received.push(number(heard));
            }
        }
    };
    timeout(PATIENCE, catching_up).await.unwrap_or_else(|_| panic!("{}: it never catches up", side.name));
    assert!(received.is_sorted_by(|a, b| a < b), "{}: in order", side.name);
    let beginning = (0..).zip(&received).take_while(|(expected, got)| expected == *got).count();
    assert!(beginning >= MARK_MESSAGES as usize, "{}: it got {beginning} before it lost any", side.name);
    let lost = MESSAGES as usize - received.iter().filter(|it| **it < MESSAGES).count();
    assert!(lost > 0, "{}: it was to lose some", side.name);

    publisher.send(&(sent..sent + BURST).flat_map(numbered).collect::<Vec<u8>>()).await;
    for expected in sent..sent + BURST {
        assert_eq!(number(stalled.hear().await), expected, "{}: all is well again", side.name);
    }
    for other in &mut others {
        for expected in MESSAGES..sent + BURST {
            assert_eq!(number(other.hear().await), expected, "{}: others lose nothing", side.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_read_loses_runs_and_the_others_nothing() {
    check(&Side::libzmq()).await;
    check(&Side::ours(&["--subscriber-queue-messages", &MARK_MESSAGES.to_string()])).await;
}
