//! What we build upon: its licences are allowed ones, and nothing is named that is not used.

use std::collections::BTreeSet;

use recado_tests::workspace::{list, members, metadata, read, text};

#[test]
fn every_licence_is_an_allowed_one() {
    let policy: toml::Table = read("deny.toml").parse().expect("deny.toml is TOML");
    let allowed: BTreeSet<&str> = policy["licenses"]["allow"]
        .as_array()
        .expect("deny.toml lists the allowed licences")
        .iter()
        .filter_map(toml::Value::as_str)
        .collect();
    let metadata = metadata();
    let refused: Vec<_> = list(&metadata["packages"])
        .iter()
        .filter(|package| !is_allowed(text(&package["license"]), &allowed))
        .map(|package| format!("{} {}: {}", package["name"], package["version"], package["license"]))
        .collect();
    assert!(refused.is_empty(), "licences that deny.toml does not allow: {refused:#?}");
}

/// Whether an SPDX expression can be met with the allowed licences: alternatives by `OR` (or the older `/`), all of those
/// joined by `AND`.
fn is_allowed(expression: &str, allowed: &BTreeSet<&str>) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut tokens = spaced.split_whitespace().peekable();
    let met = either(&mut tokens, allowed);
    met == Some(true) && tokens.next().is_none()
}

type Tokens<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

/// None, as from the functions below: not an expression.
fn either(tokens: &mut Tokens<'_>, allowed: &BTreeSet<&str>) -> Option<bool> {
    let mut met = both(tokens, allowed)?;
    while tokens.next_if_eq(&"OR").is_some() {
        met |= both(tokens, allowed)?;
    }
    Some(met)
}

fn both(tokens: &mut Tokens<'_>, allowed: &BTreeSet<&str>) -> Option<bool> {
    let mut met = one(tokens, allowed)?;
    while tokens.next_if_eq(&"AND").is_some() {
        met &= one(tokens, allowed)?;
    }
    Some(met)
}

fn one(tokens: &mut Tokens<'_>, allowed: &BTreeSet<&str>) -> Option<bool> {
    let licence = tokens.next()?;
    if licence == "(" {
        let met = either(tokens, allowed)?;
        return tokens.next_if_eq(&")").map(|_| met);
    }
    match tokens.next_if_eq(&"WITH") {
        Some(_) => Some(allowed.contains(format!("{licence} WITH {}", tokens.next()?).as_str())),
        None => Some(allowed.contains(licence)),
    }
}

#[test]
fn licence_expressions_are_read_as_spdx_says() {
    let allowed = BTreeSet::from(["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"]);
    for met in [
        "MIT",
        "GPL-3.0 OR MIT",
        "MIT/GPL-3.0",
        "(GPL-3.0 OR MIT) AND ISC",
        "Apache-2.0 WITH LLVM-exception OR GPL-3.0",
    ] {
        assert!(is_allowed(met, &allowed), "{met}");
    }
    for refused in ["", "GPL-3.0", "MIT AND GPL-3.0", "Apache-2.0", "(MIT", "MIT ISC", "MIT OR ISC AND"] {
        assert!(!is_allowed(refused, &allowed), "{refused}");
    }
}

#[test]
fn every_dependency_is_used() {
    let members = members();
    let mut idle = Vec::new();
    for member in &members {
        let sources = member.sources(&members);
        for dependency in &member.dependencies {
            if !sources.iter().any(|(_, source)| names(source, &dependency.ident)) {
                idle.push(format!("{} -> {}", member.name, dependency.package));
            }
        }
    }
    assert!(idle.is_empty(), "named in a Cargo.toml and not used in the crate's source: {idle:#?}");
}

/// Whether some line of code has this identifier as a whole word.
fn names(source: &str, ident: &str) -> bool {
    source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| line.split(|c: char| !(c.is_alphanumeric() || c == '_')))
        .any(|word| word == ident)
}

#[test]
fn every_shared_dependency_has_a_user() {
    let root: toml::Table = read("Cargo.toml").parse().expect("cargo could read it");
    let shared = root["workspace"]["dependencies"].as_table().expect("the workspace shares dependencies");
    let used: BTreeSet<String> = members()
        .iter()
        .flat_map(|member| &member.dependencies)
        .map(|dependency| dependency.package.clone())
        .collect();
    let idle: Vec<_> = shared.keys().filter(|name| !used.contains(*name)).collect();
    assert!(idle.is_empty(), "no crate uses these entries of [workspace.dependencies]: {idle:?}");
}
