//! From what was found out to what is said of it. No files, no sockets, no clock.

use std::{path::Path, time::Duration};

use recado_client::keys::{Distrust, Profile};
use recado_server::store::Holder;

use super::facts::{
    AskedWith, Clock, Facts, FileState, Greeting, Listener, Mechanism, Secret, SecretKind, Settings, Socket,
    Store, Terminal, Welcome,
};
use super::finding::Finding;
use crate::pair::reachable;

/// Below this a store soon stands still.
const DISK_BYTES_LEAST: u64 = 100 * 1024 * 1024;
/// Below this it is time to look after the disk.
const DISK_BYTES_COMFORTABLE: u64 = 1024 * 1024 * 1024;
/// Each connection is an open file, and the parts have some of their own.
const OPEN_FILES_COMFORTABLE: u64 = 4096;
/// Clocks that differ by more than this give times that look wrong to people.
const CLOCK_DIFFERENCE_NOTICED_S: u64 = 5;
/// Clocks that differ by more than this mislead whatever expires.
const CLOCK_DIFFERENCE_MAX_S: u64 = 60;
/// What a clock may be off from an even run while somebody looks.
const CLOCK_JUMP: Duration = Duration::from_secs(1);
/// From the beginning of 2025 to that of 2100: a clock that shows something else was never set.
const PLAUSIBLE_S: std::ops::Range<i64> = 1_735_689_600..4_102_444_800;

/// All points, in the order in which they are best mended.
pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    let mut findings = vec![program(), settings(&facts.settings), data_folder(facts)];
    findings.extend(facts.secrets.iter().map(|file| secret(file, facts.user)));
    findings.push(store(&facts.store));
    findings.push(disk(&facts.store));
    findings.extend(facts.joined.as_ref().map(joined));
    let is_member = matches!(facts.joined, Some(Ok(_)));
    findings.extend(facts.listeners.iter().map(|found| listener(found, is_member)));
    findings.extend(mixed_listeners(&facts.listeners).or_else(|| different_keys(&facts.listeners)));
    findings.extend(facts.welcome.as_ref().map(|welcome| membership(welcome, &facts.listeners)));
    findings.extend(facts.broker_version.as_ref().map(|version| broker_version(version, &facts.listeners)));
    findings.push(clock(&facts.clock));
    findings.push(open_files(facts.open_files_max));
    findings.push(terminal(&facts.terminal));
    findings
}

fn program() -> Finding {
    Finding::ok("program", format!("recado {}", env!("CARGO_PKG_VERSION")))
}

fn settings(settings: &Settings) -> Finding {
    match settings {
        Settings::None => Finding::ok("settings", "there is no settings file, and none is needed"),
        Settings::Read(path) => Finding::ok("settings", format!("{} can be read", path.display())),
        Settings::Refused(why) => Finding::problem(
            "settings",
            why,
            "mend the file; until then the other points are judged without it",
        ),
    }
}

fn data_folder(facts: &Facts) -> Finding {
    const POINT: &str = "data-folder";
    let Some((path, state)) = &facts.data_folder else {
        let why = "there is no HOME and no XDG_DATA_HOME";
        return Finding::problem(POINT, why, "set HOME, or name files with --store and --key");
    };
    let shown = path.display();
    match state {
        FileState::Missing if !facts.may_write => {
            let says = format!("{shown} is not there, and this user cannot make it");
            Finding::problem(POINT, says, "give this user the folder above it, or set HOME to one of its own")
        }
        FileState::Missing => Finding::ok(POINT, format!("{shown} will be made when it is needed")),
        FileState::Unreadable(why) => {
            Finding::problem(POINT, why, format!("give this user the folder {shown}"))
        }
        FileState::There { owner, .. } if *owner != facts.user => {
            let says = format!("{shown} belongs to another user (number {owner})");
            Finding::warning(POINT, says, format!("chown it to this user: {}", quoted(path)))
        }
        FileState::There { mode, .. } if mode & 0o022 != 0 => {
            let says = format!("{shown} can be written to by others, who could exchange the keys in it");
            Finding::problem(POINT, says, format!("chmod go-w {}", quoted(path)))
        }
        FileState::There { .. } if !facts.may_write => {
            let says = format!("{shown} cannot be written to by this user");
            Finding::problem(POINT, says, format!("chmod u+wx {}", quoted(path)))
        }
        FileState::There { .. } => Finding::ok(POINT, shown.to_string()),
    }
}

fn secret(file: &Secret, user: u32) -> Finding {
    let (point, absent) = match file.kind {
        SecretKind::InstallationKey => {
            ("installation-key", "no key of an installation: it is made at the first start with --secure")
        }
        SecretKind::DeviceKey => {
            ("device-key", "no key of a device: it is made when this user first joins a secured system")
        }
        SecretKind::KnownServers => ("known-servers", "no secured server was met yet"),
    };
    let shown = file.path.display();
    match &file.state {
        FileState::Missing => Finding::ok(point, absent),
        FileState::Unreadable(why) => {
            Finding::problem(point, why, format!("give this user the file {shown}"))
        }
        FileState::There { owner, .. } if *owner != user => {
            let says = format!("{shown} belongs to another user (number {owner})");
            Finding::problem(point, says, format!("chown it to the user who uses it: {}", quoted(&file.path)))
        }
        FileState::There { mode, .. } if mode & 0o077 != 0 => {
            let says = format!("{shown} is not its owner's alone (mode {:03o})", mode & 0o777);
            let advice = match file.kind {
                SecretKind::InstallationKey | SecretKind::DeviceKey => {
                    "chmod 600 it; if others may have read it, use a new key"
                }
                SecretKind::KnownServers => {
                    "chmod 600 it; if others may have written to it, look through its lines"
                }
            };
            Finding::problem(point, says, format!("{advice}: {}", quoted(&file.path)))
        }
        FileState::There { has_form: false, .. } => {
            let says = format!("{shown} is damaged, or something else");
            Finding::problem(point, says, "put a copy of it back, or move it away to begin anew")
        }
        FileState::There { .. } => Finding::ok(point, format!("{shown} is whole, and its owner's alone")),
    }
}

fn store(store: &Store) -> Finding {
    const POINT: &str = "store";
    let shown = store.path.display();
    let found = match &store.file {
        Ok(found) => found,
        Err(why) => return Finding::problem(POINT, why, "as it says"),
    };
    let holder = match found.holder {
        Holder::Nobody => "no server has it".to_owned(),
        Holder::Process(None) => "a server has it".to_owned(),
        Holder::Process(Some(id)) => format!("process {id} has it"),
    };
    match found.layout {
        None => Finding::ok(
            POINT,
            format!("{shown} is not there yet: a server makes it (SQLite {})", found.sqlite),
        ),
        Some(_) if !found.is_writable => {
            let says = format!("{shown} can only be read by this user");
            Finding::warning(
                POINT,
                says,
                "run the server as the user whose it is, or give this user the file and its folder",
            )
        }
        Some(_) if !found.is_private => {
            let says = format!("{shown}, or what lies beside it, can be read or written by others");
            Finding::warning(POINT, says, format!("chmod 600 {}*", quoted(&store.path)))
        }
        Some(layout) => {
            Finding::ok(POINT, format!("{shown} has layout {layout}, {holder} (SQLite {})", found.sqlite))
        }
    }
}

fn disk(store: &Store) -> Finding {
    const POINT: &str = "disk";
    let Some(free) = store.free_bytes else {
        let says = format!("how much room there is for {} is not known", store.path.display());
        return Finding::warning(POINT, says, "look at it with df");
    };
    let says = format!("{} MiB are free where the store is", free / (1024 * 1024));
    if free < DISK_BYTES_LEAST {
        Finding::problem(POINT, says, "make room: a server whose disk is full ends")
    } else if free < DISK_BYTES_COMFORTABLE {
        Finding::warning(POINT, says, "make room before it gets less than 100 MiB")
    } else {
        Finding::ok(POINT, says)
    }
}

/// Where this device has joined.
fn joined(joined: &Result<Profile, String>) -> Finding {
    const POINT: &str = "joined";
    match joined {
        Ok(Profile { server, broker, user, .. }) => {
            Finding::ok(POINT, format!("this device has joined {server} as {user}; its broker is {broker}"))
        }
        Err(why) => Finding::problem(POINT, why, "until then the points below are about this machine alone"),
    }
}

fn listener(listener: &Listener, is_member: bool) -> Finding {
    let Listener { socket, endpoint, greeting, key: _ } = listener;
    let (point, option) = match socket {
        Socket::Requests => ("requests", "--requests"),
        Socket::Publishers => ("publishers", "--publishers"),
        Socket::Subscribers => ("subscribers", "--subscribers"),
        Socket::Status => ("status", "--status"),
    };
    // An open one in the place of somebody's secured one would be another one.
    let is_ours = !is_member && reachable(endpoint).is_loopback();
    let start = match socket {
        Socket::Status => "start the broker with --status, or name where it tells with --status".to_owned(),
        Socket::Requests | Socket::Publishers | Socket::Subscribers if is_ours => {
            format!("start one with `recado up`, or name where it listens with {option}")
        }
        Socket::Requests | Socket::Publishers | Socket::Subscribers => {
            format!("ask whoever runs it, or name where it listens with {option}")
        }
    };
    match greeting {
        Greeting::Nobody(why) => {
            Finding::warning(point, format!("nobody answers at {endpoint}: {why}"), start)
        }
        Greeting::Other => {
            let says = format!("something else than ZeroMQ answers at {endpoint}");
            Finding::problem(point, says, format!("look what has the address; {start}"))
        }
        Greeting::Mechanism(Mechanism::Other(name)) => {
            let says =
                format!("what answers at {endpoint} wants the mechanism {name:?}, which is not Recado's");
            Finding::problem(point, says, format!("look what has the address; {start}"))
        }
        Greeting::Mechanism(Mechanism::Curve) => {
            Finding::ok(point, format!("{endpoint} answers, secured (CURVE)"))
        }
        Greeting::Mechanism(Mechanism::Null) if endpoint.is_loopback() => {
            Finding::ok(point, format!("{endpoint} answers, open (NULL), on this machine alone"))
        }
        Greeting::Mechanism(Mechanism::Null) => {
            let says =
                format!("{endpoint} answers, open (NULL): whoever reaches it can read and write everything");
            Finding::warning(
                point,
                says,
                "start it with --secure, unless everybody on that network may do so",
            )
        }
    }
}

/// A secured listener beside an open one protects little.
fn mixed_listeners(listeners: &[Listener]) -> Option<Finding> {
    let is = |listener: &Listener, mechanism: Mechanism| listener.greeting == Greeting::Mechanism(mechanism);
    let secured = listeners.iter().find(|listener| is(listener, Mechanism::Curve))?;
    let open = listeners.iter().find(|listener| is(listener, Mechanism::Null))?;
    let says = format!("{} is secured and {} is open", secured.endpoint, open.endpoint);
    Some(Finding::problem(
        "security",
        says,
        "start broker and server alike, both with --secure and one key file",
    ))
}

/// Secured listeners of one system have one key.
fn different_keys(listeners: &[Listener]) -> Option<Finding> {
    let mut keys = listeners.iter().filter_map(|listener| Some((&listener.endpoint, listener.key?)));
    let (first, key) = keys.next()?;
    let (other, _) = keys.find(|(_, other)| *other != key)?;
    Some(Finding::problem(
        "security",
        format!(
            "{first} and {other} have different keys: they are not of one system, and nothing goes between them"
        ),
        "start broker and server with one key file: copy it from one machine to the other, and name it with --key",
    ))
}

/// Whom the server takes this machine for.
fn membership(welcome: &Welcome, listeners: &[Listener]) -> Finding {
    const POINT: &str = "membership";
    let server = listeners.iter().find(|listener| listener.socket == Socket::Requests);
    let at = server.map_or_else(String::new, |listener| listener.endpoint.to_string());
    match welcome {
        Welcome::User(AskedWith::Installation, user) => Finding::warning(
            POINT,
            format!("the installation's key is {user}'s at {at}, too"),
            "revoke it there: recado keys",
        ),
        Welcome::User(AskedWith::Device | AskedWith::Passing, user) => {
            Finding::ok(POINT, format!("this device's key is {user}'s at {at}"))
        }
        Welcome::Stranger(AskedWith::Device) => Finding::warning(
            POINT,
            format!("this device's key is no user's at {at}"),
            "join with `recado join LINK`; if you were in already, ask an administrator: the key was revoked, or you are banned",
        ),
        Welcome::Stranger(AskedWith::Installation | AskedWith::Passing) => {
            let says = format!("this device has not joined {at}; where it should: recado join LINK");
            Finding::ok(POINT, says)
        }
        Welcome::Distrusted(distrust) => {
            let advice = format!(
                "ask whoever runs the server which fingerprint it has; only if it is the new one: recado keys forget {at}"
            );
            Finding::problem(POINT, distrusted(distrust), advice)
        }
        Welcome::Silent(why) => Finding::problem(
            POINT,
            format!("{at} is secured, and does not answer as a server does: {why}"),
            "look into the server's log, and whether --requests names a server",
        ),
    }
}

fn distrusted(distrust: &Distrust) -> String {
    match distrust {
        Distrust::Changed { endpoint, known, found } => format!(
            "{endpoint} has another key than the one that is known: {} instead of {}",
            found.fingerprint(),
            known.fingerprint()
        ),
        Distrust::Opened { endpoint, .. } | Distrust::Secured { endpoint, .. } => {
            format!("{endpoint}: {}", distrust.brief())
        }
    }
}

fn broker_version(version: &Result<String, String>, listeners: &[Listener]) -> Finding {
    const POINT: &str = "broker-version";
    let is_secured =
        listeners.iter().any(|listener| listener.socket == Socket::Status && listener.key.is_some());
    match version {
        Ok(version) if version == env!("CARGO_PKG_VERSION") => {
            Finding::ok(POINT, format!("the broker is recado {version}, as this program"))
        }
        Ok(version) => {
            let says = format!("the broker is recado {version}, this program {}", env!("CARGO_PKG_VERSION"));
            Finding::warning(
                POINT,
                says,
                "they understand each other; restart the older one when it suits you",
            )
        }
        Err(why) if is_secured => Finding::warning(
            POINT,
            format!("the broker does not tell its version to this machine's keys: {why}"),
            "it tells administrators, and who has the installation's key: name that with --key",
        ),
        Err(why) => Finding::warning(
            POINT,
            format!("the broker does not tell its version: {why}"),
            "is it what the broker was given as its --status?",
        ),
    }
}

fn clock(clock: &Clock) -> Finding {
    const POINT: &str = "clock";
    const SYNCHRONISE: &str = "let the machine set its clock from the network (NTP)";
    if !PLAUSIBLE_S.contains(&clock.now_s) {
        let says = format!("the clock shows {} seconds since 1970, which cannot be", clock.now_s);
        return Finding::problem(POINT, says, SYNCHRONISE);
    }
    if clock.clock_went.abs_diff(clock.time_passed) > CLOCK_JUMP {
        let says = format!("the clock went on by {:.1?} within {:.1?}", clock.clock_went, clock.time_passed);
        return Finding::warning(POINT, says, "something sets it again and again; let only one thing do so");
    }
    let Some(server) = clock.server_s else {
        return Finding::ok(POINT, "the clock is plausible; there was no server to compare it with");
    };
    let difference = clock.now_s.abs_diff(server);
    let says = format!("this clock and the server's differ by {difference} s");
    if difference > CLOCK_DIFFERENCE_MAX_S {
        Finding::problem(POINT, says, format!("codes seem to expire too early or too late; {SYNCHRONISE}"))
    } else if difference > CLOCK_DIFFERENCE_NOTICED_S {
        Finding::warning(POINT, says, SYNCHRONISE)
    } else {
        Finding::ok(POINT, "this clock and the server's agree")
    }
}

fn open_files(maximum: Option<u64>) -> Finding {
    const POINT: &str = "open-files";
    match maximum {
        Some(maximum) if maximum < OPEN_FILES_COMFORTABLE => {
            let says = format!("a process may have {maximum} files open, and each connection is one");
            let advice = format!(
                "raise the hard limit to {OPEN_FILES_COMFORTABLE} or more (ulimit -Hn, LimitNOFILE=)"
            );
            Finding::warning(POINT, says, advice)
        }
        Some(maximum) => Finding::ok(POINT, format!("a process may have {maximum} files open")),
        None => Finding::ok(POINT, "a process may have any number of files open"),
    }
}

fn terminal(terminal: &Terminal) -> Finding {
    const POINT: &str = "terminal";
    if !terminal.is_terminal {
        return Finding::ok(POINT, "the output is no terminal: the chat prints lines there");
    }
    let name = terminal.name.as_deref().unwrap_or_default();
    if name.is_empty() || name == "dumb" {
        let says = "the terminal does not say what it can do (TERM)";
        return Finding::warning(POINT, says, "set TERM to what it is, or chat with --plain");
    }
    let locale = terminal.locale.as_deref().unwrap_or_default();
    let is_utf8 = ["utf-8", "utf8"].iter().any(|ending| locale.to_ascii_lowercase().ends_with(ending));
    if !is_utf8 {
        let says = format!("the locale {locale:?} is not one of UTF-8: accents and emoji may be garbled");
        return Finding::warning(POINT, says, "set LANG to a UTF-8 locale, such as C.UTF-8 or pt_BR.UTF-8");
    }
    let colours = if terminal.has_colours { "with colours" } else { "without colours" };
    Finding::ok(POINT, format!("{name}, {colours}"))
}

/// The path as a shell takes it.
fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    let is_plain = |sign: char| sign.is_ascii_alphanumeric() || "/._-+,@".contains(sign);
    if path.chars().all(is_plain) { path } else { format!("'{}'", path.replace('\'', "'\\''")) }
}
