//! docs/PROTOCOL.md says what the code does: its tables are compared with the code's.

use std::fs;
use std::path::Path;

use recado_proto::{AdminKind, Code, Registration, Role, Service, limits};

/// The document's text.
pub(crate) fn protocol() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/PROTOCOL.md");
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The cells of the rows of the table under a heading, without the back quotes.
fn table(heading: &str) -> Vec<Vec<String>> {
    let document = protocol();
    let (_, section) = document.split_once(&format!("\n## {heading}\n")).expect("the heading is there");
    let section = section.split("\n## ").next().unwrap_or(section);
    let rows = section.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    rows.take_while(|line| line.starts_with('|'))
        .map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', "")).collect())
        .collect()
}

fn first_cells(heading: &str) -> Vec<String> {
    table(heading).into_iter().map(|mut row| row.remove(0)).collect()
}

#[test]
fn the_table_of_codes_is_the_enum() {
    assert_eq!(first_cells("Refusals"), Code::ALL.map(|code| code.to_string()));
}

#[test]
fn the_table_of_services_is_the_enum() {
    assert_eq!(first_cells("Services"), Service::ALL.map(|service| service.to_string()));
}

#[test]
fn what_is_said_of_secured_systems_is_the_enums() {
    let acts: Vec<_> = table("Secured systems")
        .into_iter()
        .flat_map(|row| row[0].split(", ").map(str::to_owned).collect::<Vec<_>>())
        .collect();
    assert_eq!(acts, AdminKind::ALL.map(|kind| kind.to_string()));
    let document = protocol();
    for word in Role::ALL.map(Role::as_str).into_iter().chain(Registration::ALL.map(Registration::as_str)) {
        assert!(document.contains(&format!("`{word}`")), "{word}");
    }
}

#[test]
fn the_table_of_limits_is_the_code() {
    let said: Vec<_> = table("Limits").into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    let known = [
        ("text of a message", limits::MESSAGE_BYTES_MAX, "bytes"),
        ("emoji of a reaction", limits::EMOJI_BYTES_MAX, "bytes"),
        ("topic of a channel", limits::CHANNEL_TOPIC_BYTES_MAX, "bytes"),
        ("acts on one message", limits::ACTS_PER_MESSAGE_MAX, "acts"),
        ("request", limits::REQUEST_BYTES_MAX, "bytes"),
        ("reply", limits::REPLY_BYTES_MAX, "bytes"),
        ("publication's map", limits::PUBLICATION_BYTES_MAX, "bytes"),
        ("name of a user or channel", limits::NAME_BYTES_MAX, "bytes"),
        ("accents on one letter of a name, where security is on", limits::NAME_MARKS_MAX, "accents"),
        ("topics of one sync request", limits::SYNC_TOPICS_MAX, "names"),
        ("one-time topic of a sync request", limits::SYNC_TOPIC_BYTES_MAX, "bytes"),
        ("ref", limits::REF_BYTES_MAX, "bytes"),
        ("unknown service's name that is echoed", limits::SERVICE_BYTES_MAX, "bytes"),
        ("timestamp as text", limits::TIMESTAMP_TEXT_BYTES_MAX, "bytes"),
        ("limit of history, if absent", limits::HISTORY_LIMIT_DEFAULT as usize, "messages"),
        ("limit of history", limits::HISTORY_LIMIT_MAX as usize, "messages"),
        ("messages of one history reply, in all", limits::HISTORY_BYTES_MAX, "bytes"),
        ("words of a search request", limits::SEARCH_WORDS_BYTES_MAX, "bytes"),
        ("words and phrases of a search request", limits::SEARCH_TERMS_MAX, "terms"),
        ("limit of search, if absent", limits::SEARCH_LIMIT_DEFAULT as usize, "messages"),
        ("limit of search", limits::SEARCH_LIMIT_MAX as usize, "messages"),
        ("snippet of a message that was found, without marks", limits::SNIPPET_CHARS_MAX, "characters"),
        ("read marks of one user", limits::READ_MARKS_MAX, "marks"),
        ("device", limits::DEVICE_BYTES_MAX, "bytes"),
        ("label of a device among a user's keys", limits::DEVICE_LABEL_BYTES_MAX, "bytes"),
        ("password, which has 8 at least", limits::PASSWORD_BYTES_MAX, "bytes"),
        ("members of a private channel", limits::MEMBERS_LISTED_MAX, "members"),
        ("limit of audit, if absent", limits::AUDIT_LIMIT_DEFAULT as usize, "events"),
        ("limit of audit", limits::AUDIT_LIMIT_MAX as usize, "events"),
        ("users of whom is known that they are here", limits::USERS_HERE_MAX, "users"),
    ];
    let mut known: Vec<_> = known
        .iter()
        .map(|(what, number, unit)| (what.to_string(), format!("{} {unit}", grouped(*number))))
        .collect();
    known.push(("clock, epoch".to_owned(), "2^53 - 1".to_owned()));
    assert_eq!(said, known);
    assert_eq!(limits::PASSWORD_BYTES_MIN, 8);
    assert_eq!(limits::COUNTER_MAX, (1 << 53) - 1);
}

/// With commas between thousands.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
