//! A device, and what tests do with it.

use std::path::{Path, PathBuf};

use recado_tests::{
    parts::folder,
    process::{Ended, Run},
    secured::Secured,
};
use tempfile::TempDir;

/// A device: a home of its own.
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new() -> Home {
        Home(folder())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// A file of recado's among the user's data.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path().join(".local/share/recado").join(name)
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        Run::recado(self.path(), arguments).to_end()
    }

    /// What it prints, having succeeded.
    #[track_caller]
    pub(crate) fn prints(&self, arguments: &[&str]) -> Vec<String> {
        let ended = self.run(arguments);
        assert_eq!(ended.code, Some(0), "{arguments:?}: {:#?}", ended.err);
        ended.out
    }

    /// What it says, having ended with this code.
    #[track_caller]
    pub(crate) fn fails_with(&self, code: i32, arguments: &[&str]) -> String {
        let ended = self.run(arguments);
        assert_eq!(ended.code, Some(code), "{arguments:?}: {:#?} {:#?}", ended.out, ended.err);
        ended.err.join("\n")
    }

    /// What it says, having failed.
    #[track_caller]
    pub(crate) fn fails(&self, arguments: &[&str]) -> String {
        self.fails_with(1, arguments)
    }
}

/// The link in what `recado admin invite` and `recado keys device` print.
#[track_caller]
pub(crate) fn link_in(lines: &[String]) -> String {
    let mut words = lines.iter().flat_map(|line| line.split('\''));
    words.find(|word| word.starts_with("recado://")).expect("a link is printed").to_owned()
}

/// A secured system with ana, its first administrator.
pub(crate) fn secured(folder: &Path) -> (Secured, Home) {
    let system = Secured::up(folder);
    let link = system.link.clone().expect("nobody is administrator yet");
    let ana = Home::new();
    ana.prints(&["join", &link, "--user", "ana"]);
    (system, ana)
}
