//! Acts: who may do what, what they make of messages, and that pages of messages pass over them.

use recado_proto::limits::ACTS_PER_MESSAGE_MAX;
use recado_proto::{
    Act, ActKind, HistoryOf, HistoryPage, HistoryRequest, Manner, MessageId, Place, Range, Style,
};

use super::{
    Fixture, channel, commit, create, direct, login, message, one, publish, random_id, refused, repeated,
    stored, user,
};
use crate::store::{Change, Destination, Entry, EntryKind, NewAct, NewMessage, Position, Store};

fn act_under(from: &str, to: Destination, act: Act, id: Option<MessageId>) -> Change {
    Change::Act(NewAct { from: user(from), to, act, id, timestamp: None, clock: 0, imported: None })
}

/// In the channel `a`.
fn act(from: &str, act: Act) -> Change {
    act_under(from, Destination::Channel(channel("a")), act, None)
}

fn edit(number: u8, text: &str) -> Act {
    Act::Edit { target: random_id(number), text: text.to_owned() }
}

fn delete(number: u8) -> Act {
    Act::Delete { target: random_id(number) }
}

fn react(number: u8, emoji: &str) -> Act {
    Act::React { target: random_id(number), emoji: emoji.to_owned() }
}

fn topic(text: &str) -> Act {
    Act::Topic { text: text.to_owned() }
}

fn say(number: u8) -> Change {
    publish("ana", "a", &format!("text {number}"), Some(random_id(number)))
}

fn page(store: &dyn Store, of: HistoryOf, range: Range, limit: u32, acts: bool) -> HistoryPage {
    let request = HistoryRequest { user: user("ana"), of, range, limit, acts };
    store.reader().unwrap().history(&request).unwrap().unwrap()
}

fn in_channel(store: &dyn Store, range: Range, limit: u32, acts: bool) -> HistoryPage {
    page(store, HistoryOf::Channel(channel("a")), range, limit, acts)
}

fn texts(page: &HistoryPage) -> Vec<&str> {
    page.messages.iter().map(|message| message.message.as_str()).collect()
}

/// Makes each check with all in the tail, with all in the index, and in a store that was opened anew.
fn in_each_state<F: Fixture>(changes: Vec<Change>, check: impl Fn(&dyn Store)) {
    let fixture = F::new();
    let mut store = fixture.open();
    commit(store.as_mut(), changes);
    check(store.as_ref());
    drop(store);
    let mut store = fixture.open();
    check(store.as_ref());
    store.tend().unwrap();
    check(store.as_ref());
    store.close().unwrap();
    check(fixture.open().as_ref());
}

pub(in crate::store) fn acts_change_what_history_says<F: Fixture>() {
    let changes = vec![
        create("a"),
        login("bob"),
        say(1),
        say(2),
        say(3),
        act("ana", edit(1, "better")),
        act("bob", react(2, "👍")),
        act("ana", edit(1, "best")),
        act("ana", delete(3)),
        act("bob", topic("all about a")),
    ];
    in_each_state::<F>(changes, |store| {
        let plain = in_channel(store, Range::Latest, 50, false);
        assert_eq!(texts(&plain), ["best", "text 2", ""]);
        let marks: Vec<_> = plain.messages.iter().map(|message| (message.edited, message.deleted)).collect();
        assert_eq!(marks, [(true, false), (false, false), (false, true)]);
        assert!(plain.messages.iter().all(|message| message.acts.is_empty() && message.kind.is_none()));
        assert_eq!((plain.last_seq, plain.topic), (Some(8), None));

        let all = in_channel(store, Range::Latest, 50, true);
        let seqs: Vec<_> = all.messages.iter().filter_map(|message| message.seq).collect();
        assert_eq!(seqs, [1, 2, 3, 4, 5, 6, 7, 8]);
        let kinds: Vec<_> = all.messages.iter().filter_map(|message| message.kind).collect();
        assert_eq!(kinds, [ActKind::Edit, ActKind::React, ActKind::Edit, ActKind::Delete, ActKind::Topic]);
        let acts: Vec<_> =
            all.messages[0].acts.iter().map(|act| (act.seq, act.kind, act.message.as_str())).collect();
        assert_eq!(acts, [(4, ActKind::Edit, ""), (6, ActKind::Edit, "best")]);
        assert_eq!(all.messages[1].acts[0].user, user("bob"));
        assert_eq!(all.messages[3].manner.target, Some(random_id(1)));
        assert_eq!(all.topic.unwrap().message, "all about a");
    });
}

pub(in crate::store) fn what_was_deleted_is_nowhere_in_history<F: Fixture>() {
    let changes = vec![
        create("a"),
        say(1),
        act("ana", edit(1, "secret")),
        act("ana", edit(1, "secrets")),
        act("ana", delete(1)),
    ];
    in_each_state::<F>(changes, |store| {
        let all = in_channel(store, Range::Latest, 50, true);
        assert_eq!(texts(&all), ["", "", "", ""]);
        assert!(all.messages[0].acts.iter().all(|act| act.message.is_empty()));
    });
}

pub(in crate::store) fn pages_of_messages_pass_over_acts<F: Fixture>() {
    let mut changes = vec![create("a"), say(1)];
    changes.extend((0..200).map(|_| act("bob", react(1, "👍"))));
    changes.push(say(2));
    changes.extend((0..200).map(|_| act("bob", react(2, "👍"))));
    changes.push(say(3));
    changes.extend((0..200).map(|_| act("bob", topic("x"))));
    in_each_state::<F>(changes, |store| {
        let check = |range, limit, expect: &[&str]| {
            assert_eq!(texts(&in_channel(store, range, limit, false)), expect, "{range:?}");
        };
        check(Range::Latest, 2, &["text 2", "text 3"]);
        check(Range::Before(Place::Id(random_id(3))), 1, &["text 2"]);
        check(Range::Before(Place::Seq(202)), 5, &["text 1"]);
        check(Range::After(Place::Seq(0)), 2, &["text 1", "text 2"]);
        check(Range::After(Place::Seq(150)), 1, &["text 2"]);
        check(Range::After(Place::Id(random_id(3))), 9, &[]);
        check(Range::Around(Place::Id(random_id(2))), 2, &["text 1", "text 3"]);
        check(Range::Between(Place::Seq(1), Place::Seq(500)), 9, &["text 2", "text 3"]);
        check(Range::Between(Place::Seq(500), Place::Seq(0)), 2, &["text 2", "text 3"]);
        assert_eq!(in_channel(store, Range::Latest, 50, true).messages.len(), 50);
    });
}

pub(in crate::store) fn direct_acts_go_to_the_other_user<F: Fixture>() {
    let (ana, bob) = (|| Destination::User(user("ana")), || Destination::User(user("bob")));
    let changes = vec![
        login("ana"),
        login("bob"),
        direct("ana", "bob", "oi", Some(random_id(1))),
        direct("bob", "ana", "oi, ana", Some(random_id(2))),
        act_under("bob", ana(), react(1, "👋"), None),
        act_under("bob", ana(), edit(2, "oi!"), None),
        act_under("ana", bob(), edit(1, "olá"), None),
    ];
    in_each_state::<F>(changes, |store| {
        let with = || HistoryOf::With(user("bob"));
        assert_eq!(texts(&page(store, with(), Range::Latest, 50, false)), ["olá", "oi!"]);
        assert_eq!(texts(&page(store, with(), Range::Latest, 1, false)), ["oi!"]);
        let all = page(store, with(), Range::Latest, 50, true);
        let places: Vec<_> =
            all.messages.iter().map(|message| (message.topic.as_str(), message.seq.unwrap())).collect();
        assert_eq!(places, [("bob", 1), ("ana", 1), ("ana", 2), ("ana", 3), ("bob", 2)]);
        assert_eq!(all.messages[0].acts.len(), 2);
        let received = page(store, HistoryOf::Received, Range::After(Place::Seq(0)), 50, true);
        assert_eq!(received.messages.len(), 3);
    });
}

pub(in crate::store) fn who_may_act_on_what<F: Fixture>() {
    let fixture = F::new();
    let mut store = fixture.open();
    let store = store.as_mut();
    let in_turn = vec![
        create("a"),
        create("b"),
        login("bob"),
        say(1),
        direct("ana", "bob", "oi", Some(random_id(2))),
        act_under("bob", Destination::Channel(channel("a")), react(1, "👍"), Some(random_id(3))),
    ];
    commit(store, in_turn);
    for _ in 0..2 {
        let mut check = |change, code: &str| {
            assert_eq!(refused(one(store, change)), code);
        };
        let to = |name: &str| Destination::Channel(channel(name));
        let to_user = |name: &str| Destination::User(user(name));
        check(act("bob", edit(1, "mine")), "forbidden");
        check(act("bob", delete(1)), "forbidden");
        check(act("ana", edit(9, "x")), "no_such_message");
        check(act("ana", react(3, "👍")), "no_such_message");
        check(act("ana", react(2, "👍")), "no_such_message");
        check(act_under("ana", to("b"), edit(1, "x"), None), "no_such_message");
        check(act_under("ana", to("c"), edit(1, "x"), None), "no_such_channel");
        check(act_under("ana", to_user("bob"), edit(1, "x"), None), "no_such_message");
        check(act_under("ana", to_user("eva"), edit(2, "x"), None), "no_such_user");
        check(act_under("eva", to_user("bob"), react(2, "👍"), None), "no_such_message");
        check(act_under("bob", to_user("ana"), edit(2, "x"), None), "forbidden");
        store.tend().unwrap();
    }
    assert_eq!(
        store.reader().unwrap().users().unwrap(),
        [user("ana"), user("bob")],
        "a refused act makes no user"
    );
    commit(store, vec![act("ana", delete(1)), act("ana", react(1, "👍"))]);
    for change in [edit(1, "x"), delete(1), react(1, "👍")] {
        assert_eq!(refused(one(store, act("ana", change))), "no_such_message");
    }
}

pub(in crate::store) fn acts_on_one_message_are_bounded<F: Fixture>() {
    let fixture = F::new();
    let mut store = fixture.open();
    let mut changes = vec![create("a"), say(1)];
    changes.extend((0..ACTS_PER_MESSAGE_MAX / 2).map(|_| act("ana", react(1, "👍"))));
    commit(store.as_mut(), changes);
    store.tend().unwrap();
    let changes = (0..ACTS_PER_MESSAGE_MAX / 2).map(|_| act("ana", react(1, "👍"))).collect();
    let mut outcomes = commit(store.as_mut(), changes).outcomes;
    stored(store.as_mut(), say(2));
    assert!(outcomes.iter().all(|outcome| matches!(outcome, crate::store::Outcome::Stored(_))));
    outcomes.clear();
    assert_eq!(refused(one(store.as_mut(), act("bob", react(1, "👍")))), "busy");
    assert_eq!(refused(one(store.as_mut(), act("ana", edit(1, "x")))), "busy");
    stored(store.as_mut(), act("bob", react(2, "👍")));
    stored(store.as_mut(), act("ana", delete(1)));
}

pub(in crate::store) fn a_repeated_act_is_stored_once<F: Fixture>() {
    let fixture = F::new();
    let mut store = fixture.open();
    commit(store.as_mut(), vec![create("a"), say(1)]);
    let to = || Destination::Channel(channel("a"));
    let again = || act_under("ana", to(), edit(1, "x"), Some(random_id(5)));
    let first = stored(store.as_mut(), again());
    let deletion = || act_under("ana", to(), delete(1), Some(random_id(6)));
    stored(store.as_mut(), deletion());
    for _ in 0..2 {
        assert_eq!(repeated(store.as_mut(), again()), first);
        assert_eq!(repeated(store.as_mut(), deletion()).seq, 3);
        let other = act_under("ana", to(), edit(1, "y"), Some(random_id(5)));
        assert_eq!(refused(one(store.as_mut(), other)), "id_reused");
        assert_eq!(refused(one(store.as_mut(), publish("ana", "a", "x", Some(random_id(5))))), "id_reused");
        assert_eq!(
            refused(one(store.as_mut(), act_under("ana", to(), edit(1, "x"), Some(random_id(1))))),
            "id_reused"
        );
        store.tend().unwrap();
    }
    let in_one_turn = act_under("ana", to(), topic("x"), Some(random_id(7)));
    let committed = commit(store.as_mut(), vec![in_one_turn.clone(), in_one_turn]);
    assert_eq!(committed.messages.len(), 1);
}

pub(in crate::store) fn what_a_message_says_of_itself_is_kept<F: Fixture>() {
    let manner = Manner { target: Some(random_id(9)), style: Some(Style::Me) };
    let to = Destination::Channel(channel("a"));
    let waving = NewMessage { manner, ..message("ana", to, "waves", Some(random_id(1))) };
    let changes = vec![create("a"), Change::Send(waving)];
    in_each_state::<F>(changes, |store| {
        assert_eq!(in_channel(store, Range::Latest, 1, false).messages[0].manner, manner);
    });
}

pub(in crate::store) fn acts_are_published_and_listed_in_their_places<F: Fixture>() {
    let changes = vec![create("a"), say(1), say(2), act("ana", edit(1, "new")), act("ana", delete(2))];
    in_each_state::<F>(changes, |store| {
        let mut reader = store.reader().unwrap();
        let published = reader.publications(Position(0), 100).unwrap().found;
        let kinds: Vec<_> = published.iter().map(|entry| (entry.seq, entry.act)).collect();
        assert_eq!(kinds, [(1, None), (2, None), (3, Some(ActKind::Edit)), (4, Some(ActKind::Delete))]);
        let heads = reader.heads(&[channel("a").into()], store.last_position()).unwrap();
        assert_eq!(heads[0].1, 4);
        // An export has what is there by now, as messages.
        let entries = reader.entries(EntryKind::ChannelMessages, Position(0), 100).unwrap().found;
        let [Entry::Message(message)] = entries.as_slice() else { panic!("{entries:?}") };
        assert_eq!(message.text, "new");
    });
}
