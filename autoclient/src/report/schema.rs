//! What docs/loadtest.md says of reports and of their limits is what the program does.

use std::{collections::BTreeMap, fs, path::Path};

use clap::ValueEnum;
use serde_json::Value;

use super::{FORMAT, folder::FILES, json, sample, text};
use crate::{limits, profile::Profile, scenario::Scenario};

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

    let document = document();
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

fn document() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/loadtest.md")).unwrap()
}

#[test]
fn the_documented_scenario_is_one() {
    let document = document();
    let toml = document.split_once("```toml\n").expect("a scenario is shown").1.split_once("```").unwrap().0;
    let scenario = Scenario::read(toml).unwrap();
    assert_eq!((scenario.options.users, scenario.phases.len()), (Some(200), 2));
}

#[test]
fn the_documented_profiles_and_bounds_are_the_program_s() {
    let document = document();
    for profile in Profile::value_variants() {
        let name = profile.to_possible_value().unwrap();
        let rate = text::number(profile.rate(profile.users()));
        let short = format!("{:.2}", profile.rate(profile.users()));
        let row = format!(
            "| `{}` | {} | {} | ",
            name.get_name(),
            text::count(profile.users() as u64),
            profile.messages_a_minute()
        );
        let line = document.lines().find(|line| line.starts_with(&row)).unwrap_or_else(|| panic!("{row}"));
        let said = line.rsplit('|').nth(1).unwrap().trim();
        assert!(rate.starts_with(said) || short.starts_with(said), "{said} is {rate}");
    }
    let bounds = [
        format!(
            "more than {} % of its messages left over {} ms late",
            limits::LAG_SHARE_MAX * 100.0,
            limits::LAG_MAX.as_millis()
        ),
        format!("over {} % of all cores", limits::CPU_SHARE_MAX * 100.0),
        format!("keep {} rows", text::count(limits::SECONDS_MAX as u64)),
        "up to sixty blocks".to_owned(),
        "five hundred times".to_owned(),
        "fewer than ten seconds".to_owned(),
    ];
    assert_eq!((limits::SPREAD_BLOCKS_MAX, limits::SPREAD_DRAWS, limits::SPREAD_BLOCKS_MIN), (60, 500, 10));
    for bound in bounds {
        assert!(document.contains(&bound), "{bound}");
    }
    for file in FILES {
        assert!(document.contains(&format!("`{file}`")), "{file}");
    }
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
