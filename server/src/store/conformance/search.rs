//! Search: what is found, in which order, by whom; that it is so however far the index has come.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use recado_proto::{
    Act, MATCH_BEGINS, MATCH_ENDS, MessageId, SearchIn, SearchPage, SearchRequest, Timestamp,
};

use super::random::Random;
use super::{Fixture, channel, commit, create, direct, login, message, publish, random_id, user};
use crate::store::{
    Change, Destination, Imported, Indexer, NewAct, NewMessage, Position, Refusal, SearchParts, Store,
};

fn ask(asker: &str, words: &str) -> SearchRequest {
    SearchRequest {
        user: user(asker),
        words: words.to_owned(),
        from: None,
        within: None,
        after: None,
        before: None,
        limit: 100,
    }
}

fn parts(store: &dyn Store) -> SearchParts {
    store.search().unwrap().expect("this store can be searched")
}

fn search(parts: &mut SearchParts, request: &SearchRequest) -> Result<SearchPage, Refusal> {
    let late = Instant::now() + Duration::from_secs(3600);
    parts.searcher.search(request, &|_| true, (late, late)).unwrap()
}

fn found(parts: &mut SearchParts, request: &SearchRequest) -> Vec<String> {
    let page = search(parts, request).unwrap();
    assert_eq!((page.partial, page.behind), (false, 0));
    page.found.into_iter().map(|found| found.message.message).collect()
}

/// Goes on until all is indexed, a few rows at a time.
fn follow_all(indexer: &mut dyn Indexer) {
    while indexer.follow(3).unwrap() < indexer.log_end() {}
}

/// Makes each check with nothing indexed, a part, and all of it; with the parts that indexed it, and with new ones.
fn in_each_state<F: Fixture>(changes: Vec<Change>, check: impl Fn(&mut SearchParts)) {
    let fixture = F::new();
    let mut store = fixture.open();
    commit(store.as_mut(), changes);
    let mut now = parts(store.as_ref());
    check(&mut now);
    now.indexer.follow(3).unwrap();
    check(&mut now);
    follow_all(now.indexer.as_mut());
    check(&mut now);
    store.tend().unwrap();
    check(&mut now);
    drop(now);
    store.close().unwrap();
    let store = fixture.open();
    let mut later = parts(store.as_ref());
    assert_eq!(later.indexer.follow(0).unwrap(), later.indexer.log_end(), "it was indexed already");
    check(&mut later);
}

fn act_in(from: &str, to: Destination, act: Act) -> Change {
    Change::Act(NewAct { from: user(from), to, act, id: None, timestamp: None, clock: 0, imported: None })
}

fn act(from: &str, act: Act) -> Change {
    act_in(from, Destination::Channel(channel("a")), act)
}

fn in_channel(name: &str) -> Option<SearchIn> {
    Some(SearchIn::Channel(channel(name)))
}

fn with(name: &str) -> Option<SearchIn> {
    Some(SearchIn::With(user(name)))
}

pub(in crate::store) fn messages_are_found_by_their_words<F: Fixture>() {
    let changes = vec![
        create("a"),
        publish("ana", "a", "A versão nova está no ar", None),
        publish("bob", "a", "versions of it", None),
        publish("bob", "a", "nothing, 東京 🎉", None),
    ];
    in_each_state::<F>(changes, |parts| {
        let mut check = |words: &str, expect: &[&str]| {
            assert_eq!(found(parts, &ask("ana", words)), expect, "{words:?}");
        };
        check("versao", &["A versão nova está no ar"]);
        check("VERS", &["versions of it", "A versão nova está no ar"]);
        check("\"vers\"", &[]);
        check("vers* nova", &["A versão nova está no ar"]);
        check("nova versao", &["A versão nova está no ar"]);
        check("\"nova versao\"", &[]);
        check("\"versao nova\"", &["A versão nova está no ar"]);
        check("京", &["nothing, 東京 🎉"]);
        check("🎉", &["nothing, 東京 🎉"]);
        check("nova of", &[]);
        let page = search(parts, &ask("ana", "nova est")).unwrap();
        let marked = format!("A versão {MATCH_BEGINS}nova{MATCH_ENDS} {MATCH_BEGINS}está{MATCH_ENDS} no ar");
        assert_eq!(page.found[0].snippet, marked);
        let message = &page.found[0].message;
        assert_eq!((message.topic.as_str(), message.seq, message.epoch), ("a", Some(1), page.epoch));
    });
}

pub(in crate::store) fn what_is_found_can_be_narrowed_down<F: Fixture>() {
    let at = |time_ms: u64, from: &str, to: Destination, text: &str| {
        let imported = Some(Imported { time_ms, revised: false });
        Change::Send(NewMessage { imported, ..message(from, to, text, None) })
    };
    let to_a = || Destination::Channel(channel("a"));
    let changes = vec![
        login("ana"),
        login("bob"),
        create("a"),
        create("b"),
        at(9_000, "ana", to_a(), "word one"),
        at(3_000, "bob", to_a(), "word two"),
        at(5_000, "bob", Destination::Channel(channel("b")), "word three"),
        at(4_999, "ana", Destination::User(user("bob")), "word four"),
        at(7_000, "bob", Destination::User(user("ana")), "word five"),
    ];
    in_each_state::<F>(changes, |parts| {
        let mut check = |request: SearchRequest, expect: &[&str]| {
            let mut texts = found(parts, &request);
            texts.sort();
            let mut expect: Vec<_> = expect.iter().map(|end| format!("word {end}")).collect();
            expect.sort();
            assert_eq!(texts, expect, "{request:?}");
        };
        let all = || ask("ana", "word");
        let time = |seconds| Some(Timestamp::from_seconds(seconds));
        check(all(), &["one", "two", "three", "four", "five"]);
        check(SearchRequest { from: Some(user("bob")), ..all() }, &["two", "three", "five"]);
        check(SearchRequest { within: in_channel("a"), ..all() }, &["one", "two"]);
        check(SearchRequest { within: in_channel("a"), from: Some(user("ana")), ..all() }, &["one"]);
        check(SearchRequest { within: with("bob"), ..all() }, &["four", "five"]);
        check(SearchRequest { within: with("bob"), from: Some(user("ana")), ..all() }, &["four"]);
        check(SearchRequest { after: time(5), ..all() }, &["one", "three", "five"]);
        check(SearchRequest { before: time(5), ..all() }, &["two", "four"]);
        check(SearchRequest { after: time(5), before: time(9), ..all() }, &["three", "five"]);
        check(SearchRequest { after: time(9), before: time(5), ..all() }, &[]);
        check(SearchRequest { before: time(-5), ..all() }, &[]);
        check(SearchRequest { after: time(99_999_999_999), ..all() }, &[]);
        assert_eq!(found(parts, &SearchRequest { limit: 2, ..all() }).len(), 2);
        assert_eq!(found(parts, &SearchRequest { limit: 0, ..all() }).len(), 0);
    });
}

pub(in crate::store) fn what_cannot_be_searched_is_refused<F: Fixture>() {
    in_each_state::<F>(vec![login("ana"), create("a")], |parts| {
        let mut check = |request: SearchRequest, code: &str| {
            let refusal = search(parts, &request).unwrap_err();
            assert_eq!(refusal.code.as_str(), code, "{request:?}: {}", refusal.description);
        };
        check(ask("ana", ""), "bad_request");
        check(ask("ana", " \"?!\" * "), "bad_request");
        check(ask("ana", &"x ".repeat(200)), "bad_request");
        check(ask("zoe", "x"), "no_such_user");
        check(ask("a", "x"), "no_such_user");
        check(SearchRequest { from: Some(user("zoe")), ..ask("ana", "x") }, "no_such_user");
        check(SearchRequest { within: with("zoe"), ..ask("ana", "x") }, "no_such_user");
        check(SearchRequest { within: in_channel("zoe"), ..ask("ana", "x") }, "no_such_channel");
    });
}

pub(in crate::store) fn an_edited_message_is_found_by_its_new_text_and_a_deleted_one_is_not<F: Fixture>() {
    let to = |name| Destination::User(user(name));
    let changes = vec![
        login("ana"),
        login("bob"),
        create("a"),
        publish("ana", "a", "apple pie", Some(random_id(1))),
        publish("ana", "a", "apple tree", Some(random_id(2))),
        direct("ana", "bob", "apple juice", Some(random_id(3))),
        direct("bob", "ana", "apple cake", Some(random_id(4))),
        act("bob", Act::React { target: random_id(1), emoji: "pear".into() }),
        act("ana", Act::Edit { target: random_id(1), text: "cherry".into() }),
        act("ana", Act::Edit { target: random_id(1), text: "cherry pie".into() }),
        act("ana", Act::Delete { target: random_id(2) }),
        act_in("ana", to("bob"), Act::Edit { target: random_id(3), text: "plum juice".into() }),
        act_in("bob", to("ana"), Act::Delete { target: random_id(4) }),
        act("ana", Act::Topic { text: "apple".into() }),
    ];
    in_each_state::<F>(changes, |parts| {
        let mut check = |asker: &str, words: &str, expect: &[&str]| {
            assert_eq!(found(parts, &ask(asker, words)), expect, "{words:?}");
        };
        check("ana", "apple", &[]);
        check("ana", "pear", &[]);
        check("ana", "cherry", &["cherry pie"]);
        check("bob", "plum", &["plum juice"]);
        check("ana", "juice", &["plum juice"]);
        check("bob", "cake", &[]);
    });
}

pub(in crate::store) fn acts_on_indexed_messages_are_seen_before_and_after_they_are_indexed<F: Fixture>() {
    let fixture = F::new();
    let mut store = fixture.open();
    let changes =
        (1..=9).map(|number| publish("ana", "a", &format!("old {number}"), Some(random_id(number))));
    commit(store.as_mut(), std::iter::once(create("a")).chain(changes).collect());
    let mut parts = parts(store.as_ref());
    follow_all(parts.indexer.as_mut());
    commit(
        store.as_mut(),
        vec![
            act("ana", Act::Edit { target: random_id(3), text: "new 3".into() }),
            act("ana", Act::Delete { target: random_id(4) }),
        ],
    );
    for _ in 0..2 {
        assert_eq!(found(&mut parts, &ask("ana", "new")), ["new 3"]);
        assert_eq!(found(&mut parts, &ask("ana", "old 3")), Vec::<String>::new());
        assert_eq!(found(&mut parts, &ask("ana", "old 4")), Vec::<String>::new());
        assert_eq!(found(&mut parts, &ask("ana", "old")).len(), 7);
        follow_all(parts.indexer.as_mut());
    }
}

pub(in crate::store) fn nobody_finds_what_others_wrote_to_each_other<F: Fixture>() {
    let people = ["ana", "bob", "eva", "leo"];
    let changes = people.iter().map(|name| login(name)).chain([create("a"), create("anax")]);
    let mut changes: Vec<_> = changes.collect();
    for from in people {
        for to in people {
            changes.push(direct(from, to, &format!("secret {from} {to} c d1 d2 d3 p1x2 t5"), None));
        }
    }
    // Texts that look like places in an index, and names that look like each other.
    changes.push(publish("leo", "anax", "secret open c d1 d2", None));
    in_each_state::<F>(changes, |parts| {
        for asker in people {
            let own =
                |text: &str| text.split(' ').skip(1).take(2).any(|name| name == asker || name == "open");
            for words in ["secret", "s", "c", "d1", "p1x2", "secret d2", "\"c d1\"", "secret c* d*"] {
                let texts = found(parts, &ask(asker, words));
                assert!(texts.iter().all(|text| own(text)), "{asker}, {words:?}: {texts:?}");
            }
            assert_eq!(found(parts, &ask(asker, "secret")).len(), 8, "{asker}: own ones, and the open one");
            for other in people {
                let request = SearchRequest { from: Some(user(other)), ..ask(asker, "secret d1") };
                let texts = found(parts, &request);
                assert!(texts.iter().all(|text| own(text)), "{asker} of {other}: {texts:?}");
                let request = SearchRequest { within: with(other), ..ask(asker, "secret") };
                let count = if asker == other { 1 } else { 2 };
                assert_eq!(found(parts, &request).len(), count, "{asker} with {other}");
            }
        }
    });
}

/// A message of the plain model.
struct Sent {
    from: &'static str,
    to: Result<&'static str, &'static str>,
    text: String,
    time_s: i64,
    id: MessageId,
    is_deleted: bool,
}

const PEOPLE: [&str; 4] = ["ana", "bob", "eva", "leo"];
const CHANNELS: [&str; 2] = ["a", "b"];
const WORDS: [&str; 12] =
    ["foo", "foods", "bar", "Bär", "baz", "barn", "barns", "東", "c", "d1", "OR", "foo-bar"];

fn some(random: &mut Random, names: &[&'static str]) -> &'static str {
    names[random.below(names.len())]
}

fn some_text(random: &mut Random) -> String {
    (0..random.below(5)).map(|_| some(random, &WORDS)).collect::<Vec<_>>().join(" ")
}

fn some_change(random: &mut Random, sent: &mut Vec<Sent>, number: u32) -> Change {
    let text = some_text(random);
    let old = if sent.is_empty() { None } else { Some(random.below(sent.len())) };
    let kind = random.below(10);
    if let (0 | 1, Some(old)) = (kind, old.filter(|old| !sent[*old].is_deleted)) {
        let Sent { from, to, id: target, .. } = sent[old];
        let to =
            to.map_or_else(|name| Destination::User(user(name)), |name| Destination::Channel(channel(name)));
        let act = if kind == 0 {
            sent[old].text.clone_from(&text);
            Act::Edit { target, text }
        } else {
            sent[old].is_deleted = true;
            Act::Delete { target }
        };
        return act_in(from, to, act);
    }
    let (from, time_s) = (some(random, &PEOPLE), random.below(20) as i64);
    let to = if random.below(2) == 0 { Ok(some(random, &CHANNELS)) } else { Err(some(random, &PEOPLE)) };
    let [a, b, c, d] = number.to_be_bytes();
    let id = MessageId::from_bytes([a, b, c, d, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0, 1]);
    let destination =
        to.map_or_else(|name| Destination::User(user(name)), |name| Destination::Channel(channel(name)));
    let imported = Some(Imported { time_ms: time_s as u64 * 1000, revised: false });
    let change = Change::Send(NewMessage { imported, ..message(from, destination, &text, Some(id)) });
    sent.push(Sent { from, to, text, time_s, id, is_deleted: false });
    change
}

fn some_question(random: &mut Random) -> SearchRequest {
    let words: Vec<_> = (0..=random.below(2))
        .map(|_| some(random, &["foo", "food", "bar", "barn", "東", "or", "c"]))
        .collect();
    let within = match random.below(3) {
        0 => None,
        1 => in_channel(some(random, &CHANNELS)),
        _ => with(some(random, &PEOPLE)),
    };
    let time = |random: &mut Random| {
        (random.below(3) == 0).then(|| Timestamp::from_seconds(random.below(20) as i64))
    };
    SearchRequest {
        from: (random.below(3) == 0).then(|| user(some(random, &PEOPLE))),
        within,
        after: time(random),
        before: time(random),
        ..ask(some(random, &PEOPLE), &words.join(" "))
    }
}

/// What is found if all is looked at, one by one.
fn expected(sent: &[Sent], request: &SearchRequest) -> BTreeSet<MessageId> {
    let asker = request.user.as_str();
    let words: Vec<_> = request.words.split(' ').collect();
    let fits = |sent: &&Sent| {
        let text = sent.text.to_lowercase().replace('ä', "a");
        let in_text: Vec<_> = text.split([' ', '-']).collect();
        let has_words = words.iter().enumerate().all(|(index, word)| {
            let is_last = index + 1 == words.len();
            in_text.iter().any(|other| other == word || (is_last && other.starts_with(word)))
        });
        let may_see = sent.to.is_ok() || sent.from == asker || sent.to == Err(asker);
        let is_within = match &request.within {
            None => true,
            Some(SearchIn::Channel(channel)) => sent.to == Ok(channel.as_str()),
            Some(SearchIn::With(other)) => {
                let other = other.as_str();
                (sent.from == asker && sent.to == Err(other)) || (sent.from == other && sent.to == Err(asker))
            }
        };
        let is_from = request.from.as_ref().is_none_or(|from| from.as_str() == sent.from);
        let is_when = request.after.is_none_or(|after| after.as_seconds() <= sent.time_s)
            && request.before.is_none_or(|before| sent.time_s < before.as_seconds());
        !sent.is_deleted && has_words && may_see && is_within && is_from && is_when
    };
    sent.iter().filter(fits).map(|sent| sent.id).collect()
}

pub(in crate::store) fn searches_match_a_plain_model<F: Fixture>() {
    for seed in 0..12 {
        let mut random = Random::new(seed);
        let fixture = F::new();
        let mut store = fixture.open();
        let mut sent = Vec::new();
        commit(store.as_mut(), PEOPLE.map(login).into_iter().chain(CHANNELS.map(create)).collect());
        let mut parts = parts(store.as_ref());
        let mut number = 0;
        for round in 0..12 {
            let changes: Vec<_> = (0..random.below(40))
                .map(|_| {
                    number += 1;
                    some_change(&mut random, &mut sent, number)
                })
                .collect();
            commit(store.as_mut(), changes);
            if random.below(3) == 0 {
                store.tend().unwrap();
            }
            if random.below(2) == 0 {
                parts.indexer.follow(random.below(60)).unwrap();
            }
            if random.below(6) == 0 {
                parts = self::parts(store.as_ref());
            }
            for _ in 0..12 {
                let request = some_question(&mut random);
                let page = search(&mut parts, &request).unwrap();
                let found: BTreeSet<_> = page.found.iter().filter_map(|found| found.message.id).collect();
                assert_eq!(found, expected(&sent, &request), "seed {seed}, round {round}: {request:?}");
            }
        }
    }
}

pub(in crate::store) fn a_long_beginning_is_found_behind_very_many_that_begin_nearly_so<F: Fixture>() {
    let fixture = F::new();
    let mut store = fixture.open();
    let old = ["barnacle", "barn", "a barnyard"].map(|text| publish("ana", "a", text, None));
    let many = crate::limits::SEARCH_RANKED_MAX + 50;
    let new = (0..many).map(|_| publish("ana", "a", "bar", None));
    commit(store.as_mut(), std::iter::once(create("a")).chain(old).chain(new).collect());
    let mut parts = parts(store.as_ref());
    for _ in 0..2 {
        assert_eq!(found(&mut parts, &ask("ana", "barna")), ["barnacle"]);
        assert_eq!(found(&mut parts, &ask("ana", "barn")), ["barn", "barnacle", "a barnyard"]);
        assert_eq!(found(&mut parts, &ask("ana", "bar")).len(), 100);
        while parts.indexer.follow(100).unwrap() < parts.indexer.log_end() {}
    }
}

pub(in crate::store) fn what_is_too_far_behind_is_left_out_and_counted<F: Fixture>() {
    let fixture = F::new();
    let mut store = fixture.open();
    commit(store.as_mut(), vec![create("a"), publish("ana", "a", "first word", None)]);
    let mut parts = parts(store.as_ref());
    follow_all(parts.indexer.as_mut());
    let many = crate::limits::SEARCH_UNINDEXED_ROWS_MAX + 1;
    commit(store.as_mut(), (0..many).map(|_| publish("ana", "a", "later word", None)).collect());
    let page = search(&mut parts, &ask("ana", "word")).unwrap();
    assert_eq!((page.found.len(), page.behind), (1, many as u64));
    parts.indexer.follow(1).unwrap();
    let page = search(&mut parts, &ask("ana", "word")).unwrap();
    assert_eq!((page.found.len(), page.behind), (100, 0));
}

pub(in crate::store) fn without_time_a_search_answers_with_what_it_has<F: Fixture>() {
    let fixture = F::new();
    let mut store = fixture.open();
    let texts = (0..300).map(|number| publish("ana", "a", &format!("word {number}"), None));
    commit(store.as_mut(), std::iter::once(create("a")).chain(texts).collect());
    let mut parts = parts(store.as_ref());
    while parts.indexer.follow(100).unwrap() < parts.indexer.log_end() {}
    let over = Instant::now();
    let page = parts.searcher.search(&ask("ana", "word"), &|_| true, (over, over)).unwrap().unwrap();
    assert!(page.partial, "{} found", page.found.len());
    let late = over + Duration::from_secs(3600);
    let page = parts.searcher.search(&ask("ana", "word"), &|_| true, (late, over)).unwrap().unwrap();
    assert!(page.partial);
    assert_eq!(page.found.len(), 100, "as many as were asked for are looked at whatever it costs");
    assert_eq!(Position(302), parts.indexer.log_end());
}
