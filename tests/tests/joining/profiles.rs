//! Where one has joined, for each key file.

use std::fs;

use recado_tests::{parts::folder, secured::Secured};

use crate::home::{Home, link_in, secured};

#[test]
fn a_bot_in_the_same_home_takes_nothing_over_and_is_found_by_its_key() {
    let folder = folder();
    let (_system, ana) = secured(folder.path());
    let key = ana.path().join("ci.key");
    let link = link_in(&ana.prints(&["admin", "invite", "ci", "--role", "bot"]));
    let said = ana.prints(&["join", &link, "--device-key", "ci.key"]).join("\n");
    assert!(said.contains("You are ci") && said.contains("without it you are ana"), "{said}");
    let joined = fs::read_to_string(ana.file("joined.toml")).expect("ana has joined");
    assert!(joined.contains("user = \"ana\""), "{joined}");
    ana.prints(&["send", "@ana", "the", "build", "is", "green", "--device-key", "ci.key"]);
    ana.prints(&["send", "@ci", "thanks"]);
    let from_elsewhere = key.to_str().expect("our file names are plain");
    let heard = ana.prints(&["history", "@ana", "--device-key", from_elsewhere]);
    assert!(heard[0].ends_with("you → ana: the build is green") && heard[1].ends_with("thanks"), "{heard:?}");
    // The bot's key is no way to join as yet another one, and says so.
    let link = link_in(&ana.prints(&["admin", "invite", "eva"]));
    let error = ana.fails(&["join", &link, "--user", "eva", "--device-key", "ci.key"]);
    assert!(error.contains("is ci's there"), "{error}");
    ana.prints(&["leave", "--device-key", "ci.key"]);
    assert!(!ana.path().join("ci.key.joined.toml").exists());
    assert_eq!(ana.prints(&["users"]), ["ana", "ci"]);
    assert_eq!(ana.prints(&["keys", "--of", "ci"]), Vec::<String>::new());
}

#[test]
fn the_key_file_that_one_has_joined_with_is_gone_by_from_every_folder() {
    let folder = folder();
    let (_system, ana) = secured(folder.path());
    let bia = Home::new();
    let link = link_in(&ana.prints(&["admin", "invite", "bia"]));
    bia.prints(&["join", &link, "--device-key", "bia.key"]);
    let joined = fs::read_to_string(bia.file("joined.toml")).expect("it was written");
    let key = bia.path().join("bia.key");
    assert!(joined.contains(&format!("device-key = \"{}\"", key.display())), "{joined}");
    assert_eq!(bia.prints(&["users"]), ["ana", "bia"]);
    assert!(!bia.file("device.key").exists());
    let said = bia.prints(&["leave"]).join("\n");
    assert!(said.contains(&format!("its key in {} is removed", key.display())) && !key.exists(), "{said}");
    assert_eq!(ana.prints(&["keys", "--of", "bia"]), Vec::<String>::new());
}

#[test]
fn a_second_server_takes_the_place_of_the_first_only_if_that_is_said() {
    let (first, second) = (folder(), folder());
    let (_system, ana) = secured(first.path());
    let other = Secured::up(second.path());
    let link = other.link.clone().expect("nobody is administrator yet");
    let error = ana.fails(&["join", &link, "--user", "nina"]);
    assert!(error.contains("--replace") && error.contains("as ana"), "{error}");
    assert_eq!(ana.prints(&["users"]), ["ana"]);
    ana.prints(&["join", &link, "--user", "nina", "--replace"]);
    assert_eq!(ana.prints(&["users"]), ["nina"]);
}
