//! The rules that the tree promises to keep: who may depend on whom, what the pure parts must not touch, how large a file may grow.

use std::{fs, path::Path};

use recado_tests::workspace::{Member, files, members, read, root};

/// Which crates of ours a crate may use. Nobody but the root program and the tests uses the server.
const ARROWS: &[(&str, &[&str])] = &[
    ("recado-proto", &[]),
    ("recado-zmtp", &[]),
    ("recado-broker", &["recado-zmtp"]),
    ("recado-client", &["recado-proto", "recado-zmtp"]),
    ("recado-server", &["recado-proto", "recado-zmtp"]),
    ("recado-autoclient", &["recado-client", "recado-proto"]),
    (
        "recado",
        &[
            "recado-autoclient",
            "recado-broker",
            "recado-client",
            "recado-proto",
            "recado-server",
            "recado-zmtp",
        ],
    ),
];

/// The crate that may use everything, because it tests everything.
const TESTS: &str = "recado-tests";

/// Crates that speak to no socket, no runtime and no store.
const CRATES_WITHOUT_IO: &[&str] = &["recado-proto"];

/// Files and folders that hold rules and protocols: time, randomness and bytes come in as arguments.
const SANS_IO: &[&str] = &[
    "autoclient/src/audit",
    "autoclient/src/compare/rows.rs",
    "autoclient/src/compare/spread.rs",
    "autoclient/src/conditions.rs",
    "autoclient/src/lag.rs",
    "autoclient/src/record/latency.rs",
    "autoclient/src/record/timeline.rs",
    "autoclient/src/scenario.rs",
    "autoclient/src/schedule",
    "autoclient/src/size.rs",
    "autoclient/src/tag.rs",
    "broker/src/delivery.rs",
    "broker/src/hub.rs",
    "broker/src/matches.rs",
    "broker/src/queue.rs",
    "broker/src/trie.rs",
    "client/src/chat",
    "client/src/keys/link.rs",
    "client/src/keys/qr.rs",
    "client/src/keys/trust.rs",
    "client/src/receiver",
    "client/src/session/links.rs",
    "client/src/session/requests",
    "client/src/view",
    "server/src/access",
    "server/src/quota",
    "server/src/service/beacon.rs",
    "server/src/service/company.rs",
    "server/src/service/cursor.rs",
    "server/src/store/directory.rs",
    "server/src/store/rules.rs",
    "server/src/store/sqlite/search/scope.rs",
    "server/src/store/words",
    "zmtp/src/codec",
    "zmtp/src/curve",
];

/// What the pure parts must not name.
const IO: &[&str] = &["tokio", "std::net", "std::fs", "Instant::now", "SystemTime::now", "rand::rng"];

/// What cargo names the packages that do input and output for us.
const IO_CRATES: &[&str] = &["tokio", "tokio-util", "socket2", "rusqlite", "rustyline"];

/// The most lines that a Rust file may have.
const FILE_LINES_MAX: usize = 600;

#[test]
fn dependencies_run_one_way() {
    let mut broken = Vec::new();
    for member in members().iter().filter(|member| member.name != TESTS) {
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == member.name) else {
            panic!("{} is a new crate: say in ARROWS what it may depend on", member.name);
        };
        for used in ours(member) {
            if !allowed.contains(&used) {
                broken.push(format!("{} -> {used}", member.name));
            }
        }
    }
    assert!(broken.is_empty(), "arrows that the design does not have: {broken:?}");
}

fn ours(member: &Member) -> impl Iterator<Item = &str> {
    member
        .dependencies
        .iter()
        .map(|dependency| dependency.package.as_str())
        .filter(|name| name.starts_with("recado"))
}

#[test]
fn the_protocol_crate_has_no_io_crate() {
    for member in members().iter().filter(|member| CRATES_WITHOUT_IO.contains(&member.name.as_str())) {
        for dependency in member.dependencies.iter().filter(|dependency| !dependency.only_for_tests) {
            assert!(
                !IO_CRATES.contains(&dependency.package.as_str()),
                "{} -> {}",
                member.name,
                dependency.package
            );
        }
    }
}

#[test]
fn pure_parts_name_no_io() {
    let mut broken = Vec::new();
    for part in SANS_IO {
        let sources: Vec<_> =
            files("rs").into_iter().filter(|path| path.starts_with(part) && !holds_tests(path)).collect();
        assert!(!sources.is_empty(), "{part} is gone: mend SANS_IO");
        for path in sources {
            let text = read(path.to_str().expect("our file names are plain"));
            for (number, line) in code_lines(&text) {
                for name in IO.iter().filter(|name| line.contains(*name)) {
                    broken.push(format!("{}:{number} names {name}", path.display()));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

/// Whether a file beside the code, or in a folder beside it, holds its tests.
fn holds_tests(path: &Path) -> bool {
    let in_folder = path.components().any(|component| component.as_os_str() == "tests");
    in_folder || path.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with("tests"))
}

/// The lines that are neither comments nor tests, with their numbers.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..)
        .zip(text.lines())
        .take_while(|(_, line)| !line.starts_with("#[cfg(test)]"))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

#[test]
fn unsafe_code_is_forbidden_and_every_crate_inherits_the_lints() {
    let root: toml::Table = read("Cargo.toml").parse().expect("cargo could read it");
    assert_eq!(root["workspace"]["lints"]["rust"]["unsafe_code"].as_str(), Some("forbid"));
    for member in members() {
        let inherits = member.manifest.get("lints").and_then(|lints| lints.get("workspace")?.as_bool());
        assert_eq!(inherits, Some(true), "{} must have `[lints] workspace = true`", member.name);
    }
}

#[test]
fn every_module_says_what_it_is_for() {
    let silent: Vec<_> = files("rs")
        .into_iter()
        .filter(|path| !holds_tests(path))
        .filter(|path| {
            !read(path.to_str().expect("our file names are plain"))
                .lines()
                .any(|line| line.starts_with("//!"))
        })
        .filter(|path| !path.starts_with("examples"))
        .filter(|path| !path.components().any(|part| part.as_os_str() == "fuzz"))
        .collect();
    assert!(silent.is_empty(), "these files do not begin with `//!`: {silent:?}");
}

#[test]
fn no_file_has_become_a_god() {
    let long: Vec<_> = files("rs")
        .into_iter()
        .map(|path| (line_count(&root().join(&path)), path))
        .filter(|(lines, _)| *lines >= FILE_LINES_MAX)
        .collect();
    assert!(long.is_empty(), "split these before they grow further: {long:?}");
}

fn line_count(path: &Path) -> usize {
    fs::read_to_string(path).expect("the walk found it").lines().count()
}
