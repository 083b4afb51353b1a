//! A secured server counts connections: too many from one address, or of one user, are closed, and nobody else notices.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::net::{IpAddr, SocketAddr};

use recado_proto::{ReplyBody, RequestBody, Role};
use recado_tests::{chat::user, limits::PATIENCE, parts::folder, secured::Secured};
use recado_zmtp::codec::{HandshakeConfig, SocketType};
use recado_zmtp::curve::KeyPair;
use recado_zmtp::transport::{EstablishError, Established, Stream, establish};
use tokio::{
    io::AsyncReadExt,
    net::{TcpSocket, TcpStream},
    task::JoinSet,
    time::timeout,
};

/// What the log says of a connection too many.
const TOO_MANY: &str = "too many connections were made; ask again in ";

/// Connections that are opened at a time: as many as wait for their handshake without being closed for it.
const AT_ONCE: usize = 16;

/// Where a listener is, as the flood sees it.
fn address_of(endpoint: &str) -> SocketAddr {
    endpoint.strip_prefix("tcp://").unwrap().parse().unwrap()
}

async fn connect_from(source: IpAddr, target: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((source, 0).into()).unwrap();
    socket.connect(target).await.unwrap()
}

/// Whether anybody speaks on a connection.
async fn is_greeted(mut stream: TcpStream) -> bool {
    matches!(stream.read(&mut [0; 64]).await, Ok(1..))
}

async fn shake_hands(system: &Secured, keys: &KeyPair) -> Result<Established, EstablishError> {
    let stream = Stream::connect(&system.requests.parse().unwrap()).await.unwrap();
    let security = system.options(keys).security;
    let config = HandshakeConfig { security, ..HandshakeConfig::new(SocketType::Dealer) };
    establish(stream, config, PATIENCE).await
}

/// How many connections are made before one is refused as being too many.
async fn until_refused(system: &Secured, mut attempt: impl FnMut(&mut JoinSet<bool>)) -> usize {
    let is_told = || system.process.err().all().iter().any(|line| line.contains(TOO_MANY));
    timeout(PATIENCE, async {
        let (mut made, mut attempts) = (0, JoinSet::new());
        loop {
            (0..AT_ONCE).for_each(|_| attempt(&mut attempts));
            while let Some(taken) = attempts.join_next().await {
                made += usize::from(taken.unwrap());
            }
            if is_told() {
                return made;
            }
        }
    })
    .await
    .expect("one is refused")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_from_one_address_leaves_others_served() {
    let folder = folder();
    let system = Secured::up(folder.path());
    let mut ana = system.first("ana").await;
    let (flood, target): (IpAddr, _) = ("127.0.0.2".parse().unwrap(), address_of(&system.requests));
    let made = until_refused(&system, |attempts| {
        attempts.spawn(async move { is_greeted(connect_from(flood, target).await).await });
    })
    .await;
    assert!(made >= 4_000, "only {made} were taken");
    assert_eq!(ana.requests.ask(RequestBody::Users).await, ReplyBody::Users(vec![user("ana")]));
    let code = ana.invites("bia", Role::Member).await;
    let mut bia = system.join("bia", &code).await;
    assert_eq!(bia.requests.ask(RequestBody::Users).await, ReplyBody::Users(vec![user("ana"), user("bia")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_connects_too_often_waits_and_other_users_do_not() {
    let folder = folder();
    let system = std::sync::Arc::new(Secured::up(folder.path()));
    let mut ana = system.first("ana").await;
    let code = ana.invites("bia", Role::Member).await;
    let bia = system.join("bia", &code).await;
    let made = until_refused(&system, |attempts| {
        let (system, keys) = (std::sync::Arc::clone(&system), ana.keys.clone());
        attempts.spawn(async move {
            match shake_hands(&system, &keys).await {
                Ok(_) => true,
                // As ZAP's 300: nothing is said that would keep a client of libzmq's away for good.
                Err(EstablishError::NotNow) => false,
                Err(error) => panic!("{error}"),
            }
        });
    })
    .await;
    assert!(made >= 199, "only {made} were taken");
    assert!(shake_hands(&system, &bia.keys).await.is_ok(), "she has made one");
    let users = ReplyBody::Users(vec![user("ana"), user("bia")]);
    assert_eq!(ana.requests.ask(RequestBody::Users).await, users, "who is in stays in");
    // And who is refused comes in by itself.
    assert_eq!(system.requester(&ana.keys).ask(RequestBody::Users).await, users);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_quotas_nobodys_connections_are_counted() {
    let folder = folder();
    let system = Secured::up_with(folder.path(), &["--no-quotas"]);
    let ana = system.first("ana").await;
    for _ in 0..250 {
        shake_hands(&system, &ana.keys).await.unwrap();
    }
}
