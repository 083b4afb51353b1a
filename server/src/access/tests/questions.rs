//! What users may hear and ask.

use recado_proto::{
    Device, DeviceLabel, HistoryOf, HistoryRequest, Manner, Password, Presence, Range, ReadMark, ReadOf,
    RequestBody, Role, SearchIn, SearchRequest, SyncTopic, TypingIn,
};

use super::{World, by, channel, code, key, mute, user};
use crate::access::{AccessAct, Actor, Administration, Names, PasswordHash, Prepared};
use crate::limits::{CODE_SECONDS_MAX, DEVICE_CODE_SECONDS_DEFAULT, INVITATION_SECONDS_DEFAULT};
use crate::store::NameOf;

/// With the public channel `geral`, the private `segredo` of cid's, and the bot robo.
fn world() -> World {
    let mut world = World::new();
    world.member("cid", 3);
    world.user("robo", 4, Role::Bot);
    world.channel("ana", "geral", false);
    world.channel("cid", "segredo", true);
    world
}

#[test]
fn topics_are_heard_whole_and_by_those_who_may() {
    let world = world();
    let check = |who: &str, topic: &str, expect: bool| {
        let may = world.access.may_hear(&user(who), topic.as_bytes(), &|name| world.name_of(name));
        assert_eq!(may, expect, "{who} {topic:?}");
    };
    for prefix in ["", "_acts.", "_heads.", "_typing."] {
        check("bob", &format!("{prefix}geral"), true);
        check("robo", &format!("{prefix}geral"), true);
        check("bob", &format!("{prefix}bob"), true);
        for nothing in
            ["ana", "segredo", "segred", "segredo ", "nowhere", "", " geral", "gera", "geral.", "_x"]
        {
            check("bob", &format!("{prefix}{nothing}"), false);
        }
        check("cid", &format!("{prefix}segredo"), true);
        // One who looks after users does not read along.
        check("ana", &format!("{prefix}segredo"), false);
        check("nobody", &format!("{prefix}geral"), false);
        check("nobody", &format!("{prefix}nobody"), false);
    }
    for prefix in ["_marks.", "_sent."] {
        check("bob", &format!("{prefix}bob"), true);
        for nothing in ["ana", "geral", "bo", "bobo", ""] {
            check("bob", &format!("{prefix}{nothing}"), false);
        }
    }
    check("bob", "_here", true);
    check("nobody", "_here", false);
    for nothing in ["_her", "_here.", "_", "_may.", "_acts._acts.geral", "_sync.", "_marks"] {
        check("bob", nothing, false);
    }
    check("bob", "_sync.0123456789abcdef", true);
    check("bob", "_sync.0123456789abcde", false);
    check("bob", &format!("_sync.{}", "x".repeat(59)), false);
    check("nobody", "_sync.0123456789abcdef", false);
    assert!(!world.access.may_hear(&user("bob"), b"\xff", &|name| world.name_of(name)));
}

fn requests(who: &str, to: &str) -> Vec<RequestBody> {
    let (user, channel) = (user(who), channel(to));
    let (message, manner) = ("oi".to_owned(), Manner::default());
    let history = HistoryRequest {
        user: user.clone(),
        of: HistoryOf::Channel(channel.clone()),
        range: Range::Latest,
        limit: 1,
        acts: false,
    };
    let search = SearchRequest {
        user: user.clone(),
        words: "oi".to_owned(),
        from: None,
        within: Some(SearchIn::Channel(channel.clone())),
        after: None,
        before: None,
        limit: 1,
    };
    let within = recado_proto::ActIn::Channel(channel.clone());
    let act = recado_proto::Act::Topic { text: "x".to_owned() };
    let of = ReadOf::Channel(channel.clone());
    let mark = ReadMark { of, seq: 1, epoch: recado_proto::Epoch::new(1).unwrap() };
    let typing = Some(TypingIn::Channel(channel.clone()));
    vec![
        RequestBody::Publish { user: user.clone(), channel: channel.clone(), message, id: None, manner },
        RequestBody::Act { user: user.clone(), within, act, id: None },
        RequestBody::History(history),
        RequestBody::Search(search),
        RequestBody::Mark { user: user.clone(), mark },
        RequestBody::Here { user, state: Presence::Online, device: Some(Device::from_random(1)), typing },
        RequestBody::Members { channel },
    ]
}

fn asked(world: &World, who: &str, request: &RequestBody) -> Result<(), (String, String)> {
    let answer = world.access.check(&user(who), request, &|name| world.name_of(name), world.now_ms);
    answer.map_err(|refusal| (refusal.code.as_str().to_owned(), refusal.description))
}

#[test]
fn what_one_may_not_see_is_refused_as_what_does_not_exist() {
    let mut world = world();
    for muted in [false, true] {
        for (private, none) in requests("bob", "segredo").iter().zip(&requests("bob", "segreda")) {
            let private = asked(&world, "bob", private).unwrap_err();
            let none = asked(&world, "bob", none).unwrap_err();
            assert_eq!((&private.0, private.1.replace("segredo", "segreda")), (&none.0, none.1));
            assert!(muted || private.0 == "no_such_channel");
        }
        world.ok(&by("ana"), mute("bob", None, None));
        world.ok(&by("ana"), mute("bob", Some("segredo"), None));
    }
}

#[test]
fn members_ask_what_is_theirs() {
    let world = world();
    for (who, to) in [("bob", "geral"), ("cid", "segredo"), ("robo", "geral"), ("ana", "geral")] {
        for request in requests(who, to) {
            assert_eq!(asked(&world, who, &request), Ok(()), "{request:?}");
        }
    }
    let members = RequestBody::Members { channel: channel("segredo") };
    assert_eq!(asked(&world, "ana", &members), Ok(()));
}

#[test]
fn nobody_speaks_for_another_one() {
    let world = world();
    let message = |src: &str, dst: &str| RequestBody::Message {
        src: user(src),
        dst: user(dst),
        message: "oi".to_owned(),
        id: None,
        manner: Manner::default(),
    };
    let create = |who: Option<&str>, private| RequestBody::Channel {
        channel: channel("new"),
        id: None,
        user: who.map(user),
        private,
    };
    let sync = |who: Option<&str>| RequestBody::Sync {
        user: who.map(user),
        topic: SyncTopic::from_random(1),
        topics: Vec::new(),
    };
    let admin = |who: Option<&str>| RequestBody::Admin {
        user: who.map(user),
        act: recado_proto::AdminAct::Ban { of: user("cid") },
    };
    let login = |name: &str| RequestBody::Login { user: user(name), password: None };
    let marks = |name: &str| RequestBody::Marks { user: user(name) };
    let mut others = requests("ana", "geral");
    others.retain(|request| !matches!(request, RequestBody::Members { .. }));
    others.extend([
        message("ana", "bob"),
        create(Some("ana"), false),
        sync(Some("ana")),
        admin(Some("ana")),
        login("ana"),
        marks("ana"),
    ]);
    for request in others {
        assert_eq!(asked(&world, "bob", &request).unwrap_err().0, "forbidden", "{request:?}");
    }
    let own = [
        message("bob", "ana"),
        create(Some("bob"), false),
        create(None, true),
        sync(Some("bob")),
        sync(None),
        admin(None),
        login("bob"),
        marks("bob"),
        RequestBody::Users,
        RequestBody::Channels,
        RequestBody::Who,
        RequestBody::Join { code: None, user: Some(user("zoe")), device: None },
    ];
    for request in own {
        assert_eq!(asked(&world, "bob", &request), Ok(()), "{request:?}");
    }
    assert_eq!(asked(&world, "bob", &message("bob", "nobody")).unwrap_err().0, "no_such_user");
    assert_eq!(asked(&world, "robo", &create(Some("robo"), false)).unwrap_err().0, "forbidden");
    assert_eq!(asked(&world, "nobody", &RequestBody::Users).unwrap_err().0, "forbidden");
}

#[test]
fn keys_of_others_and_the_log_are_for_administrators() {
    let world = world();
    let keys = |of: Option<&str>| RequestBody::Keys { of: of.map(user) };
    let audit = RequestBody::Audit { after: 0, limit: 9 };
    for who in ["bob", "robo"] {
        assert_eq!(asked(&world, who, &keys(None)), Ok(()));
        assert_eq!(asked(&world, who, &keys(Some(who))), Ok(()));
        let others = asked(&world, who, &keys(Some("ana"))).unwrap_err();
        assert_eq!(
            (others.0.as_str(), asked(&world, who, &keys(Some("nobody")))),
            ("forbidden", Err(others.clone()))
        );
        assert_eq!(asked(&world, who, &audit).unwrap_err().0, "forbidden");
    }
    assert_eq!((asked(&world, "ana", &keys(Some("bob"))), asked(&world, "ana", &audit)), (Ok(()), Ok(())));
}

#[test]
fn the_log_says_what_happened_and_no_secret() {
    let mut world = world();
    let hash = PasswordHash::from_phc("$argon2id$secret");
    world.ok(&by("bob"), AccessAct::Admin(Administration::Password(hash)));
    let device = DeviceLabel::parse("laptop").unwrap();
    let add = Administration::AddKey { of: user("bob"), key: key(9), device: Some(device) };
    world.ok(&by("ana"), AccessAct::Admin(add));
    let entries: Vec<_> = world.events.iter().map(|event| event.to_audit_entry()).collect();
    let text = format!("{entries:?} {:?} {:?}", world.access, world.events);
    assert!(!text.contains("secret") && !text.contains(&format!("{:?}", code(200).as_bytes())), "{text}");
    let first = &entries[0];
    assert_eq!((first.n, first.act.as_str(), &first.by), (1, "invite", &None));
    assert_eq!(first.detail.as_deref(), Some("administrator, until 2023-11-21T22:13:20Z"));
    let last = entries.last().unwrap();
    assert_eq!(
        (last.by.as_ref(), last.of.as_ref(), last.key),
        (Some(&user("ana")), Some(&user("bob")), Some(key(9)))
    );
    assert_eq!((last.act.as_str(), last.detail.as_deref()), ("add_key", Some("laptop")));
    assert!(entries.iter().map(|entry| entry.n).eq(1..=entries.len() as u64));
}

#[test]
fn what_is_prepared_hides_its_secrets() {
    let act = recado_proto::AdminAct::Password(Password::parse("correct horse").unwrap());
    assert!(!format!("{:?}", Prepared::of(act, [0; 10])).contains("horse"));
    let act = recado_proto::AdminAct::Device { of: None, seconds: None, code: () };
    let Prepared::WithCode(Administration::Device { code, .. }, shown) = Prepared::of(act, [0xff; 10]) else {
        panic!("a device's code is made")
    };
    assert_eq!(shown.to_string(), "ZZZZ-ZZZZ-ZZZZ-ZZZZ");
    assert_eq!(code, crate::access::CodeHash::of(&shown));
    assert!(!format!("{shown:?} {code:?}").contains("ZZZZ"));
}

#[test]
fn the_protocols_page_says_how_long_codes_are_good() {
    const DAY: u64 = 24 * 60 * 60;
    let document = include_str!("../../../../docs/PROTOCOL.md");
    assert!(document.contains("for 7 days and 15 minutes if `seconds` is absent (30 days at most)"));
    assert_eq!((INVITATION_SECONDS_DEFAULT, DEVICE_CODE_SECONDS_DEFAULT), (7 * DAY, 15 * 60));
    assert_eq!(CODE_SECONDS_MAX, 30 * DAY);
}

#[test]
fn to_begin_with_nobody_may_do_anything() {
    let world = World::default();
    assert_eq!((world.user_of(1), world.access.role_of(&user("ana"))), (None, None));
    assert!(!world.access.may_hear(&user("ana"), b"_here", &|_| NameOf::Nobody));
    world.refused(&by("ana"), super::ban("bob"), "forbidden");
    world.refused(&Actor::Key(key(1)), super::join(1, None, Some("ana")), "bad_code");
}
