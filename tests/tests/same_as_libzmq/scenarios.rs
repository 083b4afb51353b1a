//! Scenarios made by hand, one for each thing that a broker can get wrong.

use crate::{
    sides::Side,
    stage::{Op, Seen, Step, compare},
    wire::{cancel, frame, long_frame, message, subscribe},
};

pub(crate) fn publisher(who: &str, minor: u8) -> Op {
    Op::Publisher { who: who.to_owned(), minor }
}

pub(crate) fn subscriber(who: &str, minor: u8) -> Op {
    Op::Subscriber { who: who.to_owned(), minor }
}

pub(crate) fn send(who: &str, bytes: impl Into<Vec<u8>>) -> Op {
    Op::Send { who: who.to_owned(), bytes: bytes.into() }
}

fn begin(who: &str, bytes: impl Into<Vec<u8>>) -> Op {
    Op::Begin { who: who.to_owned(), bytes: bytes.into() }
}

fn close(who: &str) -> Op {
    Op::Close { who: who.to_owned() }
}

fn reset(who: &str) -> Op {
    Op::Reset { who: who.to_owned() }
}

/// Runs the scenario on both. So that no scenario passes because nothing happens, `expected` says what one peer sees of some
/// steps.
async fn check(scenario: &[Step], expected: &[(usize, &str, &[&str])]) {
    let seen = compare([&Side::libzmq(), &Side::ours(&[])], scenario).await;
    expect(&seen, expected);
}

fn expect(seen: &[Seen], expected: &[(usize, &str, &[&str])]) {
    for (step, who, lines) in expected {
        assert_eq!(seen[*step][*who], *lines, "what {who} sees of step {step}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_in_both_forms_of_both_versions() {
    let mut scenario = vec![vec![publisher("old", 0), publisher("new", 1)]];
    for (who, minor) in [("s0", 0), ("s1", 1)] {
        scenario.push(vec![subscriber(who, minor)]);
        for form in [0, 1] {
            let (a, b) = (format!("{who} a{form}"), format!("{who} b{form}"));
            scenario.extend([
                vec![send(who, subscribe(form, a.as_bytes()))],
                vec![send(who, [subscribe(form, b.as_bytes()), subscribe(form, b"both")].concat())],
                vec![send("old", message(&[a.as_bytes(), b"from old"]))],
                vec![send("new", message(&[b.as_bytes(), b"from new"]))],
                vec![send("new", message(&[b"both"]))],
                // In the other form than it was made.
                vec![send(who, cancel(1 - form, a.as_bytes()))],
                vec![send("old", [message(&[a.as_bytes()]), message(&[b.as_bytes()])].concat())],
            ]);
        }
    }
    check(
        &scenario,
        &[
            (2, "old", &["+s0 a0"]),
            (2, "new", &["+s0 a0"]),
            (3, "new", &["+both", "+s0 b0"]),
            (4, "s0", &["s0 a0 | from old"]),
            (7, "new", &["-s0 a0"]),
            (8, "s0", &["s0 b0"]),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_part_of_a_multipart_message_subscribes_or_cancels() {
    let check_form = async |minor: u8| {
        let scenario = [
            vec![publisher("p", minor), subscriber("s", minor)],
            vec![send("s", message(&[b"\x01a", b"\x01b", b"\x01", b"\x01ab"]))],
            vec![send("p", [message(&[b"a"]), message(&[b"z"])].concat())],
            vec![send("s", message(&[b"\x00", b"\x00a", b"\x01c"]))],
            vec![send("p", [message(&[b"a"]), message(&[b"abc"]), message(&[b"c"])].concat())],
            vec![send("s", message(&[b"\x01d", b"\x00d"]))],
            vec![send("p", message(&[b"d"]))],
        ];
        check(
            &scenario,
            &[
                (1, "p", &["+", "+a", "+ab", "+b"]),
                (2, "s", &["a", "z"]),
                (3, "p", &["+c", "-", "-a"]),
                (4, "s", &["abc", "c"]),
                (6, "s", &[]),
            ],
        )
        .await;
    };
    check_form(0).await;
    check_form(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn duplicates_and_cancels_of_what_nobody_has() {
    let mut scenario = vec![vec![publisher("p", 0), subscriber("a", 0), subscriber("b", 1)]];
    scenario.extend([
        vec![send("a", subscribe(0, b"t"))],
        vec![send("a", subscribe(0, b"t"))],
        vec![send("a", subscribe(1, b"t"))],
        vec![send("p", message(&[b"t", b"once"]))],
        vec![send("b", [subscribe(1, b"t"), subscribe(1, b"t")].concat())],
        vec![send("p", message(&[b"t", b"to both"]))],
        vec![send("a", cancel(0, b"t"))],
        vec![send("p", message(&[b"t", b"to b"]))],
        vec![send("b", cancel(1, b"t"))],
        vec![send("p", message(&[b"t", b"to nobody"]))],
        vec![send("b", [cancel(1, b"t"), cancel(0, b"never"), cancel(1, b"")].concat())],
        vec![send("b", subscribe(1, b"t"))],
        vec![send("p", message(&[b"t", b"again"]))],
    ]);
    check(
        &scenario,
        &[
            (1, "p", &["+t"]),
            (2, "p", &[]),
            (4, "a", &["t | once"]),
            (5, "p", &[]),
            (7, "p", &[]),
            (8, "a", &[]),
            (8, "b", &["t | to b"]),
            (9, "p", &["-t"]),
            (11, "p", &[]),
            (13, "b", &["t | again"]),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn prefixes_and_the_empty_topic() {
    let all = [
        &b""[..],
        b"\0",
        b"\x01",
        b"\x01a",
        b"a",
        b"ab",
        b"abc",
        b"abd",
        b"b",
        b"bob",
        b"bobby",
        &[b'x'; 300],
    ];
    let stream: Vec<u8> =
        all.iter().flat_map(|topic| [message(&[topic]), message(&[topic, b"."])]).flatten().collect();
    let mut scenario = vec![vec![publisher("p", 1)]];
    let wants: [&[&[u8]]; 6] =
        [&[b""], &[b"a"], &[b"ab", b"abc"], &[b"bob"], &[&[b'x'; 299], &[b'x'; 301]], &[b"\0", b"\x01a"]];
    let names = ["all", "a", "ab", "bob", "long", "bytes"];
    for (who, topics) in names.into_iter().zip(wants) {
        scenario.push(vec![subscriber(who, 1)]);
        for topic in topics {
            scenario.push(vec![send(who, subscribe(1, topic))]);
        }
        scenario.push(vec![send("p", stream.clone())]);
    }
    // The prefix goes and what is below it stays, and the other way round.
    for (who, topic) in [("ab", &b"ab"[..]), ("all", b""), ("ab", b"abc"), ("long", &[b'x'; 299])] {
        scenario.push(vec![send(who, cancel(1, topic))]);
        scenario.push(vec![send("p", stream.clone())]);
    }
    let last = scenario.len() - 7;
    check(
        &scenario,
        &[(last, "ab", &["abc", "abc | ."]), (last, "bob", &["bob", "bob | .", "bobby", "bobby | ."])],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_of_any_length_and_number() {
    let mut scenario = vec![vec![publisher("p", 1), subscriber("s", 0), subscriber("all", 1)]];
    scenario.push(vec![send("s", subscribe(0, b"t")), send("all", subscribe(1, b""))]);
    let sizes = [0, 1, 253, 254, 255, 256, 257, 8191, 8192, 65_535, 65_536, 65_537, 1 << 20];
    for size in sizes {
        let body: Vec<u8> = (0..size).map(|place: usize| (place % 251) as u8).collect();
        scenario.push(vec![send("p", message(&[b"t", &body]))]);
        scenario.push(vec![send("p", message(&[b"t", b"", &body, b"", &body]))]);
        scenario.push(vec![send("p", message(&[&[b"t", &body[..]].concat()]))]);
    }
    let empty: Vec<&[u8]> = [&b"t"[..]].into_iter().chain([&b""[..]; 200]).collect();
    scenario.push(vec![send("p", message(&empty))]);
    scenario.push(vec![send("p", message(&[b"", b"", b""]))]);
    // Lengths of eight bytes where one is enough.
    let long_form = [long_frame(1, b"t"), long_frame(1, b""), long_frame(0, b"short")].concat();
    scenario.push(vec![send("p", [&long_form[..], &message(&[b"t", b"after it"]), &long_form].concat())]);
    let last = scenario.len() - 1;
    let expected: &[&str] = &["t |  | short", "t | after it", "t |  | short"];
    check(
        &scenario,
        &[
            (2, "s", &["t | "]),
            (last, "s", expected),
            (last - 1, "s", &[]),
            (last - 1, "all", &[" |  | "]),
            (last, "all", expected),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn subscribers_that_vanish() {
    let mut scenario = vec![vec![publisher("p", 1), publisher("q", 0), subscriber("stays", 1)]];
    scenario.push(vec![send("stays", [subscribe(1, b"shared"), subscribe(1, b"sha")].concat())]);
    for (minor, end) in [(0, close as fn(&str) -> Op), (1, close), (0, reset), (1, reset)] {
        scenario.extend([
            vec![subscriber("goes", minor)],
            vec![send(
                "goes",
                [&b"shared"[..], b"own", b"ownership", b""].map(|it| subscribe(minor, it)).concat(),
            )],
            vec![send("p", [message(&[b"shared", b"1"]), message(&[b"own", b"2"])].concat())],
            vec![end("goes")],
            vec![send("q", [message(&[b"shared", b"3"]), message(&[b"own", b"4"])].concat())],
            // Within a message, and a command, that it never finishes.
            vec![subscriber("goes", minor)],
            vec![send("goes", subscribe(minor, b"half"))],
            vec![begin(
                "goes",
                [subscribe(minor, b"half and"), frame(1, b"\x01half"), b"\x04\x20\x09SUB".to_vec()].concat(),
            )],
            vec![end("goes")],
            vec![send("p", [message(&[b"half and"]), message(&[b"shared"])].concat())],
        ]);
    }
    check(
        &scenario,
        &[
            (4, "goes", &["shared | 1", "own | 2"]),
            (5, "p", &["-", "-own", "-ownership"]),
            (5, "q", &["-", "-own", "-ownership"]),
            (6, "stays", &["shared | 3"]),
            (11, "stays", &["shared"]),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn publishers_that_come_late_and_go_within_a_message() {
    let topics: Vec<Vec<u8>> =
        (0..200).map(|number| format!("{}/{number}", number % 7).into_bytes()).collect();
    let all: Vec<u8> = topics.iter().flat_map(|topic| subscribe(1, topic)).collect();
    let mut scenario = vec![
        vec![subscriber("s", 1)],
        vec![send("s", all)],
        vec![publisher("late", 0)],
        vec![send("s", [cancel(1, b"0/7"), subscribe(1, b"new")].concat())],
        vec![publisher("later", 1)],
        vec![send("later", message(&[b"new", b"hello"]))],
    ];
    for (minor, end) in [(0, close as fn(&str) -> Op), (1, close), (0, reset), (1, reset)] {
        scenario.extend([
            vec![publisher("brief", minor)],
            vec![send("brief", message(&[b"new", b"whole"]))],
            vec![begin("brief", [frame(1, b"new"), frame(1, b"part"), b"\x00\x09half".to_vec()].concat())],
            vec![end("brief")],
            vec![send("late", message(&[b"new", b"whole"]))],
        ]);
    }
    let late: Vec<String> = {
        let mut all: Vec<_> = topics.iter().map(|topic| format!("+{}", topic.escape_ascii())).collect();
        all.sort();
        all
    };
    let late: Vec<&str> = late.iter().map(String::as_str).collect();
    check(
        &scenario,
        &[
            (2, "late", &late),
            (3, "late", &["+new", "-0/7"]),
            (5, "s", &["new | hello"]),
            (7, "s", &["new | whole"]),
            (9, "s", &[]),
            (10, "s", &["new | whole"]),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_cut_anywhere_and_many_messages_at_once() {
    let subscriptions = [subscribe(1, b"ab"), message(&[b"\x01b", b"\x00ab"]), subscribe(0, b"a")].concat();
    let messages =
        [message(&[b"a", b"", b"x"]), long_frame(0, b"ab"), message(&[b"c"]), message(&[b"b", b"y"])]
            .concat();
    let mut scenario = vec![vec![publisher("p", 1), subscriber("cut", 1), subscriber("all", 0)]];
    scenario.push(vec![send("all", subscribe(0, b""))]);
    for cut in 1..subscriptions.len() {
        let (first, second) = subscriptions.split_at(cut);
        scenario.push(vec![begin("cut", first)]);
        scenario.push(vec![send("cut", second)]);
    }
    for cut in 1..messages.len() {
        let (first, second) = messages.split_at(cut);
        scenario.push(vec![begin("p", first)]);
        scenario.push(vec![send("p", second)]);
    }
    scenario.extend(messages.chunks(1).map(|byte| vec![begin("p", byte)]));
    scenario.push(vec![send("p", messages.repeat(100))]);
    let last = scenario.len() - 1;
    let lines = ["a |  | x", "ab", "b | y"].repeat(101);
    check(&scenario, &[(last, "cut", &lines)]).await;
}

/// A broker of libzmq's behind either, and the two with another between them.
#[tokio::test(flavor = "multi_thread")]
async fn brokers_in_a_row() {
    let scenario = [
        vec![publisher("p", 0), publisher("q", 1), subscriber("a", 1), subscriber("b", 0)],
        vec![send("a", [subscribe(1, b"t"), subscribe(1, b"t")].concat())],
        vec![send("b", message(&[b"\x01t", b"\x01tu"]))],
        vec![send("p", [message(&[b"t", b"", b"1"]), message(&[b"z"])].concat())],
        vec![send("q", message(&[b"tu", &[b'.'; 70_000]]))],
        vec![send("a", cancel(1, b"t"))],
        vec![send("p", message(&[b"t", b"2"]))],
        vec![publisher("late", 1)],
        vec![send("late", message(&[b"tu", b"3"]))],
        vec![subscriber("all", 0)],
        vec![send("all", subscribe(0, b""))],
        vec![send("late", [message(&[b""]), message(&[b"any", b"4"])].concat())],
        vec![reset("b")],
        vec![send("q", message(&[b"tu", b"5"]))],
        vec![close("all")],
        vec![send("q", message(&[b"tu", b"6"]))],
    ];
    let expected: &[(usize, &str, &[&str])] = &[
        (1, "q", &["+t"]),
        (2, "p", &["+tu"]),
        (3, "a", &["t |  | 1"]),
        (5, "p", &[]),
        (7, "late", &["+t", "+tu"]),
        (8, "b", &["tu | 3"]),
        (12, "q", &["-t", "-tu"]),
        (14, "late", &["-"]),
    ];
    let two = Side::libzmq().then_libzmq();
    let three = Side::libzmq().then(Side::libzmq());
    for (theirs, ours) in [
        (&two, Side::ours(&[]).then_libzmq()),
        (&three, Side::ours(&[]).then(Side::ours(&[]))),
        (&three, Side::libzmq().then(Side::ours(&[]))),
    ] {
        expect(&compare([theirs, &ours], &scenario).await, expected);
    }
}
