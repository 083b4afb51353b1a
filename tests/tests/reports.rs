//! Load reports of the real program, read back by it and by libraries that are not ours; and the comparison of two.

use std::{fs, path::Path};

use recado_tests::{
    parts::{Recado, folder},
    peers::Library,
    process::{Ended, Run},
};
use serde_json::Value;

/// A user's name that would do harm in a page or a spreadsheet that does not guard itself.
const HOSTILE: &str = "=1</script><script>alert(1)</script>";

fn load(folder: &Path, recado: &Recado, report: &Path, options: &[&str]) -> Ended {
    let report = report.to_str().expect("our folders have plain names");
    let line = [
        "autoclient",
        "--server",
        &recado.requests,
        "--broker",
        &recado.subscribers,
        "--report",
        report,
        "--untimed",
    ];
    Run::recado(folder, line.iter().chain(options)).to_end()
}

/// What Python finds in a report's folder or in a page.
fn check(folder: &Path, report: &Path) -> Value {
    let report = report.to_str().expect("our folders have plain names");
    let ended = Library::Pyzmq.program(folder, "tests/peers", "report", &[report]).to_end();
    assert_eq!(ended.code, Some(0), "{:#?}", ended.err);
    serde_json::from_str(&ended.out[0]).expect("it prints JSON")
}

fn compare(folder: &Path, arguments: &[&Path], options: &[&str]) -> Ended {
    let arguments = arguments.iter().map(|path| path.to_str().expect("our folders have plain names"));
    Run::recado(folder, ["autoclient", "compare"].into_iter().chain(arguments).chain(options.iter().copied()))
        .to_end()
}

#[test]
fn a_report_is_whole_and_harmless_and_can_be_compared() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    for report in [&first, &second] {
        let options =
            ["--user", HOSTILE, "--users", "3", "--rate", "100", "--messages", "150", "--seed", "5"];
        let ended = load(folder.path(), &recado, report, &options);
        // A machine that is busy with other tests makes a load client that is no judge; its report is as good.
        assert!(matches!(ended.code, Some(0 | 3)), "{:#?}\n{:#?}", ended.out, ended.err);
        let verdict = ended.out.last().expect("it says something");
        let (word, figures) = verdict.split_once(": ").expect("a verdict has a word and figures");
        let found = check(folder.path(), report);
        assert_eq!((&found["heading"], &found["charts"]), (&word.into(), &8.into()));
        let text = found["text"].as_str().expect("a page has text");
        assert!(text.contains(figures), "{verdict}");
        assert!(text.contains("=1</script><script>alert(1)</script>-3"), "the name is there as text");
    }

    let again = load(folder.path(), &recado, &first, &["--messages", "1"]);
    assert_eq!(again.code, Some(2), "{:#?}", again.err);
    assert!(again.err.iter().any(|line| line.contains("a report is there already")), "{:#?}", again.err);
    let forced = load(folder.path(), &recado, &first, &["--rate", "50", "--messages", "20", "--force"]);
    assert!(matches!(forced.code, Some(0 | 3)), "{:#?}", forced.err);

    let page = folder.path().join("page.html");
    let html = page.to_str().expect("our folders have plain names");
    let same = compare(folder.path(), &[&second, &second], &["--html", html]);
    assert_eq!(same.code, Some(0), "{:#?}\n{:#?}", same.out, same.err);
    assert!(same.out.iter().any(|line| line.starts_with("End to end, p99")), "{:#?}", same.out);
    assert_eq!(check(folder.path(), &page)["charts"], 3);
    let other = compare(folder.path(), &[&second, &first.join("report.json")], &[]);
    assert_eq!(other.code, Some(0), "{:#?}", other.err);
    assert!(other.out.contains(&"NOT COMPARABLE:".to_owned()), "{:#?}", other.out);
    let judged = compare(folder.path(), &[&second, &first], &["--fail-if-worse", "1000%"]);
    assert_eq!(judged.code, Some(1), "{:#?}", judged.out);
}

#[test]
fn a_folder_that_cannot_take_a_report_is_told_before_anything_is_sent() {
    let folder = folder();
    let occupied = folder.path().join("occupied");
    fs::create_dir(&occupied).expect("the folder is ours");
    fs::write(occupied.join("thesis.txt"), "years of work").expect("the folder is ours");
    let cases = [
        (occupied.clone(), 2, "has something in it that is no report (thesis.txt)"),
        (occupied.join("thesis.txt"), 2, "this is a file"),
        (Path::new("/proc/report").to_owned(), 1, "--report: cannot write /proc/report: "),
    ];
    for (path, code, message) in cases {
        // Nobody listens there: a run that began would say so.
        let path = path.to_str().expect("our folders have plain names");
        let line = ["autoclient", "--server", "tcp://127.0.0.1:1", "--report", path, "--force"];
        let ended = Run::recado(folder.path(), line).to_end();
        assert_eq!(ended.code, Some(code), "{:#?}", ended.err);
        assert!(ended.err.iter().any(|line| line.contains(message)), "{:#?}", ended.err);
    }
    assert_eq!(fs::read_dir(&occupied).expect("it is still there").count(), 1);
}

#[test]
fn what_is_no_report_cannot_be_compared() {
    let folder = folder();
    let broken = folder.path().join("broken.json");
    for (text, message) in
        [("{\"format\": 1,", "is not a whole report"), ("{\"format\": 99}", "has format 99")]
    {
        fs::write(&broken, text).expect("the folder is ours");
        let ended = compare(folder.path(), &[&broken, &broken], &[]);
        assert_eq!(ended.code, Some(1), "{:#?}", ended.out);
        assert!(ended.err.iter().any(|line| line.contains(message)), "{:#?}", ended.err);
    }
    let missing = compare(folder.path(), &[&folder.path().join("nothing"), &broken], &[]);
    assert_eq!(missing.code, Some(1));
    assert!(missing.err.iter().any(|line| line.contains("cannot read")), "{:#?}", missing.err);
}
