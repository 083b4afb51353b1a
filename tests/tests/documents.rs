//! The documents say what is so: their links lead somewhere, and what they state of the program is what it says of itself.

use std::path::Path;

use recado_tests::{
    parts::folder,
    process::Run,
    workspace::{files, read, root},
};

/// Folders that begin a path of this repository, as the documents write it.
const TOP_FOLDERS: &[&str] = &[
    "autoclient/",
    "broker/",
    "client/",
    "docs/",
    "examples/",
    "proto/",
    "scripts/",
    "server/",
    "src/",
    "tests/",
    "zmtp/",
];

#[test]
fn links_lead_to_files_that_exist() {
    let mut broken = Vec::new();
    for document in files("md") {
        let text = read(document.to_str().expect("our file names are plain"));
        let folder = document.parent().unwrap_or(Path::new(""));
        for link in links(&text) {
            let path = link.split('#').next().unwrap_or_default();
            if !path.is_empty() && !root().join(folder).join(path).exists() {
                broken.push(format!("{}: {link}", document.display()));
            }
        }
    }
    assert!(broken.is_empty(), "links to what is not there: {broken:#?}");
}

/// The targets of inline links to files.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split(')').next()).filter(|link| {
        !link.contains("://") && !link.starts_with("mailto:") && !link.contains(char::is_whitespace)
    })
}

#[test]
fn paths_named_in_the_documents_exist() {
    let mut gone = Vec::new();
    for document in files("md") {
        let text = read(document.to_str().expect("our file names are plain"));
        let folder = document.parent().unwrap_or(Path::new(""));
        for path in quoted(&text).filter(|quoted| TOP_FOLDERS.iter().any(|top| quoted.starts_with(top))) {
            let path = path.split("::").next().unwrap_or_default();
            let plain = path.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
            if plain && !root().join(path).exists() && !root().join(folder).join(path).exists() {
                gone.push(format!("{}: {path}", document.display()));
            }
        }
    }
    assert!(gone.is_empty(), "documents name what is not there: {gone:#?}");
}

/// What stands between single backticks, code blocks left out.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    let prose = text.split("```").step_by(2);
    prose.flat_map(|prose| prose.split('`').skip(1).step_by(2))
}

#[test]
fn the_readme_lists_the_subcommands_that_the_program_has() {
    let folder = folder();
    let help = Run::recado(folder.path(), ["--help"]).to_end();
    assert_eq!(help.code, Some(0));
    let program: Vec<(String, String)> = help
        .out
        .iter()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.trim().split_once(' '))
        .map(|(name, about)| (name.to_owned(), about.trim().to_owned()))
        .collect();
    let readme = read("README.md");
    let table: Vec<(String, String)> = readme
        .lines()
        .filter_map(|line| line.strip_prefix("| `recado "))
        .filter_map(|row| {
            let (usage, about) = row.split_once("` |")?;
            let name = usage.split(' ').next()?;
            Some((name.to_owned(), about.trim_end_matches('|').trim().to_owned()))
        })
        .collect();
    assert!(!program.is_empty(), "{:#?}", help.out);
    assert_eq!(table, program, "README.md's table against `recado --help`");
}
