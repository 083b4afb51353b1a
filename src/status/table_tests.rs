use recado_zmtp::Endpoint;

use super::{PLACED, Table, bytes, count, speed, uptime};
use crate::status::{
    lines::{Line, Tone, paint},
    report::{Report, tests::report},
    table::Unit,
};

fn lines(report: &Report, before: Option<&Report>, room: Option<usize>) -> Vec<Line> {
    let endpoint: Endpoint = "tcp://127.0.0.1:5559".parse().unwrap();
    Table { report, before, watching: before.is_some() }.lines(&endpoint, room)
}

fn check(report: &Report, before: Option<&Report>, room: Option<usize>, expect: &str) {
    let shown: Vec<_> = lines(report, before, room).iter().map(|line| paint(line, None, false)).collect();
    assert_eq!(shown, expect.lines().collect::<Vec<_>>(), "\n{}", shown.join("\n"));
}

/// A broker that has been up for so many seconds.
fn busy(seconds: u64) -> Report {
    let figures = [
        ("messages_in", 1_204 * seconds),
        ("bytes_in", 113_176 * seconds),
        ("messages_out", 12_040 * seconds),
        ("bytes_out", 1_131_760 * seconds),
        ("unwanted", 3),
        ("dropped_slow", 1_500 * seconds),
        ("connections", 12),
        ("publishers", 2),
        ("subscribers", 10),
        ("slow_subscribers", 1),
        ("subscriptions", 10),
        ("topics", 1),
        ("subscription_bytes", 1_650),
        ("queued_bytes", 16 << 20),
        ("waits", 17),
        ("refused", 2),
    ];
    report(seconds as f64, &figures)
}

#[test]
fn on_a_terminal_of_the_usual_size_the_table_fits() {
    check(
        &busy(8_064),
        Some(&busy(8_062)),
        Some(80),
        "\
Recado broker 0.1.0 at tcp://127.0.0.1:5559, up 2 h 14 min
publishers tcp://127.0.0.1:5557  subscribers tcp://127.0.0.1:5558

Messages               messages  a second      bytes   a second
  in                  9,709,056     1,204  870.4 MiB  110.5 KiB
  out                97,090,560    12,040    8.5 GiB    1.1 MiB
  wanted by nobody            3         0

Dropped                messages  a second   Connections          now  at most
  subscriber slow    12,096,000     1,500     in all              12   16,384
  subscriber left             0         0     publishers           2
                                              subscribers         10
Slow subscribers                 a second
  behind now                  1             Subscriptions        now
  publishers waited          17         0     in all              10
  waits given up              0         0     topics               1

Refused, closed                  a second   Memory held          now  at most
  refused                     2         0     queued          16 MiB    1 GiB
  broke a rule                0         0     unfinished         0 B  256 MiB
  fell silent                 0         0     subscriptions  1.6 KiB  256 MiB
  frames ignored              0         0
",
    );
}

#[test]
fn elsewhere_its_sections_stand_one_under_the_other_without_rates_if_it_is_not_watched() {
    let expect = "\
Recado broker 0.1.0 at tcp://127.0.0.1:5559, up 1 min 0 s
publishers tcp://127.0.0.1:5557  subscribers tcp://127.0.0.1:5558

Messages             messages              bytes
  in                   72,240            6.5 MiB
  out                 722,400           64.8 MiB
  wanted by nobody          3

Dropped              messages
  subscriber slow      90,000
  subscriber left           0

Connections               now  at most
  in all                   12   16,384
  publishers                2
  subscribers              10

Subscriptions             now
  in all                   10
  topics                    1

Slow subscribers
  behind now                1
  publishers waited        17
  waits given up            0

Memory held               now  at most
  queued               16 MiB    1 GiB
  unfinished              0 B  256 MiB
  subscriptions       1.6 KiB  256 MiB

Refused, closed
  refused                   2
  broke a rule              0
  fell silent               0
  frames ignored            0
";
    check(&busy(60), None, None, expect);
    check(&busy(60), None, Some(50), expect);
}

#[test]
fn what_a_newer_broker_has_beside_the_known_figures_comes_last() {
    let figures: Vec<(&str, u64)> =
        PLACED.iter().map(|name| (*name, 1)).chain([("novel_thing", 1_234), ("a\u{1b}[2J", 5)]).collect();
    for room in [None, Some(80)] {
        let shown: Vec<_> = lines(&report(1.0, &figures), None, room)
            .iter()
            .map(|line| paint(line, None, false).split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        let others = shown.iter().position(|line| line == "Others").unwrap();
        assert_eq!(shown[others + 1..], ["a␛[2J 5", "novel_thing 1,234"], "{room:?}");
    }
}

/// How a figure's value stands out, and its rate.
fn tones(report: &Report, before: Option<&Report>, label: &str) -> (Tone, Tone) {
    let lines = lines(report, before, None);
    let line = lines.iter().find(|line| line.first().is_some_and(|piece| piece.text.trim() == label));
    let cells: Vec<_> = line.unwrap().iter().filter(|piece| !piece.text.trim().is_empty()).collect();
    (cells[1].tone, cells.get(2).map_or(Tone::Plain, |cell| cell.tone))
}

#[test]
fn what_went_wrong_stands_out_and_more_so_while_it_goes_on() {
    let (before, now) = (busy(10), busy(12));
    assert_eq!(tones(&now, Some(&before), "subscriber slow"), (Tone::Alarm, Tone::Alarm));
    assert_eq!(tones(&now, Some(&before), "refused"), (Tone::Warning, Tone::Dim));
    assert_eq!(tones(&now, None, "subscriber slow").0, Tone::Warning);
    assert_eq!(tones(&now, Some(&before), "in"), (Tone::Plain, Tone::Lively));
    assert_eq!(tones(&now, Some(&before), "broke a rule"), (Tone::Dim, Tone::Dim));
    assert_eq!(tones(&now, None, "behind now").0, Tone::Warning);
    let queued = |bytes| tones(&report(1.0, &[("queued_bytes", bytes)]), None, "queued").0;
    assert_eq!(queued(0), Tone::Dim);
    assert_eq!(queued(1 << 29), Tone::Plain);
    assert_eq!(queued(800 << 20), Tone::Warning);
    assert_eq!(queued(1 << 30), Tone::Alarm);
}

#[test]
fn numbers_are_made_readable() {
    assert_eq!(count(0), "0");
    assert_eq!(count(999), "999");
    assert_eq!(count(1_000), "1,000");
    assert_eq!(count(u64::MAX), "18,446,744,073,709,551,615");
    let sizes = [(0.0, "0 B"), (1_023.0, "1023 B"), (1_024.0, "1 KiB"), (1_536.0, "1.5 KiB")];
    for (value, text) in sizes {
        assert_eq!(bytes(value), text);
    }
    assert_eq!(bytes(1024.0 * 1024.0 - 1.0), "1.0 MiB");
    assert_eq!(bytes(u64::MAX as f64), "16 EiB");
    for (rate, text) in [(0.0, "0"), (0.01, "0.1"), (0.5, "0.5"), (9.96, "10"), (12_345.4, "12,345")] {
        assert_eq!(speed(rate, Unit::Count), text);
    }
    assert_eq!(speed(0.4, Unit::Bytes), "0 B");
    for (seconds, text) in [
        (0.9, "0 s"),
        (59.0, "59 s"),
        (61.0, "1 min 1 s"),
        (3_600.0, "1 h 0 min"),
        (90_000.0, "1 d 1 h"),
        (f64::MAX, "213,503,982,334,601 d 7 h"),
    ] {
        assert_eq!(uptime(seconds), text);
    }
}

#[test]
fn what_newcomers_were_sent_has_a_row_only_if_there_was_any() {
    for sent in [0, 7] {
        let report = report(60.0, &[("greetings", sent)]);
        let shown = lines(&report, None, None).iter().any(|line| {
            let text = paint(line, None, false);
            text.starts_with("  to newcomers ") && text.trim_end().ends_with('7')
        });
        assert_eq!(shown, sent > 0);
    }
}
