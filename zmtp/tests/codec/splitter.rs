//! Splitting a stream into messages and commands.

use recado_zmtp::codec::{FrameError, Item, MessageLimits, MessageSpan, MessageSplitter};

use super::bytes_of::{command, frame, long_header};

const LIMITS: MessageLimits =
    MessageLimits { message_bytes_max: 10, message_frames_max: 3, command_bytes_max: 20 };

fn message(range: std::ops::Range<usize>, first: std::ops::Range<usize>, frames: usize) -> Item {
    Item::Message(MessageSpan { range, first, frames, interleaved: false })
}

#[test]
fn items_come_in_order_with_their_places() {
    let bytes = [frame(1, b"ab"), frame(0, b"c"), command("X", b""), frame(0, b"")].concat();
    let mut splitter = MessageSplitter::new(LIMITS);
    assert_eq!(splitter.next_item(&bytes), Ok(Some(message(0..7, 2..4, 2))));
    assert_eq!(splitter.taken(), 7);
    assert_eq!(splitter.next_item(&bytes), Ok(Some(Item::Command(9..11))));
    assert_eq!(splitter.next_item(&bytes), Ok(Some(message(11..13, 13..13, 1))));
    assert_eq!(splitter.next_item(&bytes), Ok(None));
    assert_eq!(splitter.taken(), bytes.len());
    assert_eq!(splitter.release(), bytes.len());
    assert_eq!(splitter.taken(), 0);
}

#[test]
fn an_unfinished_message_is_carried_over_a_release() {
    let mut buffer = [frame(0, b"first"), frame(1, b"to"), frame(1, b"p")].concat();
    let mut splitter = MessageSplitter::new(LIMITS);
    assert_eq!(splitter.next_item(&buffer), Ok(Some(message(0..7, 2..7, 1))));
    assert_eq!(splitter.next_item(&buffer), Ok(None));
    assert!(splitter.is_mid_message());
    buffer.drain(..splitter.release());
    buffer.extend_from_slice(&frame(0, b"ic"));
    assert_eq!(splitter.next_item(&buffer), Ok(Some(message(0..11, 2..4, 3))));
    assert!(!splitter.is_mid_message());
}

#[test]
fn a_command_within_a_message_comes_first_and_marks_it() {
    let bytes = [frame(1, b"a"), command("PING", b"\0\0"), frame(0, b"b")].concat();
    let mut splitter = MessageSplitter::new(LIMITS);
    assert_eq!(splitter.next_item(&bytes), Ok(Some(Item::Command(5..12))));
    assert_eq!(splitter.taken(), 0, "the message has begun before it");
    let span = MessageSpan { range: 0..bytes.len(), first: 2..3, frames: 2, interleaved: true };
    assert_eq!(splitter.next_item(&bytes), Ok(Some(Item::Message(span))));
}

#[test]
fn what_is_just_within_the_limits_is_taken() {
    let bytes = [frame(1, b"12345"), frame(1, b"12345"), frame(0, b""), command("X", &[0; 18])].concat();
    let mut splitter = MessageSplitter::new(LIMITS);
    assert!(matches!(splitter.next_item(&bytes), Ok(Some(Item::Message(_)))));
    assert!(matches!(splitter.next_item(&bytes), Ok(Some(Item::Command(_)))));
}

#[test]
fn what_passes_a_limit_is_refused_by_its_header() {
    let check = |bytes: &[u8], expect| {
        let mut splitter = MessageSplitter::new(LIMITS);
        assert_eq!(splitter.next_item(bytes), Err(expect), "{bytes:?}");
    };
    check(&[0, 11], FrameError::MessageTooLarge { max: 10 });
    check(&[&frame(1, b"123456")[..], &[0, 5]].concat(), FrameError::MessageTooLarge { max: 10 });
    check(&[1, 0, 1, 0, 1, 0, 0, 0], FrameError::TooManyFrames { max: 3 });
    check(&[4, 21], FrameError::CommandTooLarge { declared: 21, max: 20 });
    check(&long_header(2, 1 << 62), FrameError::MessageTooLarge { max: 10 });
}

#[test]
fn each_message_has_the_whole_limit_to_itself() {
    let bytes = [frame(1, b"1234567890"), frame(0, b"")].concat().repeat(100);
    let mut splitter = MessageSplitter::new(LIMITS);
    for count in 0..100 {
        let start = count * 14;
        assert_eq!(
            splitter.next_item(&bytes),
            Ok(Some(message(start..start + 14, start + 2..start + 12, 2)))
        );
    }
    assert_eq!(splitter.next_item(&bytes), Ok(None));
}
