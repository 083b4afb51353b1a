//! `recado doctor` looks at a real installation: files, store, sockets.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use recado_proto::Role;
use recado_tests::{
    parts::{ANY_PORT, Broker, Server, folder, listening, store_url},
    process::{Ended, Run},
    secured::{Person, Secured},
};
use serde_json::Value;

const KEY: &str = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs";

/// Looks where nobody listens, but for what is said.
fn doctor(folder: &Path, options: &[&str]) -> Ended {
    let nowhere = |name: &str| format!("ipc://{}", folder.join(name).display());
    let (requests, publishers, subscribers) =
        (nowhere("requests"), nowhere("publishers"), nowhere("subscribers"));
    let mut line = vec!["doctor"];
    for (option, endpoint) in
        [("--requests", &requests), ("--publishers", &publishers), ("--subscribers", &subscribers)]
    {
        if !options.contains(&option) {
            line.extend([option, endpoint.as_str()]);
        }
    }
    line.extend(options);
    Run::recado(folder, line).to_end()
}

fn points(ended: &Ended) -> Value {
    assert_eq!(ended.out.len(), 1, "{ended:#?}");
    serde_json::from_str(&ended.out[0]).expect("one line of JSON")
}

fn point<'a>(report: &'a Value, name: &str) -> &'a Value {
    let points = report["points"].as_array().expect("points are a list");
    points.iter().find(|point| point["point"] == name).unwrap_or_else(|| panic!("no {name} in {report:#}"))
}

fn key_file(folder: &Path, mode: u32) -> PathBuf {
    let data = folder.join(".local/share/recado");
    fs::create_dir_all(&data).expect("the folder is ours");
    let path = data.join("device.key");
    fs::write(&path, format!("# a key\nrecado secret key 1 {KEY}\n")).expect("the folder is ours");
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("the file is ours");
    path
}

#[test]
fn a_machine_on_which_nothing_runs_has_warnings_and_nothing_is_left_behind() {
    let folder = folder();
    let ended = doctor(folder.path(), &["--json"]);
    let report = points(&ended);
    assert_eq!(ended.code, Some(0), "{report:#}");
    assert_eq!(report["grade"], "warning");
    assert_eq!(point(&report, "requests")["grade"], "warning");
    assert!(point(&report, "requests")["advice"].as_str().is_some_and(|advice| advice.contains("recado up")));
    assert_eq!(point(&report, "store")["grade"], "ok");
    assert_eq!(fs::read_dir(folder.path()).expect("it is ours").count(), 0);
}

#[test]
fn a_running_installation_is_recognised() {
    let folder = folder();
    let broker = Broker::start(folder.path());
    let server = Server::start(folder.path(), &broker.publishers);
    let store = store_url(&server.store);
    let options = ["--json", "--requests", &server.requests, "--publishers", &broker.publishers];
    let ended = doctor(
        folder.path(),
        &[&options[..], &["--subscribers", &broker.subscribers, "--store", &store]].concat(),
    );
    let report = points(&ended);
    assert_eq!(ended.code, Some(0), "{report:#}");
    for name in ["requests", "publishers", "subscribers"] {
        assert_eq!(point(&report, name)["grade"], "ok", "{report:#}");
        assert!(point(&report, name)["says"].as_str().is_some_and(|says| says.contains("open (NULL)")));
    }
    assert_eq!(point(&report, "clock")["says"], "this clock and the server's agree");
    let says = point(&report, "store")["says"].as_str().expect("it says something");
    assert!(says.contains(&format!("process {} has it", server.process.id())), "{says}");
}

#[test]
fn a_key_that_others_can_read_is_a_problem_and_is_not_shown() {
    let folder = folder();
    let path = key_file(folder.path(), 0o644);
    let ended = doctor(folder.path(), &[]);
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    let text = ended.out.join("\n");
    assert!(text.contains("chmod 600") && text.contains(&path.display().to_string()), "{text}");
    assert!(text.lines().last().is_some_and(|line| line.starts_with("1 problem, ")), "{text}");
    assert!(!text.contains(KEY) && !text.contains('\u{1b}'), "{text}");
    key_file(folder.path(), 0o600);
    let report = points(&doctor(folder.path(), &["--json"]));
    assert_eq!(point(&report, "device-key")["grade"], "ok", "{report:#}");
}

#[test]
fn a_settings_file_that_all_others_refuse_is_a_point_like_any_other() {
    let folder = folder();
    fs::write(folder.path().join("recado.toml"), "[sever]\nrequests = 1\n").expect("the folder is ours");
    let ended = doctor(folder.path(), &["--json"]);
    let report = points(&ended);
    assert_eq!(ended.code, Some(1));
    assert!(
        point(&report, "settings")["says"].as_str().is_some_and(|says| says.contains("[sever]")),
        "{report:#}"
    );

    let elsewhere = format!("[server]\nstore = \"sqlite:{}\"\n", folder.path().join("other.db").display());
    fs::write(folder.path().join("recado.toml"), elsewhere).expect("the folder is ours");
    let report = points(&doctor(folder.path(), &["--json"]));
    assert!(
        point(&report, "store")["says"].as_str().is_some_and(|says| says.contains("other.db")),
        "{report:#}"
    );
}

fn device_key(folder: &Path, person: &Person) -> String {
    let path = folder.join(format!("{}.key", person.name));
    let secret = person.keys.secret().to_z85();
    fs::write(&path, format!("recado secret key 1 {}\n", *secret)).expect("the folder is ours");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("the file is ours");
    path.to_str().expect("our file names are plain").to_owned()
}

/// What is said of a point, and how grave it is.
fn said<'a>(report: &'a Value, name: &str) -> (&'a str, &'a str) {
    let point = point(report, name);
    (point["grade"].as_str().expect("a word"), point["says"].as_str().expect("it says something"))
}

#[tokio::test]
async fn a_secured_installation_is_asked_with_the_keys_that_there_are() {
    let folder = folder();
    let system = Secured::up_with(folder.path(), &["--status", ANY_PORT]);
    let status = listening(&system.process, "status");
    let mut ana = system.first("ana").await;
    let code = ana.invites("bob", Role::Member).await;
    let bob = system.join("bob", &code).await;
    let installation = folder.path().join("installation.key").to_str().expect("plain").to_owned();
    let nowhere = folder.path().join("nowhere.key").to_str().expect("plain").to_owned();
    let look = |device: &str, installation: &str| {
        let options = ["--json", "--requests", &system.requests, "--publishers", &system.publishers];
        let further = ["--subscribers", &system.subscribers, "--status", &status, "--wait", "60s"];
        let keys = ["--device-key", device, "--key", installation];
        points(&doctor(folder.path(), &[&options[..], &further, &keys].concat()))
    };
    let (ana_key, bob_key) = (device_key(folder.path(), &ana), device_key(folder.path(), &bob));
    let agree = ("ok", "this clock and the server's agree");

    let report = look(&ana_key, &nowhere);
    assert_eq!(
        said(&report, "membership"),
        ("ok", &*format!("this device's key is ana's at {}", system.requests))
    );
    assert_eq!((said(&report, "clock"), said(&report, "broker-version").0), (agree, "ok"), "{report:#}");

    let report = look(&bob_key, &nowhere);
    assert_eq!((said(&report, "membership").0, said(&report, "clock")), ("ok", agree), "{report:#}");
    assert_eq!(said(&report, "broker-version").0, "warning", "{report:#}");
    let report = look(&bob_key, &installation);
    assert_eq!(said(&report, "broker-version").0, "ok", "the installation's key may: {report:#}");

    ana.does(recado_proto::AdminAct::Ban { of: bob.name.clone() }).await;
    let report = look(&bob_key, &nowhere);
    assert_eq!((said(&report, "membership").0, said(&report, "clock")), ("warning", agree), "{report:#}");
    assert!(point(&report, "membership")["advice"].as_str().is_some_and(|advice| advice.contains("banned")));

    let report = look(&nowhere, &installation);
    assert_eq!(said(&report, "broker-version").0, "ok", "{report:#}");
    let report = look(&nowhere, &nowhere);
    assert_eq!((said(&report, "membership").0, said(&report, "clock")), ("ok", agree), "{report:#}");
    assert!(said(&report, "membership").1.contains("has not joined"), "{report:#}");
    assert!(!Path::new(&nowhere).exists(), "nothing is made");
}

#[test]
fn a_secured_server_that_is_another_one_is_not_asked() {
    let folder = folder();
    let system = Secured::up(folder.path());
    let other = recado_zmtp::curve::KeyPair::generate().public().to_string();
    let options = ["--json", "--requests", &system.requests, "--publishers", &system.publishers];
    let further = ["--subscribers", &system.subscribers, "--server-key", &other];
    let ended = doctor(folder.path(), &[&options[..], &further].concat());
    let report = points(&ended);
    assert_eq!(ended.code, Some(1), "{report:#}");
    assert_eq!(said(&report, "membership").0, "problem", "{report:#}");
    assert!(said(&report, "clock").1.contains("no server"), "{report:#}");
}
