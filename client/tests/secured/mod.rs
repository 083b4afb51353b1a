//! A session with a server that has a key: the one that is meant, and others.

use std::time::Duration;

use recado_client::keys::Distrust;
use recado_client::{Presence, RequestError, Session, SessionConfig, SessionEvent, SessionEvents, probe};
use recado_proto::{DeviceKey, JoinCode, KeyEntry, ReplyBody, RequestBody, Role};
use recado_zmtp::Endpoint;
use recado_zmtp::curve::{KeyPair, PublicKey, Security};

use crate::fake::{FakeServer, user};

fn connect(server: &Endpoint, key: PublicKey, keys: &KeyPair) -> (Session, SessionEvents) {
    let mut config = SessionConfig::new(vec![server.clone()], Vec::new());
    // Far more than a test takes: what ends the wait is what the server turns out to be.
    config.request_timeout = Duration::from_secs(600);
    config.security = Security::CurveClient { keys: keys.clone(), server: key };
    Session::connect(config).unwrap()
}

fn entry(keys: &KeyPair) -> KeyEntry {
    KeyEntry {
        key: DeviceKey::from_bytes(*keys.public().as_bytes()),
        user: user("ana"),
        device: None,
        since_ms: 1,
        expires_ms: None,
    }
}

#[tokio::test]
async fn who_one_is_the_server_knows_by_the_key() {
    let [installation, device, other] = [(); 3].map(|()| KeyPair::generate());
    let mut server = FakeServer::start_secured(&installation).await;
    let (session, _events) = connect(&server.endpoint(), installation.public(), &device);
    let serving = async {
        let asked = server.next().await;
        assert_eq!(asked.request.body, RequestBody::Keys { of: None });
        server.answer(&asked, ReplyBody::Keys(vec![entry(&other), entry(&device)]));
    };
    let (identified, ()) = tokio::join!(session.identify(), serving);
    assert_eq!((identified.unwrap(), session.user()), (user("ana"), Some(user("ana"))));
}

#[tokio::test]
async fn one_joins_with_a_code_over_a_connection_whose_key_becomes_ones_own() {
    let [installation, device] = [(); 2].map(|()| KeyPair::generate());
    let mut server = FakeServer::start_secured(&installation).await;
    let (session, _events) = connect(&server.endpoint(), installation.public(), &device);
    let code = JoinCode::parse("0123456789ABCDEF").unwrap();
    let serving = async {
        let asked = server.next().await;
        let RequestBody::Join { code: Some(told), user: Some(wanted), device: None } = &asked.request.body
        else {
            panic!("{:?}", asked.request.body);
        };
        assert_eq!((told, wanted), (&code, &user("ana")));
        assert_eq!(server.key_of(&asked), Some(device.public()));
        server.answer(&asked, ReplyBody::Joined { user: user("ana"), role: Role::Member });
    };
    let (joined, ()) = tokio::join!(session.join(Some(code.clone()), Some(user("ana")), None), serving);
    assert_eq!(joined.unwrap(), (user("ana"), Role::Member));
    assert_eq!(session.link(code).unwrap().key(), installation.public());
}

#[tokio::test]
async fn a_server_with_another_key_is_distrusted_with_both_keys_and_gets_nothing() {
    let [known, found, device] = [(); 3].map(|()| KeyPair::generate());
    let server = FakeServer::start_secured(&found).await;
    let endpoint = server.endpoint();
    let (session, mut events) = connect(&endpoint, known.public(), &device);
    let expected = Distrust::Changed { endpoint, known: known.public(), found: found.public() };
    let error = session.identify().await.unwrap_err();
    assert_eq!(error, RequestError::Distrusted(Box::new(expected.clone())));
    loop {
        match events.recv().await.unwrap() {
            SessionEvent::Distrusted(told) => break assert_eq!(*told, expected),
            SessionEvent::ServerLost { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    // At once, from now on.
    assert!(matches!(session.users().await, Err(RequestError::Distrusted(_))));
}

#[tokio::test]
async fn a_server_that_is_no_longer_secured_is_distrusted() {
    let [known, device] = [(); 2].map(|()| KeyPair::generate());
    let server = FakeServer::start().await;
    let (session, _events) = connect(&server.endpoint(), known.public(), &device);
    let expected = Distrust::Opened { endpoint: server.endpoint(), known: known.public() };
    assert_eq!(session.identify().await, Err(RequestError::Distrusted(Box::new(expected))));
}

#[tokio::test]
async fn an_open_server_that_has_become_a_secured_one_is_told_apart_from_one_that_is_away() {
    let installation = KeyPair::generate();
    let server = FakeServer::start_secured(&installation).await;
    let mut config = SessionConfig::new(vec![server.endpoint()], Vec::new());
    config.request_timeout = Duration::from_secs(600);
    let (session, _events) = Session::connect(config).unwrap();
    let expected = Distrust::Secured { endpoint: server.endpoint(), found: installation.public() };
    assert_eq!(session.users().await, Err(RequestError::Distrusted(Box::new(expected))));
}

#[tokio::test]
async fn the_server_that_is_meant_is_trusted_again_when_it_is_back() {
    let [known, found, device] = [(); 3].map(|()| KeyPair::generate());
    let wrong = FakeServer::start_secured(&found).await;
    let endpoint = wrong.endpoint();
    let (session, _events) = connect(&endpoint, known.public(), &device);
    assert!(matches!(session.identify().await, Err(RequestError::Distrusted(_))));
    wrong.stop().await;
    let mut server = FakeServer::start_secured_at(&endpoint, &known).await;
    // Until then it is refused at once.
    let asking = async {
        loop {
            match session.identify().await {
                Err(RequestError::Distrusted(_)) => tokio::task::yield_now().await,
                identified => break identified,
            }
        }
    };
    let serving = async {
        let asked = server.next().await;
        server.answer(&asked, ReplyBody::Keys(vec![entry(&device)]));
    };
    let (identified, ()) = tokio::join!(asking, serving);
    assert_eq!(identified, Ok(user("ana")));
}

#[tokio::test]
async fn a_probe_says_of_a_server_with_another_key_that_it_is_something_else() {
    let [known, found, device] = [(); 3].map(|()| KeyPair::generate());
    let server = FakeServer::start_secured(&found).await;
    let security = Security::CurveClient { keys: device, server: known.public() };
    let presence = probe(&server.endpoint(), &security, Duration::from_secs(60)).await;
    assert!(
        matches!(&presence, Presence::Other { reason } if reason.contains("key has changed")),
        "{presence:?}"
    );
}
