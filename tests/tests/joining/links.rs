//! Where links lead.

use recado_tests::{parts::folder, secured::Secured};

use crate::home::{Home, link_in, secured};

#[test]
fn a_link_that_leads_nobody_elsewhere_says_so_and_how_to_make_one_that_does() {
    let folder = folder();
    let (_system, ana) = secured(folder.path());
    for line in [&["admin", "invite"][..], &["keys", "device"], &["admin", "invite", "--json"]] {
        let made = ana.run(line);
        assert_eq!(made.code, Some(0), "{:#?}", made.err);
        let said = made.err.join("\n");
        assert!(
            said.contains("works on this machine alone") && said.contains("--public-address HOST"),
            "{said}"
        );
        let named = ana.run(&[line, &["--public-address", "chat.example.org"]].concat());
        assert!(named.out.join("\n").contains("recado://chat.example.org:"), "{:#?}", named.out);
        assert!(!named.err.join("\n").contains("warning"), "{:#?}", named.err);
    }
}

#[test]
fn a_link_says_until_when_it_is_good() {
    let folder = folder();
    let (system, ana) = secured(folder.path());
    system
        .process
        .wait_for_log("how long the first link is good", |line| line.contains("good once, for 7 days"));
    let made = ana.run(&["admin", "invite", "bia"]);
    assert!(
        made.err.iter().any(|line| line.starts_with("for one device, once, until 20")),
        "{:#?}",
        made.err
    );
    assert!(link_in(&made.out).contains("recado://"));
    let object: serde_json::Value =
        serde_json::from_str(&ana.prints(&["keys", "device", "--for", "1h", "--json"])[0]).expect("JSON");
    assert!(object["until"].as_str().is_some_and(|until| until.ends_with('Z')), "{object}");
}

#[test]
fn the_start_names_the_address_that_it_is_told() {
    let folder = folder();
    let system = Secured::up_with(folder.path(), &["--public-address", "chat.example.org"]);
    let link = system.link.clone().expect("nobody is administrator yet");
    assert!(link.starts_with("recado://chat.example.org:"), "{link}");
    let refused = Home::new().fails_with(2, &["up", "--secure", "--public-address", "*"]);
    assert!(refused.contains("by which others reach a machine"), "{refused}");
}
