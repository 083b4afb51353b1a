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

#[test]
fn tests_that_the_page_of_the_chat_names_exist() {
    let page = read("docs/client.md");
    let (_, table) = page.split_once("## What people expect").expect("the page says how it is met");
    let rows: Vec<&str> = table
        .lines()
        .filter(|line| line.starts_with("| "))
        .skip(1)
        .take_while(|row| !row.is_empty())
        .collect();
    assert!(rows.len() > 20, "the table has lost its rows");
    let sources: Vec<String> = files("rs")
        .iter()
        .map(|file| read(file.to_str().expect("our file names are plain")))
        .filter(|source| source.contains("#[test]") || source.contains("fn "))
        .collect();
    let mut wrong = Vec::new();
    for row in rows {
        let shown_by = row.trim_end_matches(" |").rsplit(" | ").next().unwrap_or_default();
        let names: Vec<&str> = quoted(shown_by).collect();
        if names.is_empty() {
            wrong.push(format!("no test: {row}"));
        }
        let is_gone = |name: &&&str| !sources.iter().any(|source| source.contains(&format!("fn {name}")));
        wrong.extend(names.iter().filter(is_gone).map(|name| format!("no test of this name: {name}")));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn tests_that_the_page_of_security_names_exist() {
    let page = read("docs/security.md");
    let (_, table) =
        page.split_once("| who | what they would like").expect("the page has its table of threats");
    let rows: Vec<&str> = table.lines().skip(2).take_while(|row| row.starts_with("| ")).collect();
    assert!(rows.len() > 20, "the table has lost its rows");
    let sources: Vec<String> =
        files("rs").iter().map(|file| read(file.to_str().expect("our file names are plain"))).collect();
    let is_named = |name: &&&str| sources.iter().any(|source| source.contains(&format!("fn {name}()")));
    let mut wrong = Vec::new();
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [_, _, stopped_by, shown_by] = cells.as_slice() else {
            wrong.push(format!("four cells are expected: {row}"));
            continue;
        };
        let names: Vec<&str> = quoted(shown_by).collect();
        if names.is_empty() && !stopped_by.starts_with("nothing") {
            wrong.push(format!("no test: {row}"));
        }
        wrong.extend(
            names.iter().filter(|name| !is_named(name)).map(|name| format!("no test of this name: {name}")),
        );
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_matrix_of_roles_has_a_word_in_every_cell() {
    let page = read("docs/security.md");
    let (_, matrix) = page.split_once("<!-- matrix -->").expect("the page has the matrix");
    let (matrix, _) = matrix.split_once("<!-- /matrix -->").expect("the matrix has an end");
    let mut rows = matrix.trim().lines();
    assert_eq!(rows.next(), Some("| what | open mode | stranger | member | bot | administrator |"));
    let rows: Vec<&str> = rows.skip(1).collect();
    assert!(rows.len() > 50, "the matrix has lost its rows");
    for row in &rows {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        assert_eq!(cells.len(), 6, "{row}");
        assert!(cells[1..].iter().all(|cell| ["yes", "no", "–"].contains(cell)), "{row}");
    }
    // An administrator may whatever a member may.
    for row in &rows {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        assert!(cells[3] != "yes" || cells[5] == "yes", "{row}");
    }
    let services = [
        "login", "users", "channel", "channels", "publish", "message", "act", "history", "search", "sync",
        "mark", "marks", "here", "who", "join", "admin", "keys", "members", "audit",
    ];
    for service in services {
        assert!(rows.iter().any(|row| row.contains(&format!("`{service}`"))), "no row is about {service}");
    }
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

#[test]
fn defaults_in_the_documents_are_the_programs() {
    let mut rows = 0;
    for document in ["README.md", "docs/configuration.md", "docs/broker.md"] {
        for line in read(document).lines().filter(|line| line.starts_with("| `")) {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let [part, option, default, ..] = cells[..] else { continue };
            let (Some(part), Some(option), Some(default)) = (code(part), code(option), code(default)) else {
                continue;
            };
            let Some(key) = option.strip_prefix("--") else { continue };
            let key = key.split(' ').next().unwrap_or_default();
            let settings = settings(part);
            let value =
                settings.get(key).unwrap_or_else(|| panic!("{document}: {part} has no default for {key}"));
            assert_eq!(shown(value), default, "{document}: {part} --{key}");
            rows += 1;
        }
    }
    assert!(rows > 0, "the documents state no default in a form that is understood here");
}

/// What a table's cell has between backticks, if it is nothing else.
fn code(cell: &str) -> Option<&str> {
    cell.strip_prefix('`')?.strip_suffix('`')
}

/// What `--print-config` says of one part, nothing having been set.
fn settings(part: &str) -> toml::Table {
    let folder = folder();
    let printed = Run::recado(folder.path(), [part, "--print-config"]).to_end();
    assert_eq!(printed.code, Some(0), "{:#?}", printed.err);
    let mut sections: toml::Table = printed.out.join("\n").parse().expect("it prints a recado.toml");
    match sections.remove(part) {
        Some(toml::Value::Table(settings)) => settings,
        other => panic!("no section [{part}]: {other:?}"),
    }
}

/// A setting as the documents write it.
fn shown(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Array(values) => values.iter().map(shown).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

#[test]
fn programs_shown_in_the_readme_are_those_in_examples() {
    let readme = read("README.md");
    let mut shown = 0;
    for rest in readme.split("](examples/").skip(1) {
        let (name, after) = rest.split_once(')').expect("a link has an end");
        // A program follows its link at once; a link in a sentence is only a link.
        let Some(code) = after.trim_start_matches([':', '\n']).strip_prefix("```") else { continue };
        let (_, code) = code.split_once('\n').expect("a block begins on its own line");
        let code = code.split("```").next().unwrap_or_default();
        assert_eq!(
            code.trim(),
            read(&format!("examples/{name}")).trim(),
            "README.md against examples/{name}"
        );
        shown += 1;
    }
    assert!(shown > 0, "README.md shows no program");
}

#[test]
fn the_settings_file_shown_is_one_that_every_part_takes() {
    let folder = folder();
    let document = read("docs/configuration.md");
    let (_, shown) = document.split_once("```toml\n").expect("a settings file is shown");
    std::fs::write(folder.path().join("recado.toml"), shown.split("```").next().unwrap_or_default())
        .expect("the folder can be written");
    for part in ["broker", "server", "client", "autoclient", "up"] {
        let printed = Run::recado(folder.path(), [part, "--print-config"]).to_end();
        assert_eq!(printed.code, Some(0), "{part}: {:#?}", printed.err);
        assert!(printed.out.iter().any(|line| line.ends_with("# recado.toml")), "{part}: {:#?}", printed.out);
    }
}

#[test]
fn commands_shown_in_the_documents_are_accepted() {
    let documents = ["README.md", "docs/loadtest.md", "docs/scripting.md"].map(read);
    let mut shown = 0;
    for block in documents.iter().flat_map(|document| document.split("```").skip(1).step_by(2)) {
        for line in block.lines().filter_map(|line| line.split("| ").last()) {
            let command = line.trim_start_matches("$ ").split(" #").next().unwrap_or_default();
            let command = command.split(" <").next().unwrap_or_default();
            let Some(arguments) = command.strip_prefix("recado") else { continue };
            let folder = folder();
            let arguments = words(arguments);
            let line = arguments.iter().map(String::as_str).chain(["--print-config"]);
            let printed = Run::recado(folder.path(), line).to_end();
            assert_eq!(printed.code, Some(0), "{command}: {:#?}", printed.err);
            shown += 1;
        }
    }
    assert!(shown > 9, "only {shown} commands were found");
}

/// The words of a command as a shell reads them, single quotes kept together and taken off.
fn words(command: &str) -> Vec<String> {
    let mut words = vec![];
    for (index, piece) in command.split('\'').enumerate() {
        match index % 2 {
            0 => words.extend(piece.split_whitespace().map(str::to_owned)),
            _ => words.push(piece.to_owned()),
        }
    }
    words
}
