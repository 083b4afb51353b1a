//! Who may do what: every row of the table in docs/security.md is tried by every kind of caller, in a secured and in an open system, and
//! what happens is what the table says.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod listeners;
mod services;
mod topics;
mod world;

use std::collections::BTreeMap;

use recado_tests::{parts::folder, workspace::root};

use world::{Caller, Kind, World};

/// What the table says of one kind of caller.
type Column = BTreeMap<String, &'static str>;

/// The rows by what they are about, and for each column its cells.
fn table() -> Vec<(String, BTreeMap<Kind, String>)> {
    let page = std::fs::read_to_string(root().join("docs/security.md")).unwrap();
    let (_, matrix) = page.split_once("<!-- matrix -->").unwrap();
    let (matrix, _) = matrix.split_once("<!-- /matrix -->").unwrap();
    let rows = matrix.trim().lines().skip(2).map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [what, cells @ ..] = &cells[..] else { panic!("an empty row") };
        let kinds = Kind::ALL.into_iter().zip(cells.iter().map(|cell| (*cell).to_owned()));
        ((*what).to_owned(), kinds.collect())
    });
    rows.collect()
}

/// Tries all that one kind of caller can try.
async fn tried(world: &mut World, caller: &mut Caller) -> Column {
    let mut tried = Column::new();
    // What changes nothing for what comes after it comes first.
    let heard = topics::heard(world, caller).await;
    tried.extend(topics::rows(world, caller, &heard));
    // A stranger is none any more at the end of these.
    tried.extend(listeners::rows(world, caller).await);
    tried.extend(services::rows(world, caller).await);
    tried
}

/// What a bot may not do through a plain listener, though the table says that bots do it.
const NOT_PLAINLY: [&str; 2] = ["`admin` `revoke_key` of one's own", "`admin` `password`, one's own"];

/// Compares what was tried with the table.
fn compare(kind: Kind, tried: &Column) {
    let table = table();
    let mut different = Vec::new();
    for (what, cells) in &table {
        let says = cells[&kind].as_str();
        match tried.get(what) {
            Some(does) if *does == says => {}
            // A cell without a meaning: the caller cannot be in that place.
            None if says == "–" => {}
            does => different.push(format!("{what}: the table says {says}, it does {does:?}")),
        }
    }
    let unknown = tried.keys().filter(|what| !table.iter().any(|(row, _)| row == *what));
    different.extend(unknown.map(|what| format!("{what}: tried, and no row of the table")));
    assert!(different.is_empty(), "{kind:?}:\n{}", different.join("\n"));
}

#[tokio::test]
async fn an_open_system_does_what_the_table_says() {
    let folder = folder();
    let (mut world, mut caller) = World::open(folder.path()).await;
    compare(Kind::Open, &tried(&mut world, &mut caller).await);
}

#[tokio::test]
async fn a_stranger_can_do_what_the_table_says() {
    secured(Kind::Stranger).await;
}

#[tokio::test]
async fn a_member_can_do_what_the_table_says() {
    secured(Kind::Member).await;
}

#[tokio::test]
async fn a_bot_can_do_what_the_table_says() {
    secured(Kind::Bot).await;
}

#[tokio::test]
async fn an_administrator_can_do_what_the_table_says() {
    secured(Kind::Administrator).await;
}

#[tokio::test]
async fn a_bot_without_a_key_can_do_what_the_table_says_but_look_after_nothing() {
    let folder = folder();
    let (mut world, mut caller) = World::plain(folder.path()).await;
    let mut tried = tried(&mut world, &mut caller).await;
    for row in NOT_PLAINLY {
        assert_eq!(tried.insert(row.to_owned(), "yes"), Some("no"), "{row}");
    }
    compare(Kind::Bot, &tried);
}

async fn secured(kind: Kind) {
    let folder = folder();
    let (mut world, mut caller) = World::secured(folder.path(), kind).await;
    compare(kind, &tried(&mut world, &mut caller).await);
}
