//! docs/libzmq-tests.md names tests that exist, and has a row for each of libzmq's tests that the design asks for.

use std::collections::BTreeSet;

use recado_tests::workspace::read;

const DOCUMENT: &str = "docs/libzmq-tests.md";

/// What is to be ported; CURVE has no row before there is CURVE.
const PORTED: &[&str] = &[
    "test_heartbeats",
    "test_hwm_pubsub",
    "test_mock_pub_sub",
    "test_proxy",
    "test_proxy_hwm",
    "test_proxy_steerable",
    "test_proxy_terminate",
    "test_pubsub",
    "test_req_correlate",
    "test_req_relaxed",
    "test_router_handover",
    "test_security_null",
    "test_spec_req",
    "test_spec_router",
    "test_sub_forward",
    "test_xpub_manual",
    "test_xpub_nodrop",
    "test_xpub_topic",
    "test_xpub_verbose",
    "test_xpub_welcome_msg",
    "test_xsub_verbose",
    "unittest_mtrie",
];

/// The cells of the tables' rows, heads and lines left out.
fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines()
        .filter(|line| line.starts_with("| ") && line.contains(".rs`: `"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
}

#[test]
fn each_of_libzmqs_tests_has_a_row() {
    let text = read(DOCUMENT);
    let rows: BTreeSet<&str> = rows(&text).map(|cells| cells[0]).collect();
    let missing: Vec<_> = PORTED.iter().filter(|name| !rows.contains(**name)).collect();
    assert!(missing.is_empty(), "{DOCUMENT} has no row for {missing:?}");
}

#[test]
fn every_test_named_is_there() {
    let text = read(DOCUMENT);
    let mut gone = Vec::new();
    for cells in rows(&text) {
        let last = cells.last().expect("a row has cells");
        for group in last.split("; ") {
            let (path, names) = group.split_once("`: ").unwrap_or_else(|| panic!("no file before {group}"));
            let source = read(path.trim_start_matches('`'));
            let tests = tests(&source);
            for name in names.split(", ").map(|name| name.trim_matches('`')) {
                if !tests.contains(name) {
                    gone.push(format!("{name} in {path}`"));
                }
            }
        }
    }
    assert!(gone.is_empty(), "{DOCUMENT} names tests that are not there: {gone:#?}");
}

/// The names of the tests in a source file.
fn tests(source: &str) -> BTreeSet<&str> {
    let mut after_attribute = false;
    let mut names = BTreeSet::new();
    for line in source.lines().map(str::trim) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            after_attribute = true;
        } else if let Some((_, rest)) = line.split_once("fn ").filter(|_| after_attribute) {
            names.extend(rest.split_once('(').map(|(name, _)| name));
            after_attribute = false;
        }
    }
    names
}
