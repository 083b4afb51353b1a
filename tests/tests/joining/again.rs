//! Ways back, and links that lead nowhere.

use recado_tests::{parts::folder, process::Run, secured::Secured};

use crate::home::{Home, link_in, secured};

#[test]
fn after_a_revocation_joining_puts_the_key_aside_and_makes_a_new_one() {
    let folder = folder();
    let (_system, ana) = secured(folder.path());
    let bia = Home::new();
    bia.prints(&["join", &link_in(&ana.prints(&["admin", "invite", "bia"]))]);
    let key = ana.prints(&["keys", "--of", "bia"])[0][..9].to_owned();
    ana.prints(&["keys", "revoke", &key, "--of", "bia"]);
    assert!(bia.fails(&["users"]).contains("join with: recado join LINK"));
    let said = bia.prints(&["join", &link_in(&ana.prints(&["keys", "device", "--of", "bia"]))]).join("\n");
    let aside = bia.file(&format!("device.key.revoked-{}", &key[..4]));
    assert!(said.contains(aside.to_str().expect("our file names are plain")) && aside.exists(), "{said}");
    assert_eq!(bia.prints(&["users"]), ["ana", "bia"]);
    assert_eq!(bia.prints(&["keys"]).len(), 1);
}

#[test]
fn a_link_with_another_key_than_the_known_one_is_said_to_be_wrong_and_not_the_server() {
    let (one, another) = (folder(), folder());
    let (system, ana) = secured(one.path());
    let other = Secured::up(another.path());
    let of_other = other.link.clone().expect("nobody is administrator yet");
    let link = link_in(&ana.prints(&["keys", "device"]));
    let with_key = |key: &str| {
        let mut parts: Vec<&str> = link.split('/').collect();
        parts[3] = key;
        parts.join("/")
    };
    let wrong = with_key(of_other.split('/').nth(3).expect("a link has a key"));
    let error = ana.fails(&["join", &wrong]);
    assert!(error.contains("the link names another key") && !error.contains("HAS CHANGED"), "{error}");
    assert!(error.contains(&system.key.fingerprint()) && error.contains(&other.key.fingerprint()), "{error}");
    assert!(
        error.contains("The server has the key that you know") && !error.contains("keys forget"),
        "{error}"
    );
    // With nobody there it cannot be told which is right.
    system.process.terminate();
    let error = ana.fails(&["join", &wrong]);
    assert!(error.contains("the link names another key") && error.contains("keys forget"), "{error}");
}

#[test]
fn a_password_lets_a_device_in_for_a_while() {
    let folder = folder();
    let (system, ana) = secured(folder.path());
    let given = |home: &Home, arguments: &[&str], lines: &[&str]| {
        let mut asked = Run::recado(home.path(), arguments).with_input().start();
        lines.iter().for_each(|line| asked.write_line(line));
        asked.close_input();
        asked.wait()
    };
    let short = given(&ana, &["keys", "password"], &["short"]);
    assert_eq!(short.code, Some(1), "{:#?}", short.err);
    assert_eq!(given(&ana, &["keys", "password"], &["correct horse"]).code, Some(0));
    let cafe = Home::new();
    let key = system.key.to_string();
    let line = ["join", "--password", "--user", "ana", "--server", &system.requests, "--server-key", &key];
    let line = [&line[..], &["--broker", &system.subscribers]].concat();
    let wrong = given(&cafe, &line, &["battery staple"]);
    assert!(wrong.err.join("\n").contains("the user or the password is wrong"), "{:#?}", wrong.err);
    let right = given(&cafe, &line, &["correct horse"]);
    assert_eq!(right.code, Some(0), "{:#?}", right.err);
    assert!(right.out.join("\n").contains("(until 20"), "{:#?}", right.out);
    assert_eq!(cafe.prints(&["users"]), ["ana"]);
    assert_eq!(ana.prints(&["keys"]).iter().filter(|key| key.contains(", until 20")).count(), 1);
    // A new one ends what came in by the former.
    assert_eq!(given(&ana, &["keys", "password"], &["another horse"]).code, Some(0));
    assert!(cafe.fails(&["users"]).contains("no longer admitted"));
}

#[test]
fn ones_own_key_is_revoked_only_if_that_is_meant_and_what_follows_is_said() {
    let folder = folder();
    let (_system, ana) = secured(folder.path());
    let bia = Home::new();
    bia.prints(&["join", &link_in(&ana.prints(&["admin", "invite", "bia"]))]);
    let key = bia.prints(&["keys"])[0][..9].to_owned();
    let error = bia.fails(&["keys", "revoke", &key]);
    assert!(error.contains("nothing was revoked") && error.contains("--yes"), "{error}");
    assert!(error.contains("this device's own key") && error.contains("the last key of bia"), "{error}");
    assert_eq!(bia.prints(&["keys"]).len(), 1);
    let said = bia.prints(&["keys", "revoke", &key, "--yes"]).join("\n");
    assert!(
        said.contains("is nobody's key any more") && said.contains("recado keys device --of bia"),
        "{said}"
    );
    assert_eq!(ana.prints(&["keys", "--of", "bia"]), Vec::<String>::new());
}

#[test]
fn whoever_is_there_already_is_not_invited_but_given_a_device() {
    let folder = folder();
    let (_system, ana) = secured(folder.path());
    let error = ana.fails(&["admin", "invite", "ana"]);
    assert!(error.contains("recado keys device --of ana"), "{error}");
}

#[test]
fn where_no_server_is_nobody_is_told_that_an_open_one_is() {
    let error = Home::new().fails(&["keys", "--server", "tcp://127.0.0.1:1"]);
    assert!(
        error.contains("no server answers at tcp://127.0.0.1:1") && !error.contains("is open"),
        "{error}"
    );
    let error = Home::new().fails_with(2, &["tail", "geral", "--server", "tcp://127.0.0.1:1"]);
    assert!(error.contains("recado join LINK"), "{error}");
}
