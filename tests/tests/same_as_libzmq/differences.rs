//! Where ours differs from libzmq's proxy on purpose. Each is seen of both, so that nobody has to believe it.

use crate::{
    scenarios::{publisher, send, subscriber},
    sides::Side,
    stage::{Step, changes, run},
    wire::{Heard, Wire, cancel, message, subscribe},
};

/// What `who` sees of the last step, on libzmq's side and on ours.
async fn last_seen(scenario: &[Step], who: &str) -> [Vec<String>; 2] {
    let [theirs, ours] = [Side::libzmq(), Side::ours(&[])];
    [run(&theirs, scenario).await, run(&ours, scenario).await].map(|mut seen| {
        let mut last = seen.pop().unwrap();
        last.remove(who).unwrap()
    })
}

/// libzmq tells publishers that a topic has ended when anybody cancels it who does not have it; a publisher that filters
/// then sends nothing more to those who do.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_by_one_without_the_subscription_is_no_news() {
    let scenario = [
        vec![publisher("p", 1), subscriber("has", 1), subscriber("has not", 1)],
        vec![send("has", subscribe(1, b"t"))],
        vec![send("has not", cancel(1, b"t"))],
    ];
    assert_eq!(last_seen(&scenario, "p").await, [vec!["-t".to_owned()], vec![]]);
}

/// libzmq's proxy hands what subscribers send on to every publisher. A PUB does nothing with it, and a broker that does the
/// same gives each subscriber a way to all publishers.
#[tokio::test(flavor = "multi_thread")]
async fn messages_of_subscribers_go_nowhere() {
    let scenario = [vec![publisher("p", 1), subscriber("s", 1)], vec![send("s", message(&[b"hello"]))]];
    let heard = Heard::Message(vec![b"hello".to_vec()]);
    assert_eq!(last_seen(&scenario, "p").await, [vec![format!("{heard:?}")], vec![]]);
}

/// RFC 37 wants commands; libzmq tells a publisher of 3.1 in that form only what was there before it connected.
#[tokio::test(flavor = "multi_thread")]
async fn publishers_of_3_1_are_told_in_commands() {
    for (side, expected) in [
        (Side::libzmq(), Heard::Message(vec![b"\x01new".to_vec()])),
        (Side::ours(&[]), Heard::Command(b"\x09SUBSCRIBEnew".to_vec())),
    ] {
        let mut subscriber = Wire::connect(&side.subscribers, "SUB", 1).await;
        subscriber.send(&subscribe(1, b"there")).await;
        let mut first = Wire::connect(&side.publishers, "PUB", 1).await;
        // When it hears of this one it is there, whatever came first.
        assert_eq!(changes(&first.hear().await), [('+', b"there".to_vec())]);
        subscriber.send(&subscribe(1, b"new")).await;
        assert_eq!(first.hear().await, expected, "{}", side.name);
        let mut late = Wire::connect(&side.publishers, "PUB", 1).await;
        for topic in ["new", "there"] {
            let command = format!("\x09SUBSCRIBE{topic}").into_bytes();
            assert_eq!(late.hear().await, Heard::Command(command), "{}", side.name);
        }
    }
}
