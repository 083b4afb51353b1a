//! The set of one subscriber's topics.

use recado_zmtp::codec::{TopicSet, TopicsFull};

fn set(topics: &[&str]) -> TopicSet {
    let mut set = TopicSet::new(100, 1000);
    for topic in topics {
        assert_eq!(set.insert(topic.as_bytes()), Ok(true));
    }
    set
}

/// In a small set and among many others, which are found in another way.
fn check(topics: &[&str], subject: &str, expect: bool) {
    let mut set = set(topics);
    assert_eq!(set.matches(subject.as_bytes()), expect, "{subject:?} among {topics:?}");
    for other in ["\x01", "abb", "ba", "bobz", "xyzz", "~"] {
        set.insert(other.as_bytes()).unwrap();
    }
    assert_eq!(set.matches(subject.as_bytes()), expect, "{subject:?} among {topics:?} and others");
}

#[test]
fn a_topic_matches_all_that_begins_with_it() {
    check(&[], "", false);
    check(&[""], "", true);
    check(&[""], "anything", true);
    check(&["bob"], "bob", true);
    check(&["bob"], "bobby", true);
    check(&["bob"], "bo", false);
    check(&["bob"], "bnb", false);
    // Others lie between the subject and its prefix in order.
    check(&["a", "ab1", "ab2", "abc0"], "abd", true);
    check(&["ab1", "ab2", "abc0"], "abd", false);
    check(&["a\0", "a"], "a", true);
    check(&["", "x", "xy", "xyy"], "xyz", true);
}

#[test]
fn subscribing_twice_and_cancelling_once_leaves_none() {
    let mut set = set(&["geral"]);
    assert_eq!(set.insert(b"geral"), Ok(false));
    assert!(set.remove(b"geral"));
    assert!(!set.remove(b"geral"));
    assert!(!set.matches(b"geral"));
    assert!(set.is_empty());
}

#[test]
fn number_and_bytes_are_bounded_and_given_back() {
    let mut set = TopicSet::new(2, 10);
    let full = Err(TopicsFull { topics_max: 2, bytes_max: 10 });
    assert_eq!(set.insert(b"12345678901"), full);
    assert_eq!(set.insert(b"12345"), Ok(true));
    assert_eq!(set.insert(b"123456"), full);
    assert_eq!(set.insert(b"123"), Ok(true));
    assert_eq!(set.insert(b"x"), full);
    assert_eq!(set.insert(b"123"), Ok(false), "what is there needs no room");
    assert!(set.remove(b"12345"));
    assert_eq!(set.insert(b"1234567"), Ok(true));
    assert_eq!(set.len(), 2);
}

#[test]
fn a_subject_of_megabytes_is_matched_without_depth() {
    let topic = vec![b'x'; 5_000_000];
    let mut set = TopicSet::new(10, usize::MAX);
    set.insert(&topic).unwrap();
    for other in ["x", "a", "b", "c", "d"] {
        set.insert(other.as_bytes()).unwrap();
    }
    assert!(set.matches(&topic[1..]));
    assert!(set.remove(b"x"));
    assert!(!set.matches(&topic[1..]));
}
