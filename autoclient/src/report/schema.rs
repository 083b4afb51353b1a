//! The table of `report.json`'s keys in docs/loadtest.md is what the program writes.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::Value;

use crate::report::{FORMAT, json, sample};

#[test]
fn the_documented_keys_are_those_that_are_written() {
    let mut written = Vec::new();
    let mut record = sample::record();
    record.verdict.reasons.push("a reason".to_owned());
    record.verdict.first.push("a message".to_owned());
    json::write(&record, &mut written).unwrap();
    let written: Value = serde_json::from_slice(&written).unwrap();
    assert_eq!(written["format"], FORMAT);
    let mut found = BTreeMap::new();
    collect("", &written, &mut found);

    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/loadtest.md");
    let document = fs::read_to_string(document).unwrap();
    let table = document.split_once("## `report.json`").expect("the table has its own heading").1;
    let documented: BTreeMap<String, String> = table
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.split('|').map(str::trim);
            let (key, kind) = (cells.next()?.strip_suffix('`')?, cells.next()?);
            Some((key.to_owned(), kind.trim_end_matches(" or null").to_owned()))
        })
        .collect();
    assert_eq!(documented, found);
}

/// The keys with their types, as the document writes them: what has the same shape under one name.
fn collect(path: &str, value: &Value, found: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let key = match (path, key.as_str()) {
                    ("" | "seconds[]", "latency") => {
                        let Value::Object(kinds) = value else { panic!("latency is a map") };
                        kinds.values().for_each(|value| collect(&join(path, "latency.*"), value, found));
                        continue;
                    }
                    ("", "publishers" | "channels" | "subscribers") => {
                        let Value::Array(rows) = value else { panic!("{key} is a list") };
                        assert!(!rows.is_empty());
                        rows.iter().for_each(|row| collect("total", row, found));
                        continue;
                    }
                    (_, key) => key,
                };
                collect(&join(path, key), value, found);
            }
        }
        Value::Array(values) => {
            assert!(!values.is_empty(), "{path}: the sample has something of everything");
            values.iter().for_each(|value| collect(&format!("{path}[]"), value, found));
        }
        _ => {
            let kind = match value {
                Value::String(_) => "text",
                Value::Bool(_) => "boolean",
                Value::Number(number) if number.is_u64() => "integer",
                Value::Number(_) => "number",
                Value::Null | Value::Array(_) | Value::Object(_) => {
                    panic!("{path}: the sample has something of everything")
                }
            };
            let before = found.insert(path.to_owned(), kind.to_owned());
            assert!(before.is_none_or(|before| before == kind), "{path} has one type");
        }
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}
