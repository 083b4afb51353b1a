//! The repository as a thing to check: its crates, their manifests and sources, its documents. Knows nothing of running programs.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// Folders that hold nothing of ours.
const NOT_OURS: &[&str] = &["target", "node_modules", "__pycache__", "artifacts", "corpus"];

/// The repository's top folder.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this crate is a folder of the repository")
}

/// The text of a file, named from the top folder.
///
/// # Panics
/// It is not there, or no text.
pub fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All files of ours with this extension, named from the top folder, in order.
pub fn files(extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    walk(root(), &mut |path| {
        if path.extension().is_some_and(|its| its == extension) {
            found.push(path.strip_prefix(root()).expect("the walk began there").to_owned());
        }
    });
    found.sort();
    found
}

fn walk(folder: &Path, visit: &mut dyn FnMut(&Path)) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries.map(|entry| entry.expect("a folder's entry can be read")) {
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') || NOT_OURS.contains(&name.as_ref()) {
            continue;
        }
        if entry.file_type().expect("an entry has a type").is_dir() {
            walk(&path, visit);
        } else {
            visit(&path);
        }
    }
}

/// One crate of the workspace.
#[derive(Debug)]
pub struct Member {
    /// Its package name.
    pub name: String,
    /// Its folder, named from the top folder; empty for the root program.
    pub folder: PathBuf,
    /// Its `Cargo.toml`.
    pub manifest: toml::Table,
    /// What it depends on, of every kind.
    pub dependencies: Vec<Dependency>,
}

/// One line of a crate's dependencies.
#[derive(Debug)]
pub struct Dependency {
    /// The package's name.
    pub package: String,
    /// What the crate's source calls it.
    pub ident: String,
    /// Only tests, benchmarks or examples see it.
    pub only_for_tests: bool,
}

impl Member {
    /// The text of each of the crate's own Rust files: not those of crates in folders below it.
    pub fn sources(&self, members: &[Member]) -> Vec<(PathBuf, String)> {
        let others: BTreeSet<&Path> = members
            .iter()
            .map(|member| member.folder.as_path())
            .filter(|folder| *folder != self.folder)
            .collect();
        files("rs")
            .into_iter()
            .filter(|path| path.starts_with(&self.folder))
            .filter(|path| {
                !others.iter().any(|other| other.starts_with(&self.folder) && path.starts_with(other))
            })
            .filter(|path| !path.components().any(|part| part.as_os_str() == "fuzz"))
            .map(|path| {
                let text = read(path.to_str().expect("our file names are plain"));
                (path, text)
            })
            .collect()
    }
}

/// What `cargo metadata` says of the workspace and everything it depends on.
///
/// # Panics
/// Cargo cannot answer, for instance because `Cargo.lock` is out of date.
pub fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(root())
        .output()
        .expect("cargo runs this test, so it can be started");
    assert!(output.status.success(), "cargo metadata failed:\n{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo metadata writes JSON")
}

/// The crates of the workspace.
pub fn members() -> Vec<Member> {
    let metadata = metadata();
    let ids: BTreeSet<&str> = list(&metadata["workspace_members"]).iter().filter_map(Value::as_str).collect();
    list(&metadata["packages"])
        .iter()
        .filter(|package| ids.contains(text(&package["id"])))
        .map(|package| {
            let manifest = Path::new(text(&package["manifest_path"]));
            let folder = manifest.parent().expect("a manifest is in a folder");
            Member {
                name: text(&package["name"]).to_owned(),
                folder: folder.strip_prefix(root()).expect("members are in the repository").to_owned(),
                manifest: read(manifest.to_str().expect("our folder names are plain"))
                    .parse()
                    .expect("cargo could read the manifest"),
                dependencies: list(&package["dependencies"]).iter().map(dependency).collect(),
            }
        })
        .collect()
}

fn dependency(value: &Value) -> Dependency {
    let package = text(&value["name"]);
    Dependency {
        package: package.to_owned(),
        ident: value["rename"].as_str().unwrap_or(package).replace('-', "_"),
        only_for_tests: value["kind"] == "dev",
    }
}

/// A JSON list's items; none for anything else.
pub fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A JSON string's text; empty for anything else.
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
