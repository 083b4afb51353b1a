//! `history`, against a model that filters a plain list.

use recado_proto::limits::{HISTORY_BYTES_MAX, MESSAGE_BYTES_MAX};
use recado_proto::{Code, HistoryOf, HistoryPage, HistoryRequest, MessageId, Place, Range};

use super::random::Random;
use super::{Fixture, channel, commit, create, direct, login, publish, random_id, stored, user};
use crate::store::{Reader, Store};

const USERS: [&str; 4] = ["ana", "bob", "caio", "dora"];
const CHANNELS: [&str; 3] = ["a", "b", "empty"];

/// A message as the model knows it. Its index in the model is the order of commits.
struct Known {
    topic: &'static str,
    from: &'static str,
    seq: u64,
    id: MessageId,
}

fn ask(
    reader: &mut dyn Reader,
    who: &str,
    of: HistoryOf,
    range: Range,
    limit: u32,
) -> Result<HistoryPage, String> {
    let request = HistoryRequest { user: user(who), of, range, limit, acts: false };
    reader.history(&request).unwrap().map_err(|refusal| refusal.code.as_str().to_owned())
}

pub(in crate::store) fn ranges_match_a_plain_model<F: Fixture>() {
    for seed in 1..=4 {
        let fixture = F::new();
        let mut random = Random::new(seed);
        let mut known = Vec::new();
        let mut store = fixture.open();
        commit(store.as_mut(), USERS.map(login).into_iter().chain(CHANNELS.map(create)).collect());
        for _ in 0..12 {
            for _ in 0..random.below(120) {
                send(store.as_mut(), &mut random, &mut known);
            }
            match random.below(4) {
                0 => store.tend().unwrap(),
                1 => {
                    drop(store);
                    store = fixture.open();
                }
                2 => {
                    store.close().unwrap();
                    store = fixture.open();
                }
                _ => {}
            }
            let mut reader = store.reader().unwrap();
            for _ in 0..60 {
                compare(reader.as_mut(), &mut random, &known, seed);
            }
        }
    }
}

fn send(store: &mut dyn Store, random: &mut Random, known: &mut Vec<Known>) {
    let from = *random.pick(&USERS);
    let (topic, is_channel) =
        if random.below(2) == 0 { (CHANNELS[random.below(2)], true) } else { (*random.pick(&USERS), false) };
    let id = (random.below(3) > 0).then(MessageId::new_v7);
    let change = if is_channel { publish(from, topic, "x", id) } else { direct(from, topic, "x", id) };
    let receipt = stored(store, change);
    known.push(Known { topic, from, seq: receipt.seq, id: receipt.id });
}

/// One random request, and what the model answers.
fn compare(reader: &mut dyn Reader, random: &mut Random, known: &[Known], seed: u64) {
    let who = *random.pick(&USERS);
    let other = *random.pick(&USERS);
    let topic = *random.pick(&CHANNELS);
    let (of, rows): (_, Vec<&Known>) = match random.below(3) {
        0 => (
            HistoryOf::Channel(channel(topic)),
            known.iter().filter(|message| message.topic == topic).collect(),
        ),
        1 => (HistoryOf::Received, known.iter().filter(|message| message.topic == who).collect()),
        _ => {
            let between = |message: &&Known| {
                (message.topic == who && message.from == other)
                    || (message.topic == other && message.from == who)
            };
            (HistoryOf::With(user(other)), known.iter().filter(between).collect())
        }
    };
    let by_id_alone = matches!(of, HistoryOf::With(_));
    let limit = random.below(70);
    let Some((range, expect)) = range(random, &rows, by_id_alone, limit) else { return };
    let page = ask(reader, who, of.clone(), range, u32::try_from(limit).unwrap()).unwrap();
    let found: Vec<_> = page.messages.iter().map(|message| message.id.unwrap()).collect();
    let expect: Vec<_> = expect.iter().map(|message| message.id).collect();
    assert_eq!(found, expect, "seed {seed}: {who} asked for {of:?} {range:?} limit {limit}");
    if by_id_alone {
        assert_eq!((page.first_seq, page.last_seq), (None, None));
    } else {
        assert_eq!((page.first_seq, page.last_seq), (Some(1), Some(rows.len() as u64)));
    }
}

/// A random range, and its messages out of all `rows`. `None` if there is no place to name.
fn range<'a>(
    random: &mut Random,
    rows: &[&'a Known],
    by_id_alone: bool,
    limit: usize,
) -> Option<(Range, Vec<&'a Known>)> {
    let mut place = || -> Option<(usize, Place)> {
        if by_id_alone || random.below(2) == 0 {
            let index = if rows.is_empty() { return None } else { random.below(rows.len()) };
            Some((index, Place::Id(rows[index].id)))
        } else {
            let index = random.below(rows.len() + 3);
            let seq = rows.get(index).map_or(index as u64 + 1, |message| message.seq);
            Some((index, Place::Seq(seq)))
        }
    };
    let (one, other) = (place(), place());
    let first = |rows: &[&'a Known]| rows[..limit.min(rows.len())].to_vec();
    let last = |rows: &[&'a Known], limit: usize| rows[rows.len() - limit.min(rows.len())..].to_vec();
    let before = |index: usize| &rows[..index.min(rows.len())];
    let after = |index: usize| &rows[(index + 1).min(rows.len())..];
    Some(match random.below(5) {
        0 => (Range::Latest, last(rows, limit)),
        1 => (Range::Before(one?.1), last(before(one?.0), limit)),
        2 => (Range::After(one?.1), first(after(one?.0))),
        3 => {
            let mut around = last(before(one?.0), limit / 2);
            around.extend(after(one?.0).iter().take(limit - limit / 2));
            (Range::Around(one?.1), around)
        }
        _ => {
            let (from, to) = (one?.0.min(other?.0), one?.0.max(other?.0));
            let between = &after(from)[..before(to).len().saturating_sub(from + 1)];
            let kept = if one?.0 <= other?.0 { first(between) } else { last(between, limit) };
            (Range::Between(one?.1, other?.1), kept)
        }
    })
}

pub(in crate::store) fn places_must_be_among_the_messages<F: Fixture>() {
    let fixture = F::new();
    let mut store = fixture.open();
    commit(store.as_mut(), vec![create("a"), create("b"), login("ana"), login("bob"), login("caio")]);
    let here = stored(store.as_mut(), publish("ana", "a", "x", None)).id;
    let to_bob = stored(store.as_mut(), direct("ana", "bob", "x", None)).id;
    for _ in 0..2 {
        let mut reader = store.reader().unwrap();
        let mut check = |who: &str, of: HistoryOf, place: Place, expect: Result<usize, Code>| {
            let found = ask(reader.as_mut(), who, of, Range::Around(place), 10);
            assert_eq!(
                found.map(|page| page.messages.len()),
                expect.map_err(|code| code.as_str().to_owned())
            );
        };
        check("ana", HistoryOf::Channel(channel("a")), Place::Id(here), Ok(0));
        check("ana", HistoryOf::Channel(channel("b")), Place::Id(here), Err(Code::BadPlace));
        check("ana", HistoryOf::Channel(channel("a")), Place::Id(to_bob), Err(Code::BadPlace));
        check("ana", HistoryOf::Channel(channel("a")), Place::Id(random_id(1)), Err(Code::BadPlace));
        check("bob", HistoryOf::Received, Place::Id(to_bob), Ok(0));
        check("ana", HistoryOf::Received, Place::Id(to_bob), Err(Code::BadPlace));
        check("bob", HistoryOf::With(user("ana")), Place::Id(to_bob), Ok(0));
        check("caio", HistoryOf::With(user("ana")), Place::Id(to_bob), Err(Code::BadPlace));
        check("bob", HistoryOf::With(user("ana")), Place::Id(here), Err(Code::BadPlace));
        check("bob", HistoryOf::With(user("ana")), Place::Seq(1), Err(Code::BadPlace));
        store.tend().unwrap();
    }
}

pub(in crate::store) fn unknown_names_are_refused<F: Fixture>() {
    let fixture = F::new();
    let mut store = fixture.open();
    commit(store.as_mut(), vec![create("a"), login("ana")]);
    let mut reader = store.reader().unwrap();
    let mut check = |who: &str, of: HistoryOf, expect: Result<(), Code>| {
        let found = ask(reader.as_mut(), who, of, Range::Latest, 10).map(drop);
        assert_eq!(found, expect.map_err(|code| code.as_str().to_owned()));
    };
    check("ana", HistoryOf::Channel(channel("nowhere")), Err(Code::NoSuchChannel));
    check("ana", HistoryOf::Channel(channel("ana")), Err(Code::NoSuchChannel));
    check("ana", HistoryOf::With(user("nobody")), Err(Code::NoSuchUser));
    check("nobody", HistoryOf::Received, Err(Code::NoSuchUser));
    // Whoever reads a channel need not be a user, and does not become one.
    check("nobody", HistoryOf::Channel(channel("a")), Ok(()));
    assert_eq!(reader.users().unwrap().len(), 1);
}

pub(in crate::store) fn a_page_is_bounded_in_bytes<F: Fixture>() {
    let fixture = F::new();
    let mut store = fixture.open();
    let text = "x".repeat(MESSAGE_BYTES_MAX);
    let changes = (0..40).map(|_| publish("ana", "a", &text, None));
    commit(store.as_mut(), std::iter::once(create("a")).chain(changes).collect());
    let mut reader = store.reader().unwrap();
    let mut seqs = |range| -> Vec<u64> {
        let page = ask(reader.as_mut(), "ana", HistoryOf::Channel(channel("a")), range, 1000).unwrap();
        assert!(page.messages.iter().map(|message| message.message.len()).sum::<usize>() < HISTORY_BYTES_MAX);
        page.messages.iter().map(|message| message.seq.unwrap()).collect()
    };
    assert_eq!(seqs(Range::Latest), (26..=40).collect::<Vec<_>>());
    assert_eq!(seqs(Range::After(Place::Seq(0))), (1..=15).collect::<Vec<_>>());
    assert_eq!(seqs(Range::Before(Place::Seq(20))), (5..=19).collect::<Vec<_>>());
}
