//! What an open system says to those who ask for what only a secured one does.

use recado_proto::{
    AdminAct, Code, DeviceKey, JoinCode, Password, Registration, ReplyBody, RequestBody, Role, UserName,
};
use recado_zmtp::Framing;

use crate::helpers::{Running, TestStore, channel, create, publish};

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
        AdminAct::Invite { of: None, role: Role::Administrator, seconds: None },
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
