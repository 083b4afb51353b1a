//! CURVE with libzmq, both ways: our sockets as server of its clients and as client of its servers; keys that do not go together; and
//! what is left to see on the wire.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use recado_tests::{limits::PATIENCE, parts::folder, peers::python, process::Process};
use recado_zmtp::codec::Welcome;
use recado_zmtp::curve::{AskError, KeyPair, PublicKey, Security, ask_key};
use recado_zmtp::transport::PeerAddress;
use recado_zmtp::{
    Dealer, Endpoint, Framing, Gatekeeper, Message, Publisher, Router, SocketEventKind, SocketOptions,
    Subscriber,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::timeout,
};

/// One socket of libzmq's, which does what it is told line by line: its kind, whether it is CURVE's server, its secret key, the server's
/// public one, and where it connects, if it does.
const SOCKET: &str = r#"
import sys, zmq
kind, role, secret, server, endpoint = sys.stdin.readline().split()
socket = zmq.Context().socket(getattr(zmq, kind))
socket.linger = 0
socket.curve_secretkey = secret.encode()
socket.curve_publickey = zmq.curve_public(secret.encode())
if role == "server":
    socket.curve_server = True
else:
    socket.curve_serverkey = server.encode()
if kind == "SUB":
    socket.subscribe(b"geral")
if endpoint == "-":
    print(f"tcp://127.0.0.1:{socket.bind_to_random_port('tcp://127.0.0.1')}", flush=True)
else:
    socket.connect(endpoint)
    print(endpoint, flush=True)
for line in sys.stdin:
    verb, *frames = line.split()
    if verb == "send":
        socket.send_multipart([bytes.fromhex(frame[1:]) for frame in frames])
        print("sent", flush=True)
    elif socket.poll(int(frames[0])):
        print(" ".join("=" + frame.hex() for frame in socket.recv_multipart()), flush=True)
    else:
        print("nothing", flush=True)
"#;

struct Foreign {
    process: Process,
    read: usize,
    endpoint: Endpoint,
    _folder: tempfile::TempDir,
}

enum Role<'a> {
    Server(&'a KeyPair),
    Client { keys: &'a KeyPair, server: &'a KeyPair },
}

impl Foreign {
    fn start(kind: &str, role: &Role<'_>, endpoint: Option<&Endpoint>) -> Self {
        let folder = folder();
        let process = python(folder.path(), SOCKET).with_input().start();
        let endpoint = endpoint.map_or("-".to_owned(), Endpoint::to_string);
        let (name, keys, server) = match role {
            Role::Server(keys) => ("server", keys, keys),
            Role::Client { keys, server } => ("client", keys, server),
        };
        let mut foreign =
            Self { process, read: 0, endpoint: "tcp://127.0.0.1:1".parse().unwrap(), _folder: folder };
        let secret = keys.secret().to_z85();
        foreign.endpoint = foreign
            .tell(&format!("{kind} {name} {} {} {endpoint}", *secret, server.public()))
            .parse()
            .unwrap();
        foreign
    }

    fn tell(&mut self, line: &str) -> String {
        self.process.write_line(line);
        let (answer, read) = self.process.wait_for_output_from(self.read, "an answer", |_| true);
        self.read = read;
        answer
    }

    fn send(&mut self, frames: &[&[u8]]) {
        let frames: Vec<String> = frames.iter().map(|frame| format!("={}", hex(frame))).collect();
        assert_eq!(self.tell(&format!("send {}", frames.join(" "))), "sent");
    }

    /// What comes within so many milliseconds.
    fn receive(&mut self, within_ms: u128) -> Option<Vec<Vec<u8>>> {
        let answer = self.tell(&format!("receive {within_ms}"));
        (answer != "nothing").then(|| answer.split(' ').map(|frame| bytes(&frame[1..])).collect())
    }

    fn receive_soon(&mut self) -> Vec<Vec<u8>> {
        self.receive(PATIENCE.as_millis()).expect("it comes")
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        hex.chars().map(|digit| u8::try_from(digit.to_digit(16).unwrap()).unwrap()).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn anywhere() -> Endpoint {
    "tcp://127.0.0.1:*".parse().unwrap()
}

fn as_server(keys: &KeyPair) -> SocketOptions {
    SocketOptions { security: Security::CurveServer(keys.clone()), ..SocketOptions::default() }
}

fn as_client(keys: &KeyPair, server: &KeyPair) -> SocketOptions {
    let security = Security::CurveClient { keys: keys.clone(), server: server.public() };
    SocketOptions { security, ..SocketOptions::default() }
}

async fn soon<T>(work: impl Future<Output = T>) -> T {
    timeout(PATIENCE, work).await.expect("it comes in time")
}

/// Lengths at which forms of frames change, plain or sealed, and some long ones.
const SIZES: [usize; 9] = [0, 1, 63, 222, 223, 255, 256, 65_536, 900_000];

fn filled(size: usize) -> Vec<u8> {
    (0..size).map(|at| u8::try_from(at % 251).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_libzmqs_clients_are_answered_and_their_key_is_known() {
    let (ours, theirs) = (KeyPair::generate(), KeyPair::generate());
    let mut router = Router::bind(&anywhere(), as_server(&ours)).await.unwrap();
    let role = Role::Client { keys: &theirs, server: &ours };
    for kind in ["REQ", "DEALER"] {
        let mut foreign = Foreign::start(kind, &role, Some(router.local_endpoint()));
        for size in SIZES {
            foreign.send(&[b"pergunta", &filled(size)]);
            let (peer, request) = soon(router.recv()).await.unwrap();
            let delimited = usize::from(kind == "REQ");
            assert_eq!(request.frames()[delimited + 1], filled(size), "{kind} {size}");
            assert_eq!(router.peer(peer).unwrap().key, Some(theirs.public()));
            router.send(peer, request).unwrap();
            assert_eq!(foreign.receive_soon(), [b"pergunta".to_vec(), filled(size)]);
        }
    }
}

/// Lets nobody in for so many handshakes.
struct Later(AtomicUsize);

impl Gatekeeper for Later {
    fn arrives(&self, _: PeerAddress) -> Result<(), String> {
        Ok(())
    }

    fn welcomes(&self, _: &PublicKey, _: PeerAddress) -> Welcome {
        let one_less = |left: usize| left.checked_sub(1);
        match self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less) {
            Ok(_) => Welcome::NotNow("there are many already".to_owned()),
            Err(_) => Welcome::Yes,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn libzmqs_clients_that_are_to_come_later_come_by_themselves() {
    let (ours, theirs) = (KeyPair::generate(), KeyPair::generate());
    let later = Arc::new(Later(AtomicUsize::new(3)));
    let gatekeeper = Arc::clone(&later) as Arc<dyn Gatekeeper>;
    let mut router = Router::bind_with_gatekeeper(&anywhere(), as_server(&ours), gatekeeper).await.unwrap();
    let role = Role::Client { keys: &theirs, server: &ours };
    let mut foreign = Foreign::start("REQ", &role, Some(router.local_endpoint()));
    foreign.send(&[b"pergunta"]);
    let (peer, request) = soon(router.recv()).await.unwrap();
    assert_eq!(later.0.load(Ordering::SeqCst), 0);
    router.send(peer, request).unwrap();
    assert_eq!(foreign.receive_soon(), [b"pergunta"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn libzmqs_servers_answer_our_requests() {
    let (ours, theirs) = (KeyPair::generate(), KeyPair::generate());
    for kind in ["REP", "ROUTER", "DEALER"] {
        let mut foreign = Foreign::start(kind, &Role::Server(&theirs), None);
        let framing = if kind == "REP" { Framing::Delimited } else { Framing::Raw };
        let mut dealer =
            Dealer::connect(std::slice::from_ref(&foreign.endpoint), framing, as_client(&ours, &theirs));
        for size in SIZES {
            let request = Message::new(vec!["pergunta".into(), filled(size).into()]);
            soon(dealer.send(request.clone())).await.unwrap();
            let received = foreign.receive_soon();
            assert_eq!(received[received.len() - 2..], [b"pergunta".to_vec(), filled(size)], "{kind}");
            foreign.send(&received.iter().map(Vec::as_slice).collect::<Vec<_>>());
            assert_eq!(soon(dealer.recv()).await, Some(request));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn libzmqs_subscribers_hear_our_publisher() {
    let (ours, theirs) = (KeyPair::generate(), KeyPair::generate());
    let publisher = Publisher::bind(&anywhere(), as_server(&ours)).await.unwrap();
    let role = Role::Client { keys: &theirs, server: &ours };
    let mut foreign = Foreign::start("SUB", &role, publisher.local_endpoint());
    let first = Message::new(vec!["geral".into(), "0".into()]);
    // Its subscription has come when the first of it has been taken.
    soon(async {
        while publisher.try_send(&first) == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(foreign.receive_soon(), [b"geral".to_vec(), b"0".to_vec()]);
    for size in SIZES {
        soon(publisher.send(Message::new(vec!["outro".into(), filled(size).into()]))).await.unwrap();
        soon(publisher.send(Message::new(vec!["geral".into(), filled(size).into()]))).await.unwrap();
        assert_eq!(foreign.receive_soon(), [b"geral".to_vec(), filled(size)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn our_subscriber_hears_libzmqs_publishers() {
    let (ours, theirs) = (KeyPair::generate(), KeyPair::generate());
    for kind in ["PUB", "XPUB"] {
        let mut foreign = Foreign::start(kind, &Role::Server(&theirs), None);
        let mut subscriber =
            Subscriber::connect(std::slice::from_ref(&foreign.endpoint), as_client(&ours, &theirs));
        subscriber.subscribe("geral");
        if kind == "XPUB" {
            assert_eq!(foreign.receive_soon(), [b"\x01geral".to_vec()]);
        } else {
            // It does not say when the subscription has come.
            let mut heard = Box::pin(subscriber.recv());
            soon(async {
                while timeout(std::time::Duration::from_millis(20), &mut heard).await.is_err() {
                    foreign.send(&[b"geral", b"0"]);
                }
            })
            .await;
        }
        foreign.send(&[b"outro", b""]);
        foreign.send(&[b"geral", b"the last one of all"]);
        let last = Message::new(vec!["geral".into(), "the last one of all".into()]);
        while soon(subscriber.recv()).await.unwrap() != last {}
        for size in SIZES {
            foreign.send(&[b"geral", &filled(size)]);
            let expect = Message::new(vec!["geral".into(), filled(size).into()]);
            assert_eq!(soon(subscriber.recv()).await, Some(expect), "{kind}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_do_not_go_together_connect_nobody() {
    let (ours, theirs, others) = (KeyPair::generate(), KeyPair::generate(), KeyPair::generate());
    let router = Router::bind(&anywhere(), as_server(&ours)).await.unwrap();
    let mut events = router.events();
    let role = Role::Client { keys: &theirs, server: &others };
    let _foreign = Foreign::start("DEALER", &role, Some(router.local_endpoint()));
    let reason = soon(async {
        loop {
            if let SocketEventKind::Refused { reason } = events.recv().await.unwrap().kind {
                return reason;
            }
        }
    })
    .await;
    assert!(reason.contains("not sealed for this server's key"), "{reason}");

    let foreign = Foreign::start("ROUTER", &Role::Server(&theirs), None);
    for options in [as_client(&ours, &others), SocketOptions::default()] {
        let dealer = Dealer::connect(std::slice::from_ref(&foreign.endpoint), Framing::Raw, options);
        let mut events = dealer.events();
        soon(async {
            loop {
                match events.recv().await.unwrap().kind {
                    SocketEventKind::ConnectFailed { .. } => return,
                    SocketEventKind::Connected { .. } => panic!("it has connected"),
                    _ => {}
                }
            }
        })
        .await;
    }
    assert!(matches!(soon(ask_key(&foreign.endpoint, PATIENCE)).await, Err(AskError::Closed)));
}

/// Passes everything on, and keeps it.
struct Relay {
    endpoint: Endpoint,
    seen: Arc<Mutex<Vec<u8>>>,
}

impl Relay {
    async fn before(target: &Endpoint) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("tcp://{}", listener.local_addr().unwrap()).parse().unwrap();
        let target = target.to_string().strip_prefix("tcp://").unwrap().to_owned();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let keeping = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let (near_in, near_out) = near.into_split();
                let (far_in, far_out) = TcpStream::connect(&target).await.unwrap().into_split();
                tokio::spawn(pass(near_in, far_out, Arc::clone(&keeping)));
                tokio::spawn(pass(far_in, near_out, Arc::clone(&keeping)));
            }
        });
        Self { endpoint, seen }
    }

    fn has_seen(&self, bytes: &[u8]) -> bool {
        self.seen.lock().unwrap().windows(bytes.len()).any(|part| part == bytes)
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, seen: Arc<Mutex<Vec<u8>>>) {
    let mut buffer = vec![0; 65_536];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        seen.lock().unwrap().extend_from_slice(&buffer[..count]);
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_text_nor_names_are_seen_on_the_wire() {
    let (ours, theirs) = (KeyPair::generate(), KeyPair::generate());
    // Without security all of it is there to see: the relay sees what it should.
    for (secured, is_seen) in [(false, true), (true, false)] {
        let (server, client) = if secured {
            (as_server(&ours), as_client(&theirs, &ours))
        } else {
            (SocketOptions::default(), SocketOptions::default())
        };
        let client = SocketOptions { identity: "o-nome-de-ana".into(), ..client };
        let mut router = Router::bind(&anywhere(), server.clone()).await.unwrap();
        let publisher = Publisher::bind(&anywhere(), server).await.unwrap();
        let requests = Relay::before(router.local_endpoint()).await;
        let publications = Relay::before(publisher.local_endpoint().unwrap()).await;

        let mut dealer =
            Dealer::connect(std::slice::from_ref(&requests.endpoint), Framing::Delimited, client.clone());
        soon(dealer.send(Message::single("o texto de ana"))).await.unwrap();
        let (peer, request) = soon(router.recv()).await.unwrap();
        router.send(peer, request).unwrap();
        assert_eq!(soon(dealer.recv()).await, Some(Message::single("o texto de ana")));

        let mut subscriber = Subscriber::connect(std::slice::from_ref(&publications.endpoint), client);
        subscriber.subscribe("o-canal-secreto");
        let message = Message::new(vec!["o-canal-secreto".into(), "o texto publicado".into()]);
        soon(async {
            while publisher.try_send(&message) == 0 {
                tokio::task::yield_now().await;
            }
        })
        .await;
        assert_eq!(soon(subscriber.recv()).await, Some(message));

        for (relay, text) in [
            (&requests, "o texto de ana"),
            (&requests, "o-nome-de-ana"),
            (&requests, "ROUTER"),
            (&publications, "o-nome-de-ana"),
            (&publications, "o-canal-secreto"),
            (&publications, "o texto publicado"),
            (&publications, "SUBSCRIBE"),
        ] {
            assert_eq!(relay.has_seen(text.as_bytes()), is_seen, "{text}");
        }
        for key in [&ours, &theirs] {
            assert!(!requests.has_seen(key.public().as_bytes()), "who talks with whom is not told either");
        }
        assert_eq!(requests.has_seen(b"\x07MESSAGE"), secured);
    }
}
