//! Requests and replies about who may do what: how they look, what is lenient, what is refused.

use recado_proto::limits::{AUDIT_LIMIT_DEFAULT, AUDIT_LIMIT_MAX, DEVICE_LABEL_BYTES_MAX};
use recado_proto::{
    AdminAct, AdminKind, AuditEntry, ChannelName, Code, DeviceKey, DeviceLabel, JoinCode, KeyEntry, Members,
    Password, Registration, Reply, ReplyBody, ReplyError, Request, RequestBody, Role, Service, ServiceName,
    Timestamp, UserName,
};

use crate::pack::{Pack, map, request};

/// The client's key in the manual of libzmq's zmq_curve.
const KEY: &str = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";
const RECEIVED: Timestamp = Timestamp::from_seconds(5);

fn user(name: &str) -> UserName {
    UserName::parse(name).unwrap()
}

fn channel(name: &str) -> ChannelName {
    ChannelName::parse(name).unwrap()
}

fn key() -> DeviceKey {
    DeviceKey::parse(KEY).unwrap()
}

fn code() -> JoinCode {
    JoinCode::parse("0123-4567-89AB-CDEF").unwrap()
}

fn label() -> Option<DeviceLabel> {
    DeviceLabel::parse("laptop").ok()
}

fn password() -> Password {
    Password::parse("correct horse").unwrap()
}

/// The requests of the document's vectors.
pub(crate) fn requests() -> Vec<(&'static str, RequestBody)> {
    let admin = |act| RequestBody::Admin { user: Some(user("ana")), act };
    let invite =
        AdminAct::Invite { of: Some(user("bob")), role: Role::Member, seconds: Some(3600), code: () };
    let mute = AdminAct::Mute { of: user("bob"), channel: Some(channel("geral")), seconds: Some(60) };
    vec![
        (
            "request login with a password",
            RequestBody::Login { user: user("ana"), password: Some(password()) },
        ),
        ("request channel, a private one", {
            let (channel, user) = (channel("segredo"), Some(user("ana")));
            RequestBody::Channel { channel, id: None, user, private: true }
        }),
        ("request join with a code", {
            RequestBody::Join { code: Some(code()), user: Some(user("ana")), device: label() }
        }),
        ("request admin, an invitation", admin(invite)),
        ("request admin, a further device", admin(AdminAct::Device { of: None, seconds: None, code: () })),
        ("request admin, a key", admin(AdminAct::AddKey { of: user("bob"), key: key(), device: label() })),
        ("request admin, a key that is revoked", admin(AdminAct::RevokeKey { key: key() })),
        ("request admin, a role", admin(AdminAct::Role { of: user("bob"), role: Role::Administrator })),
        ("request admin, a ban", admin(AdminAct::Ban { of: user("bob") })),
        ("request admin, a mute", admin(mute)),
        ("request admin, a private channel", admin(AdminAct::Private { channel: channel("geral") })),
        ("request admin, a member", {
            admin(AdminAct::Add { channel: channel("segredo"), of: user("bob") })
        }),
        ("request admin, who may register", admin(AdminAct::Registration(Registration::Closed))),
        ("request admin, a password", admin(AdminAct::Password(password()))),
        ("request keys", RequestBody::Keys { of: Some(user("bob")) }),
        ("request members", RequestBody::Members { channel: channel("segredo") }),
        ("request audit", RequestBody::Audit { after: 7, limit: 50 }),
    ]
}

/// The replies of the document's vectors.
pub(crate) fn replies() -> Vec<(&'static str, Service, ReplyBody)> {
    let entry = AuditEntry {
        n: 8,
        time_ms: 1_700_000_000_123,
        by: Some(user("ana")),
        act: "mute".to_owned(),
        of: Some(user("bob")),
        channel: Some(channel("geral")),
        key: None,
        detail: Some("until 2023-11-14T22:14:20Z".to_owned()),
    };
    let first =
        AuditEntry { n: 1, by: None, act: "invite".to_owned(), of: None, channel: None, ..entry.clone() };
    let key = KeyEntry {
        key: key(),
        user: user("bob"),
        device: label(),
        since_ms: 1_700_000_000_123,
        expires_ms: Some(1_700_000_060_123),
    };
    let members = vec![user("ana"), user("bob")];
    let refused = |code, why: &str| ReplyBody::Refused { code, description: why.to_owned() };
    vec![
        (
            "reply login, secured",
            Service::Login,
            ReplyBody::LoggedIn { user: user("ana"), role: Role::Member },
        ),
        ("reply join", Service::Join, ReplyBody::Joined { user: user("ana"), role: Role::Administrator }),
        ("reply join, refused", Service::Join, refused(Code::BadCode, "ask for another one")),
        ("reply admin", Service::Admin, ReplyBody::Accepted),
        ("reply admin, with a code", Service::Admin, ReplyBody::Code(code())),
        ("reply admin, refused", Service::Admin, refused(Code::NotSecured, "this system is open")),
        ("reply keys", Service::Keys, ReplyBody::Keys(vec![key])),
        (
            "reply members",
            Service::Members,
            ReplyBody::Members(Members { members, private: true, owner: Some(user("ana")) }),
        ),
        ("reply audit", Service::Audit, ReplyBody::Audit(vec![first, entry])),
    ]
}

fn check(value: Pack, expect: RequestBody) {
    let read = Request::decode(&value.encoded()).map(|request| request.body);
    assert_eq!(read, Ok(expect), "{value:?}");
}

fn check_refused(value: Pack, code: Code, says: &str) {
    let error = Request::decode(&value.encoded()).unwrap_err();
    assert_eq!(error.code, code, "{value:?}: {error}");
    assert!(error.description.contains(says), "{value:?}: {error}");
}

fn admin<const N: usize>(act: &str, pairs: [(&'static str, Pack); N]) -> Pack {
    let pairs = [("act", Pack::from(act))].into_iter().chain(pairs);
    let data = pairs.map(|(key, value)| (Pack::from(key), value)).collect();
    map([("service", "admin".into()), ("data", Pack::Map(data))])
}

#[test]
fn joining_is_lenient_with_what_people_type() {
    let expect = |code: Option<JoinCode>| RequestBody::Join { code, user: None, device: None };
    check(request("join", []), expect(None));
    check(request("join", [("code", Pack::Nil), ("user", Pack::Nil)]), expect(None));
    for text in ["0123456789ABCDEF", "o123-4567-89ab-cdef", "OI23 4567 89AB CDEF"] {
        check(request("join", [("code", text.into())]), expect(Some(code())));
        check(request("join", [("code", Pack::Binary(text.into()))]), expect(Some(code())));
    }
    for wrong in ["", "0123", "0123456789ABCDEU", "0123-4567-89AB-CDEF-0"] {
        check_refused(request("join", [("code", wrong.into())]), Code::BadRequest, "`code`: a code is 16");
    }
    check_refused(request("join", [("code", 5.into())]), Code::BadRequest, "`code` is not text");
    check_refused(request("join", [("user", "_x".into())]), Code::BadName, "`user`");
    let long = "x".repeat(DEVICE_LABEL_BYTES_MAX + 1);
    for device in ["", "a\nb", &long] {
        check_refused(request("join", [("device", device.into())]), Code::BadRequest, "`device`");
    }
}

#[test]
fn acts_of_looking_after_say_what_they_lack() {
    check_refused(request("admin", []), Code::BadRequest, "`act` is missing");
    check_refused(admin("dance", []), Code::BadRequest, "invite, device, add_key");
    for kind in AdminKind::ALL {
        let lacks = match kind {
            AdminKind::Invite | AdminKind::Device => continue,
            AdminKind::AddKey
            | AdminKind::Role
            | AdminKind::Ban
            | AdminKind::Unban
            | AdminKind::Mute
            | AdminKind::Unmute => "`of` is missing",
            AdminKind::RevokeKey => "`key` is missing",
            AdminKind::Private | AdminKind::Public | AdminKind::Add | AdminKind::Remove => {
                "`channel` is missing"
            }
            AdminKind::Registration => "`value` is missing",
            AdminKind::Password => "`password` is missing",
        };
        check_refused(admin(kind.as_str(), []), Code::BadRequest, lacks);
    }
    let of = || ("of", Pack::from("bob"));
    check_refused(admin("ban", [("of", "_x".into())]), Code::BadName, "`of`");
    check_refused(
        admin("role", [of(), ("role", "root".into())]),
        Code::BadRequest,
        "administrator, member, bot",
    );
    check_refused(
        admin("registration", [("value", "all".into())]),
        Code::BadRequest,
        "open, invitation, closed",
    );
    check_refused(admin("add", [of(), ("channel", "".into())]), Code::BadName, "`channel`");
    for seconds in [Pack::from(0), Pack::from(-5), "soon".into(), Pack::Float(0.5)] {
        check_refused(admin("mute", [of(), ("seconds", seconds)]), Code::BadRequest, "`seconds`");
    }
    for wrong in ["", "0", &KEY[1..], &format!("{KEY}0"), &"#".repeat(40)] {
        check_refused(admin("revoke_key", [("key", wrong.into())]), Code::BadRequest, "40 characters");
    }
}

#[test]
fn what_is_left_out_has_a_meaning() {
    let invite = AdminAct::Invite { of: None, role: Role::Member, seconds: None, code: () };
    check(admin("invite", []), RequestBody::Admin { user: None, act: invite });
    let mute = AdminAct::Mute { of: user("bob"), channel: None, seconds: Some(60) };
    let seconds = ("seconds", Pack::Float(60.0));
    check(admin("mute", [("of", "bob".into()), seconds]), RequestBody::Admin { user: None, act: mute });
    check(request("keys", []), RequestBody::Keys { of: None });
    check(request("audit", []), RequestBody::Audit { after: 0, limit: AUDIT_LIMIT_DEFAULT });
    let expect = RequestBody::Audit { after: 3, limit: AUDIT_LIMIT_MAX };
    check(request("audit", [("after", 3.into()), ("limit", Pack::Unsigned(u64::MAX))]), expect);
    check_refused(request("audit", [("after", "x".into())]), Code::BadRequest, "`after`");
    check_refused(request("members", []), Code::BadRequest, "`channel` is missing");
    let public = RequestBody::Channel { channel: channel("a"), id: None, user: None, private: false };
    check(request("channel", [("channel", "a".into()), ("private", Pack::Boolean(false))]), public);
    let odd = request("channel", [("channel", "a".into()), ("private", "yes".into())]);
    check_refused(odd, Code::BadRequest, "`private` is true or false");
}

#[test]
fn secrets_are_said_in_no_refusal_and_shown_nowhere() {
    let secrets = ["hunter2", "0123-4567-89AB-CDEF-SECRET"];
    let requests = [
        admin("password", [("password", secrets[0].into())]),
        request("join", [("code", secrets[1].into())]),
    ];
    for value in requests {
        let error = Request::decode(&value.encoded()).unwrap_err();
        let said = format!("{error} {error:?}");
        assert!(secrets.iter().all(|secret| !said.contains(secret)), "{said}");
    }
    for (name, body) in requests_with_secrets() {
        let shown = format!("{body:?}");
        assert!(!shown.contains("horse") && !shown.contains("0123"), "{name}: {shown}");
    }
    assert!(!format!("{:?}", ReplyBody::Code(code())).contains("0123"));
}

fn requests_with_secrets() -> Vec<(&'static str, RequestBody)> {
    let mut requests = requests();
    requests.retain(|(name, _)| name.contains("password") || name.contains("code"));
    assert_eq!(requests.len(), 3);
    requests
}

fn read(value: &Pack) -> Result<ReplyBody, ReplyError> {
    Reply::decode(&value.encoded(), RECEIVED).map(|reply| reply.body)
}

#[test]
fn replies_of_newer_servers_are_read_as_far_as_they_are_known() {
    let done = || ("status", Pack::from("sucesso"));
    let role = || ("role", Pack::from("guest"));
    let login = request("login", [done(), ("user", "ana".into()), role()]);
    assert_eq!(read(&login), Ok(ReplyBody::Accepted));
    let join = request("join", [done(), ("user", "ana".into()), role()]);
    assert_eq!(read(&join), Err(ReplyError::Missing("role")));
    let admin = request("admin", [done(), ("code", "0123".into())]);
    assert_eq!(read(&admin), Err(ReplyError::Missing("code")));
    let odd = Pack::Array(vec![map([("key", "x".into())]), Pack::Nil, 5.into()]);
    let keys = request("keys", [("status", "OK".into()), ("keys", odd.clone())]);
    assert_eq!(read(&keys), Ok(ReplyBody::Keys(Vec::new())));
    let audit = request("audit", [("status", "OK".into()), ("events", odd)]);
    assert_eq!(read(&audit), Ok(ReplyBody::Audit(Vec::new())));
    assert_eq!(read(&request("audit", [("status", "OK".into())])), Err(ReplyError::Missing("events")));
    assert_eq!(read(&request("keys", [("status", "OK".into())])), Err(ReplyError::Missing("keys")));
    assert_eq!(read(&request("members", [("status", "OK".into())])), Err(ReplyError::Missing("members")));
}

#[test]
fn what_plain_programs_may_have_sent_before_is_no_fault() {
    let login = RequestBody::Login { user: user("ana"), password: None };
    for password in ["", "short", &"x".repeat(1025)].map(Pack::from).into_iter().chain([Pack::Nil, 5.into()])
    {
        check(request("login", [("user", "ana".into()), ("password", password)]), login.clone());
    }
    let create = RequestBody::Channel { channel: channel("a"), id: None, user: None, private: false };
    for user in [Pack::from("_x"), "".into(), 5.into(), Pack::Nil] {
        check(request("channel", [("channel", "a".into()), ("user", user)]), create.clone());
    }
}

#[test]
fn a_login_of_an_open_system_is_answered_as_ever() {
    let body = ReplyBody::Accepted;
    let reply = Reply {
        service: ServiceName::Known(Service::Login),
        body,
        timestamp: RECEIVED,
        clock: None,
        reference: None,
    };
    let plain = request("login", [("status", "sucesso".into()), ("timestamp", 5.into())]);
    assert_eq!(reply.encode(), plain.encoded());
}
