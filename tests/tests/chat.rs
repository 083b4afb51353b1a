//! The whole of it with the real program: people who talk through clients, a server and a broker.

use recado_tests::{
    parts::{ANY_PORT, Broker, Recado, Server, field, folder, listening},
    process::{Process, Run},
};
use serde_json::Value;

/// A client that a test drives line by line.
struct Client {
    process: Process,
    read: usize,
}

impl Client {
    fn start(folder: &std::path::Path, server: &str, broker: &str, user: &str, options: &[&str]) -> Client {
        let line = ["client", "--json", "--listen", "--server", server, "--broker", broker, "--user", user];
        let mut client =
            Client { process: Run::recado(folder, line.iter().chain(options)).with_input().start(), read: 0 };
        client.wait_for("welcome");
        client
    }

    fn of(recado: &Recado, folder: &std::path::Path, user: &str, options: &[&str]) -> Client {
        Client::start(folder, &recado.requests, &recado.subscribers, user, options)
    }

    fn say(&mut self, line: &str) {
        self.process.write_line(line);
    }

    /// The next event of this kind.
    fn wait_for(&mut self, event: &str) -> Value {
        self.wait_until(event, |_| true)
    }

    /// The next event of this kind that fits.
    fn wait_until(&mut self, event: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let (line, next) =
            self.process.wait_for_output_from(self.read, &format!("the event {event}"), |line| {
                serde_json::from_str::<Value>(line).is_ok_and(|value| value["event"] == event && fits(&value))
            });
        self.read = next;
        serde_json::from_str(&line).expect("it was JSON a moment ago")
    }

    fn hear(&mut self, text: &str) -> Value {
        self.wait_until("message", |value| value["text"] == text)
    }
}

#[test]
fn what_one_says_in_a_channel_the_others_hear_and_answer() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let mut ana = Client::of(&recado, folder.path(), "ana", &[]);
    ana.say("/create team");
    ana.wait_for("joined");
    let mut bia = Client::of(&recado, folder.path(), "bia", &["--channel", "team"]);
    bia.wait_for("joined");
    ana.say("good morning");
    assert_eq!(ana.wait_for("sent")["seq"], 1);
    let heard = bia.hear("good morning");
    assert_eq!(
        (&heard["user"], &heard["channel"], &heard["seq"]),
        (&"ana".into(), &"team".into(), &1.into())
    );
    bia.say("hello yourself");
    assert_eq!(ana.hear("hello yourself")["user"], "bia");
}

#[test]
fn direct_messages_go_both_ways_and_to_nobody_else() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let mut ana = Client::of(&recado, folder.path(), "ana", &[]);
    let mut bia = Client::of(&recado, folder.path(), "bia", &[]);
    // ZeroMQ would give her ana's messages: subscriptions match by prefix.
    let mut anabel = Client::of(&recado, folder.path(), "ana-bel", &[]);
    ana.say("/msg bia lunch?");
    let heard = bia.wait_for("direct");
    assert_eq!((&heard["from"], &heard["text"]), (&"ana".into(), &"lunch?".into()));
    bia.say("/msg ana yes");
    assert_eq!(ana.wait_until("direct", |value| value["own"] == false)["text"], "yes");
    bia.say("/msg ana-bel are you coming?");
    assert_eq!(anabel.wait_until("direct", |value| value["own"] == false)["text"], "are you coming?");
    anabel.process.close_input();
    anabel.process.signal(nix::sys::signal::Signal::SIGINT);
    let ended = anabel.process.wait();
    assert!(!ended.out.iter().any(|line| line.contains("lunch") || line.contains("yes")), "{:#?}", ended.out);
}

#[test]
fn history_is_there_after_everything_was_restarted() {
    let folder = folder();
    let broker = Broker::start(folder.path());
    let server = Server::start(folder.path(), &broker.publishers);
    let mut ana = Client::start(folder.path(), &server.requests, &broker.subscribers, "ana", &[]);
    ana.say("/create team");
    ana.wait_for("joined");
    for text in ["one", "two", "three"] {
        ana.say(text);
        ana.wait_for("sent");
    }
    drop(ana);
    assert_eq!(server.process.terminate().code, Some(0));
    assert_eq!(broker.process.terminate().code, Some(0));
    let broker = Broker::start(folder.path());
    let server = Server::start(folder.path(), &broker.publishers);
    let options = ["--channel", "team", "--backlog", "2"];
    let mut bia = Client::start(folder.path(), &server.requests, &broker.subscribers, "bia", &options);
    for text in ["two", "three"] {
        assert_eq!(bia.hear(text)["earlier"], true);
    }
}

#[test]
fn clients_carry_on_when_broker_and_server_are_killed_and_come_back() {
    let folder = folder();
    let mut broker = Broker::start(folder.path());
    let mut server = Server::start(folder.path(), &broker.publishers);
    let mut ana = Client::start(folder.path(), &server.requests, &broker.subscribers, "ana", &[]);
    ana.say("/create team");
    ana.wait_for("joined");
    let mut bia =
        Client::start(folder.path(), &server.requests, &broker.subscribers, "bia", &["--channel", "team"]);
    bia.wait_for("joined");
    for round in 0..3 {
        broker.process.kill();
        ana.say(&format!("without a broker {round}"));
        ana.wait_for("sent");
        broker.restart(folder.path());
        bia.hear(&format!("without a broker {round}"));
        server.process.kill();
        ana.say(&format!("without a server {round}"));
        server.restart(folder.path());
        ana.wait_for("sent");
        bia.hear(&format!("without a server {round}"));
    }
}

#[test]
fn a_line_from_a_pipe_is_said_and_the_client_ends() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let mut ana = Client::of(&recado, folder.path(), "ana", &[]);
    ana.say("/create builds");
    ana.wait_for("joined");
    let line = [
        "client",
        "--server",
        &recado.requests,
        "--broker",
        &recado.subscribers,
        "--user",
        "ci",
        "--channel",
        "builds",
    ];
    let mut robot = Run::recado(folder.path(), line).with_input().start();
    robot.write_line("the build is green");
    let ended = robot.wait();
    assert_eq!(ended.code, Some(0), "{:#?}", ended.err);
    assert_eq!(ana.hear("the build is green")["user"], "ci");
}

#[test]
fn a_line_that_cannot_be_said_is_a_failure() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let line = [
        "client",
        "--server",
        &recado.requests,
        "--broker",
        &recado.subscribers,
        "--user",
        "ci",
        "--channel",
        "nowhere",
    ];
    let mut robot = Run::recado(folder.path(), line).with_input().start();
    robot.write_line("is anybody there?");
    let ended = robot.wait();
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.join("\n").contains("nowhere"), "{:#?}", ended.err);
}

#[test]
fn one_message_can_be_followed_through_the_logs() {
    let folder = folder();
    let levels = "recado_client=trace,recado_server=trace,recado_broker=debug,info";
    let up = [
        "up",
        "--requests",
        ANY_PORT,
        "--publishers",
        ANY_PORT,
        "--subscribers",
        ANY_PORT,
        "--log-format",
        "json",
    ];
    let up = Run::recado(folder.path(), up).env("RUST_LOG", levels).start();
    let (requests, subscribers) = (listening(&up, "requests"), listening(&up, "subscribers"));
    let line = [
        "client",
        "--json",
        "--listen",
        "--log-format",
        "json",
        "--user",
        "ana",
        "--server",
        &requests,
        "--broker",
        &subscribers,
    ];
    let mut client = Run::recado(folder.path(), line).env("RUST_LOG", levels).with_input().start();
    client.write_line("/create geral");
    client.write_line("hello");
    let said = |line: &str, what: &str| field(line, "message").as_deref() == Some(what);
    let sent = client.wait_for_log("the message to be sent", |line| said(line, "message sent"));
    let id = field(&sent, "id").expect("it says which");
    let (_, answered) = up
        .err()
        .wait_from(0, |line| said(line, "answered") && line.contains(&id))
        .expect("the server says what it answered");
    let (committed, _) = up
        .err()
        .wait_from(answered, |line| said(line, "turn committed"))
        .expect("the server says how far its log goes");
    let position = field(&committed, "through").expect("it says how far");
    up.wait_for_log("the publication", |line| {
        said(line, "published") && field(line, "position").as_deref() == Some(&position)
    });
    client.wait_for_log("the message to be received", |line| {
        said(line, "message received") && line.contains(&id)
    });
    let ended = up.terminate();
    // The answers to two barriers, of the user's topic and the channel's, came through it too, and perhaps beacons.
    let last = ended.err.iter().find(|line| said(line, "broker ends")).expect("the broker says what it did");
    let last: Value = serde_json::from_str(last).expect("its log is JSON");
    assert!(last["messages_in"].as_u64() >= Some(3), "{last}");
}
