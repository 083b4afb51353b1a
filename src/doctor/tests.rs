use std::time::Duration;

use recado_client::keys::{Distrust, Profile};
use recado_proto::UserName;
use recado_server::store::{Examined, Holder};
use recado_zmtp::curve::PublicKey;

use super::facts::{
    AskedWith, Clock, Facts, FileState, Greeting, Listener, Mechanism, Secret, SecretKind, Settings, Socket,
    Store, Terminal, Welcome,
};
use super::finding::{Finding, Grade};
use super::judge::judge;

const US: u32 = 1000;
const SERVER_KEY: PublicKey = PublicKey::from_bytes([7; 32]);
const NOW_S: i64 = 1_795_000_000;

fn private(has_form: bool) -> FileState {
    FileState::There { mode: 0o600, owner: US, has_form }
}

fn listener(socket: Socket, endpoint: &str, greeting: Greeting) -> Listener {
    let key = (greeting == answers(Mechanism::Curve)).then_some(SERVER_KEY);
    Listener { socket, endpoint: endpoint.parse().unwrap(), greeting, key }
}

fn answers(mechanism: Mechanism) -> Greeting {
    Greeting::Mechanism(mechanism)
}

/// An installation with security, where nothing is to be said.
fn well() -> Facts {
    let secret =
        |kind, name: &str| Secret { kind, path: format!("/home/ana/{name}").into(), state: private(true) };
    let examined = Examined {
        layout: Some(2),
        is_writable: true,
        is_private: true,
        holder: Holder::Process(Some(42)),
        sqlite: "3.52.0".to_owned(),
    };
    Facts {
        settings: Settings::Read("recado.toml".into()),
        user: US,
        data_folder: Some((
            "/home/ana/recado".into(),
            FileState::There { mode: 0o755, owner: US, has_form: true },
        )),
        may_write: true,
        joined: None,
        secrets: vec![
            secret(SecretKind::InstallationKey, "installation.key"),
            secret(SecretKind::DeviceKey, "device.key"),
            secret(SecretKind::KnownServers, "known_servers"),
        ],
        store: Store { path: "/srv/recado.db".into(), file: Ok(examined), free_bytes: Some(1 << 40) },
        listeners: vec![
            listener(Socket::Requests, "tcp://0.0.0.0:5555", answers(Mechanism::Curve)),
            listener(Socket::Subscribers, "tcp://0.0.0.0:5558", answers(Mechanism::Curve)),
        ],
        welcome: Some(Welcome::User(AskedWith::Device, "ana".to_owned())),
        broker_version: Some(Ok(env!("CARGO_PKG_VERSION").to_owned())),
        clock: Clock {
            now_s: NOW_S,
            server_s: Some(NOW_S),
            clock_went: Duration::from_millis(300),
            time_passed: Duration::from_millis(301),
        },
        open_files_max: Some(1 << 20),
        terminal: Terminal {
            is_terminal: true,
            name: Some("xterm-256color".to_owned()),
            locale: Some("pt_BR.UTF-8".to_owned()),
            has_colours: true,
        },
    }
}

/// What is said of a point after something was changed.
fn check(point: &str, grade: Grade, part: &str, change: impl FnOnce(&mut Facts)) {
    let mut facts = well();
    change(&mut facts);
    let findings = judge(&facts);
    let found = findings.iter().find(|finding| finding.point == point);
    let Some(found) = found else { panic!("nothing is said of {point}") };
    assert_eq!(found.grade, grade, "{found:?}");
    assert_eq!(found.advice.is_some(), grade != Grade::Ok, "{found:?}");
    let said = format!("{} {}", found.says, found.advice.as_deref().unwrap_or_default());
    assert!(said.contains(part), "{found:?}");
    let others: Vec<&Finding> =
        findings.iter().filter(|finding| finding.point != point && finding.grade != Grade::Ok).collect();
    assert!(others.is_empty(), "{others:?}");
}

#[test]
fn of_a_good_installation_all_is_well() {
    let findings = judge(&well());
    assert!(findings.iter().all(|finding| finding.grade == Grade::Ok), "{findings:#?}");
    let points: Vec<_> = findings.iter().map(|finding| finding.point).collect();
    let mut once = points.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), points.len(), "each point has a word of its own");
}

#[test]
fn a_new_machine_has_nothing_and_that_is_well() {
    check("settings", Grade::Ok, "none is needed", |facts| {
        facts.settings = Settings::None;
        facts.data_folder = Some(("/home/ana/recado".into(), FileState::Missing));
        facts.secrets.iter_mut().for_each(|secret| secret.state = FileState::Missing);
        facts.store.file = facts.store.file.clone().map(|found| Examined { layout: None, ..found });
        facts.clock.server_s = None;
        facts.welcome = None;
        facts.broker_version = None;
    });
}

#[test]
fn a_settings_file_that_cannot_be_meant_is_a_problem() {
    check("settings", Grade::Problem, "no section [sever]", |facts| {
        facts.settings = Settings::Refused("recado.toml: there is no section [sever]".to_owned());
    });
}

#[test]
fn keys_that_others_can_read_are_a_problem_and_the_command_that_mends_it_is_told() {
    for mode in [0o640, 0o604, 0o660, 0o644, 0o601] {
        check("device-key", Grade::Problem, "chmod 600", |facts| {
            facts.secrets[1].state = FileState::There { mode, owner: US, has_form: true };
        });
    }
    check("installation-key", Grade::Problem, "'/home/ana/my keys'", |facts| {
        facts.secrets[0].path = "/home/ana/my keys".into();
        facts.secrets[0].state = FileState::There { mode: 0o644, owner: US, has_form: true };
    });
    check("installation-key", Grade::Problem, "number 0", |facts| {
        facts.secrets[0].state = FileState::There { mode: 0o600, owner: 0, has_form: true };
    });
    check("installation-key", Grade::Problem, "damaged", |facts| facts.secrets[0].state = private(false));
    check("known-servers", Grade::Problem, "damaged", |facts| facts.secrets[2].state = private(false));
    check("device-key", Grade::Problem, "denied", |facts| {
        facts.secrets[1].state = FileState::Unreadable("device.key: permission denied".to_owned());
    });
}

#[test]
fn a_folder_in_which_others_can_exchange_keys_is_a_problem() {
    check("data-folder", Grade::Problem, "chmod go-w", |facts| {
        facts.data_folder.as_mut().unwrap().1 = FileState::There { mode: 0o777, owner: US, has_form: true };
    });
    check("data-folder", Grade::Warning, "number 7", |facts| {
        facts.data_folder.as_mut().unwrap().1 = FileState::There { mode: 0o755, owner: 7, has_form: true };
    });
    check("data-folder", Grade::Problem, "HOME", |facts| facts.data_folder = None);
    check("data-folder", Grade::Problem, "chmod u+wx", |facts| facts.may_write = false);
    check("data-folder", Grade::Problem, "cannot make it", |facts| {
        facts.may_write = false;
        facts.data_folder.as_mut().unwrap().1 = FileState::Missing;
    });
}

#[test]
fn the_store_and_its_disk_are_judged() {
    check("store", Grade::Problem, "is not a Recado store", |facts| {
        facts.store.file = Err("x is not a Recado store".to_owned());
    });
    check("store", Grade::Warning, "only be read", |facts| {
        facts.store.file = facts.store.file.clone().map(|found| Examined { is_writable: false, ..found });
    });
    check("store", Grade::Warning, "chmod 600 '/srv/re cado.db'*", |facts| {
        facts.store.path = "/srv/re cado.db".into();
        facts.store.file = facts.store.file.clone().map(|found| Examined { is_private: false, ..found });
    });
    check("store", Grade::Ok, "process 42 has it", |_| {});
    check("disk", Grade::Warning, "512 MiB", |facts| facts.store.free_bytes = Some(512 << 20));
    check("disk", Grade::Problem, "make room", |facts| facts.store.free_bytes = Some(99 << 20));
    check("disk", Grade::Warning, "df", |facts| facts.store.free_bytes = None);
}

#[test]
fn listeners_are_judged_by_where_they_are_and_what_they_want() {
    let requests = |endpoint: &'static str, greeting: Greeting| {
        move |facts: &mut Facts| facts.listeners = vec![listener(Socket::Requests, endpoint, greeting)]
    };
    let (local, anywhere) = ("tcp://127.0.0.1:5555", "tcp://*:5555");
    check("requests", Grade::Ok, "open", requests(local, answers(Mechanism::Null)));
    check("requests", Grade::Ok, "secured", requests(anywhere, answers(Mechanism::Curve)));
    check("requests", Grade::Warning, "--secure", requests(anywhere, answers(Mechanism::Null)));
    check("requests", Grade::Warning, "recado up", requests(local, Greeting::Nobody("refused".to_owned())));
    check("requests", Grade::Problem, "else than ZeroMQ", requests(local, Greeting::Other));
    let plain = answers(Mechanism::Other("PLAIN".to_owned()));
    check("requests", Grade::Problem, "PLAIN", requests(local, plain));
    check("security", Grade::Problem, "one key file", |facts| {
        facts.listeners[1] = listener(Socket::Subscribers, "tcp://127.0.0.1:5558", answers(Mechanism::Null));
    });
}

#[test]
fn listeners_of_one_system_have_one_key() {
    check("security", Grade::Problem, "tcp://0.0.0.0:5558 have different keys", |facts| {
        facts.listeners[1].key = Some(PublicKey::from_bytes([8; 32]));
    });
}

#[test]
fn whom_a_secured_server_takes_one_for_is_judged() {
    let welcome = |welcome: Welcome| move |facts: &mut Facts| facts.welcome = Some(welcome);
    check("membership", Grade::Ok, "key is ana's at tcp://0.0.0.0:5555", |_| {});
    check("membership", Grade::Warning, "recado join LINK", welcome(Welcome::Stranger(AskedWith::Device)));
    for with in [AskedWith::Installation, AskedWith::Passing] {
        check("membership", Grade::Ok, "has not joined", welcome(Welcome::Stranger(with)));
    }
    let installation = Welcome::User(AskedWith::Installation, "ana".to_owned());
    check("membership", Grade::Warning, "the installation's key is ana's", welcome(installation));
    let silent = Welcome::Silent("the connection ended".to_owned());
    check("membership", Grade::Problem, "the connection ended", welcome(silent));
    let (known, found) = (PublicKey::from_bytes([8; 32]), SERVER_KEY);
    let endpoint = "tcp://0.0.0.0:5555".parse().unwrap();
    let changed = Welcome::Distrusted(Box::new(Distrust::Changed { endpoint, known, found }));
    check("membership", Grade::Problem, &known.fingerprint(), welcome(changed.clone()));
    check("membership", Grade::Problem, "recado keys forget tcp://0.0.0.0:5555", welcome(changed));
}

#[test]
fn where_one_has_joined_is_what_is_judged_and_nobody_is_told_to_start_another_one() {
    let (server, broker) = ("tcp://127.0.0.1:5555", "tcp://127.0.0.1:5558");
    let user = UserName::parse("bia").unwrap();
    let profile = || Profile {
        server: server.parse().unwrap(),
        broker: broker.parse().unwrap(),
        user: user.clone(),
        device_key: None,
    };
    check("joined", Grade::Ok, "tcp://127.0.0.1:5555 as bia", |facts| facts.joined = Some(Ok(profile())));
    check("joined", Grade::Problem, "recado leave", |facts| {
        facts.joined = Some(Err("joined.toml is damaged; `recado leave --keep` removes it".to_owned()));
    });
    let nobody = || vec![listener(Socket::Requests, server, Greeting::Nobody("refused".to_owned()))];
    check("requests", Grade::Warning, "ask whoever runs it", |facts| {
        facts.joined = Some(Ok(profile()));
        facts.listeners = nobody();
    });
    check("requests", Grade::Warning, "start one with `recado up`", |facts| facts.listeners = nobody());
    check("requests", Grade::Warning, "ask whoever runs it", |facts| {
        let refused = Greeting::Nobody("refused".to_owned());
        facts.listeners = vec![listener(Socket::Requests, "tcp://10.0.0.7:5555", refused)];
    });
}

#[test]
fn clocks_are_judged() {
    check("clock", Grade::Ok, "agree", |facts| facts.clock.server_s = Some(NOW_S - 5));
    check("clock", Grade::Warning, "6 s", |facts| facts.clock.server_s = Some(NOW_S + 6));
    check("clock", Grade::Problem, "3600 s", |facts| facts.clock.server_s = Some(NOW_S - 3600));
    check("clock", Grade::Problem, "cannot be", |facts| facts.clock.now_s = 0);
    check("clock", Grade::Problem, "cannot be", |facts| facts.clock.now_s = i64::MIN);
    check("clock", Grade::Warning, "again and again", |facts| {
        facts.clock.clock_went = Duration::ZERO.max(Duration::from_secs(9))
    });
    check("clock", Grade::Ok, "no server", |facts| facts.clock.server_s = None);
}

#[test]
fn the_machine_is_judged() {
    check("open-files", Grade::Warning, "LimitNOFILE", |facts| facts.open_files_max = Some(1024));
    check("open-files", Grade::Ok, "any number", |facts| facts.open_files_max = None);
    check("broker-version", Grade::Warning, "9.9.9", |facts| {
        facts.broker_version = Some(Ok("9.9.9".to_owned()))
    });
    check("broker-version", Grade::Warning, "no answer", |facts| {
        facts.broker_version = Some(Err("no answer within 3s".to_owned()));
    });
    check("broker-version", Grade::Warning, "the installation's key", |facts| {
        facts.listeners.push(listener(Socket::Status, "tcp://127.0.0.1:5559", answers(Mechanism::Curve)));
        facts.broker_version = Some(Err("the connection ended".to_owned()));
    });
    check("terminal", Grade::Warning, "--plain", |facts| facts.terminal.name = Some("dumb".to_owned()));
    check("terminal", Grade::Warning, "UTF-8", |facts| facts.terminal.locale = Some("C".to_owned()));
    check("terminal", Grade::Ok, "lines", |facts| facts.terminal = Terminal::default());
}
