//! What only a secured system does, and what an open one says to those who ask for it.

use recado_proto::{
    AdminAct, Code, DeviceKey, JoinCode, Password, Registration, ReplyBody, Request, RequestBody, Role,
    UserName,
};
use recado_zmtp::Framing;
use recado_zmtp::curve::KeyPair;

use crate::helpers::{Peer, Running, TestStore, channel, create, publish, reply_code};
use crate::login;

fn user(name: &str) -> UserName {
    UserName::parse(name).unwrap()
}

#[tokio::test]
async fn an_open_system_says_that_it_is_open() {
    let store = TestStore::new();
    let server = Running::start(&store, &[]).await;
    let mut peer = server.peer(Framing::Delimited);
    let password = || Password::parse("correct horse").unwrap();
    let code = Some(JoinCode::from_random([7; 10]));
    let acts = [
        AdminAct::Invite { of: None, role: Role::Administrator, seconds: None, code: () },
        AdminAct::AddKey { of: user("ana"), key: DeviceKey::from_bytes([7; 32]), device: None },
        AdminAct::Registration(Registration::Open),
        AdminAct::Password(password()),
    ];
    let mut bodies = vec![
        RequestBody::Join { code, user: Some(user("ana")), device: None },
        RequestBody::Keys { of: None },
        RequestBody::Members { channel: channel("geral") },
        RequestBody::Audit { after: 0, limit: 9 },
        RequestBody::Channel {
            channel: channel("segredo"),
            id: None,
            user: Some(user("ana")),
            private: true,
        },
    ];
    bodies.extend(acts.map(|act| RequestBody::Admin { user: Some(user("ana")), act }));
    for body in bodies {
        match peer.ask(body.clone()).await.body {
            ReplyBody::Refused { code: Code::NotSecured, description } => {
                assert!(description.contains("--secure"), "{body:?}: {description}");
            }
            other => panic!("{body:?}: {other:?}"),
        }
    }
    // Nothing of it was done, and all else goes on as ever.
    assert_eq!(peer.ask(RequestBody::Channels).await.body, ReplyBody::Channels(Vec::new()));
    assert_eq!(peer.ask(create("segredo", None)).await.body, ReplyBody::Accepted);
    let login = RequestBody::Login { user: user("ana"), password: Some(password()) };
    assert_eq!(peer.ask(login).await.body, ReplyBody::Accepted);
    assert!(matches!(peer.ask(publish("bob", "segredo", "oi", None)).await.body, ReplyBody::Stored { .. }));
    server.stop().await;
}

/// Asks for all of it at once, so that as much as can be comes into one turn, and takes the answers.
async fn batch(peer: &mut Peer, bodies: &[RequestBody]) -> Vec<Result<ReplyBody, Code>> {
    for body in bodies {
        peer.send(&Request::from(body.clone())).await;
    }
    let mut answers = Vec::new();
    for _ in bodies {
        let reply = peer.receive().await;
        answers.push(reply_code(&reply).map_or(Ok(reply.body), Err));
    }
    answers
}

fn joins(code: &JoinCode, name: &str) -> RequestBody {
    RequestBody::Join { code: Some(code.clone()), user: Some(user(name)), device: None }
}

/// An invitation for any name.
async fn invitation(administrator: &mut Peer) -> JoinCode {
    let act = AdminAct::Invite { of: None, role: Role::Member, seconds: None, code: () };
    match administrator.ask(RequestBody::Admin { user: None, act }).await.body {
        ReplyBody::Code(code) => code,
        other => panic!("no code: {other:?}"),
    }
}

#[tokio::test]
async fn names_that_look_like_others_are_refused_in_a_secured_system_and_were_not_in_an_open_one() {
    let store = TestStore::new();
    let server = Running::start(&store, &[]).await;
    let mut peer = server.peer(Framing::Delimited);
    let open = [login("lana"), login("Iana"), create("Geral", None), create("geral", None)];
    assert_eq!(batch(&mut peer, &open).await, vec![Ok(ReplyBody::Accepted); 4]);
    server.stop().await;

    let keys = KeyPair::generate();
    let server = Running::secured(&store, &keys).await;
    let [mut ana, mut other] = [(); 2].map(|()| server.peer_of(&KeyPair::generate(), keys.public()));
    let first = joins(server.first_code().unwrap(), "ana");
    let ana_joined = ReplyBody::Joined { user: user("ana"), role: Role::Administrator };
    assert_eq!(ana.ask(first).await.body, ana_joined);
    // A channel's name beside users', users' beside channels', what was there before and what comes in the same breath.
    let taken = Err(Code::NameTaken);
    let created = [create("Ana", None), create("1ana", None), create("tech", None), create("TECH", None)];
    let answers = batch(&mut ana, &created).await;
    assert_eq!(answers, [taken.clone(), taken.clone(), Ok(ReplyBody::Accepted), taken.clone()]);
    let code = invitation(&mut ana).await;
    let wanted = ["ANA", "LANA", "GERAL", "Tech", "eva"].map(|name| joins(&code, name));
    let answers = batch(&mut other, &wanted).await;
    let eva = ReplyBody::Joined { user: user("eva"), role: Role::Member };
    assert_eq!(answers, [taken.clone(), taken.clone(), taken.clone(), taken.clone(), Ok(eva)]);
    assert_eq!(batch(&mut ana, &[create("Eva", None)]).await, [taken]);
    // What was there goes on.
    let channels = ["Geral", "geral", "tech"].map(channel).to_vec();
    assert_eq!(ana.ask(RequestBody::Channels).await.body, ReplyBody::Channels(channels));
    for name in ["Geral", "geral"] {
        let answer = ana.ask(publish("ana", name, "oi", None)).await.body;
        assert!(matches!(answer, ReplyBody::Stored { .. }), "{answer:?}");
    }
    server.stop().await;
}
