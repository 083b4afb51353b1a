//! Findings as lines for people and as one line of JSON for programs.

use std::{
    fmt::Write as _,
    io::{self, IsTerminal},
};

use recado_client::view::colour::{ColourWhen, Palette};
use recado_client::view::text::one_line;
use serde::Serialize;

use super::finding::{Finding, Grade};

/// How wide the word for a point is shown.
const POINT_COLUMNS: usize = 16;

#[derive(Serialize)]
struct Report<'a> {
    version: &'static str,
    grade: Grade,
    points: &'a [Finding],
}

/// The gravest of all.
pub(super) fn worst(findings: &[Finding]) -> Grade {
    findings.iter().map(|finding| finding.grade).max().unwrap_or(Grade::Ok)
}

/// One object, on one line.
pub(super) fn json(findings: &[Finding]) -> String {
    let report = Report { version: env!("CARGO_PKG_VERSION"), grade: worst(findings), points: findings };
    serde_json::to_string(&report).expect("text and words are JSON") + "\n"
}

/// Whether standard output wants colours.
pub(super) fn wants_colours() -> bool {
    let is_terminal = io::stdout().is_terminal();
    is_terminal && Palette::decide(ColourWhen::Auto, is_terminal) != Palette::Plain
}

/// A line for each point, another one for what to do, and one for all.
pub(super) fn lines(findings: &[Finding], colours: bool) -> String {
    let mut text = String::new();
    for finding in findings {
        let Finding { point, grade, says, advice } = finding;
        let grade = painted(*grade, colours);
        let _ = writeln!(text, "{grade}  {point:POINT_COLUMNS$}  {}", one_line(says));
        if let Some(advice) = advice {
            let indent = " ".repeat(GRADE_COLUMNS + 2 + POINT_COLUMNS);
            let _ = writeln!(text, "{indent}  -> {}", one_line(advice));
        }
    }
    let count = |grade| findings.iter().filter(|finding| finding.grade == grade).count();
    let last = match (count(Grade::Problem), count(Grade::Warning)) {
        (0, 0) => "all is well".to_owned(),
        (problems, warnings) => format!("{}, {}", counted(problems, "problem"), counted(warnings, "warning")),
    };
    text + &last + "\n"
}

const GRADE_COLUMNS: usize = 7;

fn painted(grade: Grade, colours: bool) -> String {
    if !colours {
        return format!("{grade:GRADE_COLUMNS$}");
    }
    let code = match grade {
        Grade::Ok => 32,
        Grade::Warning => 33,
        Grade::Problem => 31,
    };
    format!("\u{1b}[{code}m{grade:GRADE_COLUMNS$}\u{1b}[0m")
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings() -> Vec<Finding> {
        vec![
            Finding::ok("store", "all there"),
            Finding::warning("clock", "slow\u{1b}[2J\nvery", "wind it"),
            Finding::problem("disk", "full", "make room"),
        ]
    }

    #[test]
    fn people_read_a_line_for_each_point_and_what_to_do() {
        let text = lines(&findings(), false);
        let shown: Vec<&str> = text.lines().collect();
        assert_eq!(shown[0], "ok       store             all there");
        assert!(shown[1].starts_with("warning  clock             slow"), "{text}");
        assert!(!text.contains('\u{1b}'), "what is found cannot steer the terminal: {text:?}");
        assert_eq!(shown[2], "                           -> wind it");
        assert_eq!(shown[3], "problem  disk              full");
        assert_eq!(shown[5], "1 problem, 1 warning");
        assert_eq!(lines(&findings()[..1], false).lines().last(), Some("all is well"));
    }

    #[test]
    fn colours_are_there_only_where_they_are_wanted() {
        assert!(lines(&findings(), true).contains("\u{1b}[31mproblem\u{1b}[0m"));
    }

    #[test]
    fn programs_read_one_object() {
        let text = json(&findings());
        assert_eq!(text.lines().count(), 1);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["grade"], "problem");
        assert_eq!(
            value["points"][0],
            serde_json::json!({"point": "store", "grade": "ok", "says": "all there"})
        );
        assert_eq!(value["points"][2]["advice"], "make room");
    }
}
