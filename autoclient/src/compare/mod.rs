//! `recado autoclient compare`: two reports side by side, and what can be said of their differences.

mod rows;
mod spread;
mod text;

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use thiserror::Error;

pub use rows::{Comparison, Difference, Judgement, Row, Spread, Unit};

use crate::{
    record::{PackError, Record},
    report::{self, ReadError},
};

/// What `recado autoclient compare` takes.
#[derive(Clone, Debug, clap::Args)]
pub struct CompareArgs {
    /// Report that is compared with: its folder or its report.json
    #[arg(value_name = "A")]
    pub before: PathBuf,

    /// Report that is judged
    #[arg(value_name = "B")]
    pub after: PathBuf,

    /// Write a page with the comparison and both runs' percentiles to this file
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,

    /// Exit with 1 if B is worse than A by more than this and more than chance, as 10%, or if they cannot be compared
    #[arg(long, value_name = "PERCENT", value_parser = share)]
    pub fail_if_worse: Option<f64>,
}

/// Why two reports were not compared.
#[derive(Debug, Error)]
pub enum CompareError {
    /// One of them cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A histogram in the timeline of one is broken.
    #[error("{} has a broken histogram among its seconds", path.display())]
    Histogram {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        source: PackError,
    },
    /// The page cannot be written.
    #[error("--html: cannot write {}", path.display())]
    Page {
        /// Where to.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// A record with what it is called by whoever compares it.
struct Labelled<'a> {
    label: String,
    record: &'a Record,
}

/// What came of a comparison.
#[derive(Clone, Debug)]
pub struct Compared {
    /// The lines to print.
    pub lines: Vec<String>,
    /// Whether the second run is good enough, if that was asked.
    pub is_good: bool,
}

/// Compares two reports.
///
/// # Errors
/// If a report cannot be read, or the page cannot be written.
pub fn compare(args: &CompareArgs) -> Result<Compared, CompareError> {
    let (before, after) = (load(&args.before)?, load(&args.after)?);
    let comparison = Comparison::of(&before, &after).map_err(|source| {
        let is_first = Comparison::of(&before, &before).is_err();
        CompareError::Histogram { path: if is_first { &args.before } else { &args.after }.clone(), source }
    })?;
    let label = |path: &Path| path.display().to_string();
    let (one, other) = (
        Labelled { label: label(&args.before), record: &before },
        Labelled { label: label(&args.after), record: &after },
    );
    let mut lines = text::lines(&comparison, &one, &other);
    if let Some(path) = &args.html {
        write(path, &text::html(&comparison, &one, &other))
            .map_err(|source| CompareError::Page { path: path.clone(), source })?;
    }
    let Some(share) = args.fail_if_worse else { return Ok(Compared { lines, is_good: true }) };
    let complaints = comparison.complaints(&before, &after, share);
    lines.push(String::new());
    lines.extend(complaints.iter().map(|complaint| format!("WORSE: {complaint}")));
    if complaints.is_empty() {
        lines.push(format!("NOT WORSE: no figure by more than {} % and chance", text::percentage(share)));
    }
    Ok(Compared { lines, is_good: complaints.is_empty() })
}

fn load(path: &Path) -> Result<Record, ReadError> {
    report::read(path)
}

/// Writes a file whole or not at all.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    name.push(".partial");
    let partial = path.with_file_name(name);
    let mut file = File::create(&partial)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(partial, path)
}

/// Reads a share as `10%`, `2.5%` or `10`.
fn share(text: &str) -> Result<f64, String> {
    let number = text.trim().trim_end_matches('%').trim_end();
    match number.parse::<f64>() {
        Ok(percent) if (0.0..=1_000.0).contains(&percent) => Ok(percent / 100.0),
        _ => Err("write a percentage, as 10%".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Folder, sample};

    fn text_of(before: &Record, after: &Record) -> String {
        let comparison = Comparison::of(before, after).unwrap();
        let run = |label: &str, record| Labelled { label: label.to_owned(), record };
        text::lines(&comparison, &run("one", before), &run("other\n\u{1b}[2J", after)).join("\n")
    }

    #[test]
    fn the_table_has_a_line_for_each_figure_and_says_what_to_make_of_it() {
        let (quick, slow) = (sample::record_of(60, 1.0), sample::record_of(60, 1.3));
        let text = text_of(&quick, &slow);
        assert!(text.starts_with(
            "A: one (PASS, 2026-03-01 12:00:00 UTC, 1 min of load)\nB: other\u{fffd}\u{fffd}[2J"
        ));
        assert!(text.contains("Comparable: the settings are the same."));
        let line = text.lines().find(|line| line.starts_with("Request to acknowledgement, p50")).unwrap();
        assert!(line.contains("+29.9 %") && line.contains(" to +") && line.ends_with("SLOWER"), "{line}");
        let line = text.lines().find(|line| line.starts_with("acknowledged")).unwrap();
        assert!(line.contains("50/s") && line.ends_with("0 % to 0 %"), "{line}");
        let line = text.lines().find(|line| line.starts_with("End to end, max")).unwrap();
        assert!(line.ends_with("too few to say"), "{line}");
    }

    #[test]
    fn different_settings_stand_before_the_figures() {
        let before = sample::record();
        let mut after = sample::record();
        after.settings[1].value = "99/s".to_owned();
        let text = text_of(&before, &after);
        let (obstacle, figures) =
            (text.find("NOT COMPARABLE:\n  rate: 50/s in A, 99/s in B"), text.find("acknowledged "));
        assert!(obstacle.is_some() && obstacle < figures, "{text}");
    }

    #[test]
    fn folders_and_files_are_compared_and_the_page_is_written() {
        let home = tempfile::tempdir().unwrap();
        let (one, other) = (home.path().join("one"), home.path().join("other"));
        Folder::prepare(&one, false).unwrap().write(&sample::record_of(30, 1.0)).unwrap();
        Folder::prepare(&other, false).unwrap().write(&sample::record_of(30, 2.0)).unwrap();
        let args = |before: &Path, after: PathBuf, fail_if_worse| CompareArgs {
            before: before.to_owned(),
            after,
            html: Some(home.path().join("page.html")),
            fail_if_worse,
        };
        assert!(compare(&args(&one, other.join("report.json"), None)).unwrap().is_good);
        assert!(!compare(&args(&one, other.clone(), Some(0.1))).unwrap().is_good);
        assert!(compare(&args(&other, one.clone(), Some(0.1))).unwrap().is_good);
        let page = fs::read_to_string(home.path().join("page.html")).unwrap();
        assert_eq!(page.matches("<figure").count(), 3);
        assert!(!page.contains("<script>alert"));
        let missing = compare(&args(&one, home.path().join("nothing"), None)).unwrap_err();
        assert!(missing.to_string().starts_with("cannot read "));
    }

    #[test]
    fn a_broken_second_is_told_with_the_report_that_has_it() {
        let home = tempfile::tempdir().unwrap();
        let (whole, broken) = (home.path().join("whole"), home.path().join("broken"));
        for path in [&whole, &broken] {
            Folder::prepare(path, false).unwrap().write(&sample::record()).unwrap();
        }
        let path = broken.join("report.json");
        let text = fs::read_to_string(&path).unwrap();
        let (before, after) = text.rsplit_once("HISTF").unwrap();
        fs::write(&path, format!("{before}AISTF{after}")).unwrap();
        for (before, after) in [(&whole, &broken), (&broken, &whole)] {
            let args =
                CompareArgs { before: before.clone(), after: after.clone(), html: None, fail_if_worse: None };
            let error = compare(&args).unwrap_err();
            assert!(error.to_string().starts_with(&broken.display().to_string()), "{error}");
        }
    }

    #[test]
    fn a_share_is_a_percentage() {
        assert_eq!((share("10%"), share("2.5"), share(" 0 % ")), (Ok(0.1), Ok(0.025), Ok(0.0)));
        for text in ["", "%", "-1%", "ten", "NaN", "inf%"] {
            assert!(share(text).is_err(), "{text}");
        }
    }
}
