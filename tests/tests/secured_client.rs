//! People's side of a secured system, with the real program: joining, further devices, revoking them, and servers that are not the ones
//! that are meant.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use recado_tests::{
    parts::{ANY_PORT, folder, store_url},
    process::{Ended, Process, Run},
    secured::Secured,
};
use tempfile::TempDir;

/// A device: a home of its own.
struct Device(TempDir);

impl Device {
    fn new() -> Device {
        Device(folder())
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        Run::recado(self.0.path(), arguments).to_end()
    }

    fn start(&self, arguments: &[&str]) -> Process {
        Run::recado(self.0.path(), arguments).start()
    }

    /// What it prints, having succeeded.
    #[track_caller]
    fn prints(&self, arguments: &[&str]) -> Vec<String> {
        let ended = self.run(arguments);
        assert_eq!(ended.code, Some(0), "{arguments:?}: {:#?}", ended.err);
        ended.out
    }

    /// What it says, having failed.
    #[track_caller]
    fn fails(&self, arguments: &[&str]) -> String {
        let ended = self.run(arguments);
        assert_eq!(ended.code, Some(1), "{arguments:?}: {:#?} {:#?}", ended.out, ended.err);
        ended.err.join("\n")
    }

    /// A device that has joined by this link.
    #[track_caller]
    fn joined(link: &str, further: &[&str]) -> Device {
        let device = Device::new();
        device.prints(&[&["join", link], further].concat());
        device
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(".local/share/recado").join(name)
    }
}

/// The link in what `recado admin invite` and `recado keys device` print.
#[track_caller]
fn link_in(lines: &[String]) -> String {
    let mut words = lines.iter().flat_map(|line| line.split('\''));
    words.find(|word| word.starts_with("recado://")).expect("a link is printed").to_owned()
}

/// A secured system with its first administrator.
fn secured(folder: &Path) -> (Secured, Device) {
    let system = Secured::up(folder);
    let link = system.link.clone().expect("nobody is administrator yet");
    (system, Device::joined(&link, &["--user", "ana"]))
}

#[test]
fn five_commands_make_a_chat_for_two() {
    let folder = folder();
    let (_system, ana) = secured(folder.path());
    let bia = Device::joined(&link_in(&ana.prints(&["admin", "invite"])), &["--user", "bia"]);
    let mut chat = Run::recado(ana.0.path(), ["client"]).with_input().start();
    chat.write_line("/create geral");
    chat.write_line("hello");
    chat.close_input();
    assert_eq!(chat.wait().code, Some(0));
    bia.prints(&["send", "geral", "hi", "there"]);
    let heard = ana.prints(&["history", "geral"]);
    assert!(
        heard[0].ends_with("#geral ana: hello") && heard[1].ends_with("#geral bia: hi there"),
        "{heard:?}"
    );
    assert_eq!(bia.prints(&["users"]), ["ana", "bia"]);
    for file in ["device.key", "known_servers", "joined.toml"] {
        let mode = fs::metadata(ana.file(file)).expect("it was made").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

#[test]
fn where_one_has_joined_is_gone_to_unless_another_place_is_named() {
    let folder = folder();
    let (system, ana) = secured(folder.path());
    let printed = ana.prints(&["client", "--print-config"]).join("\n");
    let origin = format!("# {}", ana.file("joined.toml").display());
    assert!(printed.contains(&format!("server = [\"{}\"]  {origin}", system.requests)), "{printed}");
    assert!(printed.contains(&format!("user = \"ana\"  {origin}")), "{printed}");
    let elsewhere = ana.prints(&["client", "--server", "tcp://127.0.0.1:1", "--print-config"]).join("\n");
    assert!(elsewhere.contains("# user is not set"), "{elsewhere}");
    let error = ana.fails(&["history", "geral", "--user", "bia"]);
    assert!(error.contains("this device's key is ana's, not bia's"), "{error}");
}

#[test]
fn a_code_is_good_once_and_a_link_that_is_cut_short_is_bad_usage() {
    let folder = folder();
    let (system, ana) = secured(folder.path());
    let first = system.link.clone().expect("it had one");
    let late = Device::new();
    let error = late.fails(&["join", &first, "--user", "eva"]);
    assert!(error.contains("the code is not valid"), "{error}");
    let link = link_in(&ana.prints(&["admin", "invite", "bia"]));
    let cut = late.run(&["join", &link[..link.len() - 3]]);
    assert_eq!(cut.code, Some(2), "{:#?}", cut.err);
    let error = late.fails(&["users", "--server", &system.requests]);
    assert!(error.contains("is secured, and is not known here yet"), "{error}");
    assert!(error.contains("recado join LINK"), "{error}");
    // The invitation names her.
    late.prints(&["join", &link]);
    assert_eq!(late.prints(&["users"]), ["ana", "bia"]);
    let taken = Device::new();
    let link = link_in(&ana.prints(&["admin", "invite"]));
    let error = taken.fails(&["join", &link, "--user", "bia"]);
    assert!(error.contains("bia is taken"), "{error}");
    let error = taken.fails(&["join", &link, "--user", "Bia"]);
    assert!(error.contains("Bia is taken, or looks like a name that is"), "{error}");
    let error = taken.fails(&["join", &link]);
    assert!(error.contains("say who you want to be"), "{error}");
}

#[test]
fn a_device_that_is_revoked_hears_and_says_no_more() {
    let folder = folder();
    let (_system, ana) = secured(folder.path());
    let mut chat = Run::recado(ana.0.path(), ["client"]).with_input().start();
    chat.write_line("/create geral");
    chat.write_line("one");
    chat.close_input();
    assert_eq!(chat.wait().code, Some(0));
    let tablet = Device::joined(&link_in(&ana.prints(&["keys", "device"])), &["--device", "tablet"]);
    let listener = tablet.start(&["tail", "geral"]);
    listener.wait_for_output("what was said", |line| line.ends_with("one"));
    let keys = ana.prints(&["keys"]);
    assert_eq!(keys.iter().filter(|line| line.ends_with(", this device")).count(), 1, "{keys:?}");
    let of_tablet = keys.iter().find(|line| line.ends_with("tablet")).expect("it is listed");
    ana.prints(&["keys", "revoke", &of_tablet[..9]]);
    listener.wait_for_log("its connection to end", |line| {
        line.contains("away: the peer does not admit this key")
    });
    ana.prints(&["send", "geral", "two"]);
    let error = tablet.fails(&["send", "geral", "three"]);
    assert!(error.contains("this device is not known to the server; join with: recado join LINK"), "{error}");
    assert!(!listener.terminate().out.iter().any(|line| line.ends_with("two")), "it still hears");
    assert_eq!(ana.prints(&["keys"]).len(), 1);
    let done = ana.prints(&["admin", "audit"]).join("\n");
    assert!(done.contains("revoke_key"), "{done}");
}

#[test]
fn a_server_that_is_not_the_one_that_is_meant_gets_nothing_and_everybody_is_told_loudly() {
    let folder = folder();
    let (system, ana) = secured(folder.path());
    let (requests, subscribers) = (system.requests.clone(), system.subscribers.clone());
    let known = system.key;
    system.process.terminate();
    let places = ["--requests", &requests, "--subscribers", &subscribers];
    let elsewhere = recado_tests::parts::folder();
    let other = Secured::up_with(elsewhere.path(), &places);
    for line in [&["send", "geral", "secret"][..], &["users"], &["client"], &["keys"]] {
        let error = ana.fails(line);
        assert!(error.contains("THE KEY OF THIS SERVER HAS CHANGED"), "{line:?}: {error}");
        for part in
            [&known.fingerprint(), &other.key.fingerprint(), &format!("recado keys forget {requests}")]
        {
            assert!(error.contains(part), "{line:?}: {error}");
        }
    }
    other.process.terminate();
    let store = store_url(&elsewhere.path().join("open.db"));
    let line = ["up", "--requests", &requests, "--subscribers", &subscribers, "--publishers", ANY_PORT];
    let open = Run::recado(elsewhere.path(), line.iter().chain(&["--store", &store])).start();
    open.wait_for_log("it to listen", |line| line.contains("subscribers"));
    let error = ana.fails(&["send", "geral", "secret"]);
    assert!(error.contains("THIS SERVER IS NO LONGER SECURED"), "{error}");
    ana.prints(&["keys", "forget", &requests]);
    assert_eq!(ana.prints(&["users"]), Vec::<String>::new());
}

#[test]
fn a_program_too_many_says_so_and_comes_in_when_another_has_ended() {
    let folder = folder();
    let system = Secured::up_with(folder.path(), &["--broker-connections-per-user", "2"]);
    let ana = Device::joined(&system.link.clone().expect("nobody is administrator yet"), &["--user", "ana"]);
    let mut chat = Run::recado(ana.0.path(), ["client"]).with_input().start();
    chat.write_line("/create geral");
    chat.write_line("one");
    chat.close_input();
    assert_eq!(chat.wait().code, Some(0));
    let listen = || ana.start(&["tail", "geral"]);
    let listeners = [listen(), listen()];
    for listener in &listeners {
        listener.wait_for_output("what was said", |line| line.ends_with("one"));
    }
    let third = listen();
    third.wait_for_log("why it does not hear", |line| {
        line.contains("the peer takes no further connection with this key for now")
    });
    let [first, second] = listeners;
    first.terminate();
    third.wait_for_output("what was said", |line| line.ends_with("one"));
    ana.prints(&["send", "geral", "two"]);
    for listener in [&second, &third] {
        listener.wait_for_output("what is said", |line| line.ends_with("two"));
    }
}

#[test]
fn who_leaves_is_forgotten_on_both_sides() {
    let folder = folder();
    let (_system, ana) = secured(folder.path());
    let bia = Device::joined(&link_in(&ana.prints(&["admin", "invite", "bia"])), &[]);
    bia.prints(&["leave"]);
    assert!(!bia.file("joined.toml").exists() && !bia.file("device.key").exists());
    assert_eq!(ana.prints(&["keys", "--of", "bia"]), Vec::<String>::new());
    assert!(bia.fails(&["leave"]).contains("you have not joined anywhere"));
    // Another device of hers is welcome, and has a new key.
    let code = link_in(&ana.prints(&["keys", "device", "--of", "bia"]));
    bia.prints(&["join", &code]);
    assert_eq!(ana.prints(&["keys", "--of", "bia"]).len(), 1);
}

#[test]
fn a_key_that_others_can_read_is_refused_with_what_to_do() {
    let folder = folder();
    let (_system, ana) = secured(folder.path());
    let key = ana.file("device.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("it is ours");
    let error = ana.fails(&["users"]);
    assert!(error.contains(&format!("chmod 600 {}", key.display())), "{error}");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("it is ours");
    let whole = fs::read_to_string(&key).expect("it is text");
    fs::write(&key, &whole[..whole.len() - 9]).expect("it is ours");
    let error = ana.fails(&["users"]);
    assert!(
        error.contains("holds no key") && !error.contains(whole.lines().last().expect("a key")),
        "{error}"
    );
}

#[test]
fn a_chat_that_starts_a_secured_server_for_itself_is_the_first_administrators() {
    let device = Device::new();
    let place = |name: &str| format!("ipc://{}", device.0.path().join(name).display());
    let (requests, publishers, subscribers) = (place("r"), place("p"), place("s"));
    let settings = format!(
        "[broker]\npublishers = \"{publishers}\"\nsubscribers = \"{subscribers}\"\nsecure = true\n\
         [server]\nrequests = \"{requests}\"\nsecure = true\n\
         [client]\nserver = \"{requests}\"\nbroker = \"{subscribers}\"\n"
    );
    fs::write(device.0.path().join("recado.toml"), settings).expect("the folder is ours");

    // Without a terminal nobody can be asked for a name.
    assert!(device.fails(&[]).contains("say who you want to be: --user NAME"));
    let ended = device.run(&["--user", "ana"]);
    assert_eq!(ended.code, Some(0), "{:#?}", ended.err);
    let said = ended.err.join("\n");
    assert!(said.contains("You are ana there, and administrator") && !said.contains("recado://"), "{said}");
    assert!(said.contains("recado admin invite") && !said.contains("recado client"), "{said}");

    // Who one is there is known from then on, to the chat and to all others.
    let mut chat = Run::recado(device.0.path(), [""; 0]).with_input().start();
    let said =
        chat.wait_for_log("that it has started", |line| line.contains("Started a broker and a server"));
    assert!(!said.contains("You are"), "{said}");
    let keys = device.prints(&["keys"]);
    assert!(keys.iter().any(|line| line.contains("this device")), "{keys:#?}");
    assert!(device.prints(&["admin", "audit"]).iter().any(|line| line.contains("ana")));
    chat.close_input();
    assert_eq!(chat.wait().code, Some(0));
    assert!(device.run(&["--user", "bia"]).err.join("\n").contains("this device's key is ana's, not bia's"));
}
