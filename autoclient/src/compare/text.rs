//! A comparison as lines of text, and as a page.

use super::{
    Labelled,
    rows::{Comparison, Difference, Judgement, Row, Spread, Unit},
};
use crate::{
    record::LatencyKind,
    report::{
        charts::{PercentileLine, percentiles},
        page::{page, section, word},
        tables::{Cell, table},
        text::{escaped, number, plain, seconds, utc},
    },
};

/// What the figures do not say of themselves, a sentence each.
const NOISE: [&str; 2] = [
    "The chance range is where the change would fall in 95 of 100 cases if each run's seconds had come otherwise.",
    "Two runs of one program can differ by more than their seconds do: repeat both before a small difference is believed.",
];

/// The lines of a comparison.
pub(super) fn lines(comparison: &Comparison, before: &Labelled<'_>, after: &Labelled<'_>) -> Vec<String> {
    let mut lines: Vec<String> =
        [("A", before), ("B", after)].map(|(letter, run)| format!("{letter}: {}", about(run))).into();
    lines.push(String::new());
    if comparison.obstacles.is_empty() {
        lines.push("Comparable: the settings are the same.".to_owned());
    } else {
        lines.push("NOT COMPARABLE:".to_owned());
        lines.extend(comparison.obstacles.iter().map(difference));
    }
    if !comparison.differences.is_empty() {
        lines.push("Also different:".to_owned());
        lines.extend(comparison.differences.iter().map(difference));
    }
    lines.push(String::new());

    let head = ["", "A", "B", "change", "chance range", ""].map(ToOwned::to_owned);
    let table: Vec<[String; 6]> = std::iter::once(head).chain(comparison.rows.iter().map(cells)).collect();
    let widths: [usize; 6] =
        std::array::from_fn(|column| table.iter().map(|row| row[column].chars().count()).max().unwrap_or(0));
    for row in &table {
        let mut line = format!("{:<1$}", row[0], widths[0]);
        for column in 1..5 {
            line.push_str(&format!("  {:>1$}", row[column], widths[column]));
        }
        line.push_str("  ");
        line.push_str(&row[5]);
        lines.push(line.trim_end().to_owned());
    }
    lines.push(String::new());
    lines.extend(NOISE.map(ToOwned::to_owned));
    lines
}

/// The page of a comparison.
pub(super) fn html<'a>(comparison: &Comparison, before: &Labelled<'a>, after: &Labelled<'a>) -> String {
    let runs = [("A", before), ("B", after)];
    let list: String = runs
        .iter()
        .map(|(letter, run)| {
            format!("<p class=\"line\"><strong>{letter}</strong> {}</p>\n", escaped(&about(run)))
        })
        .collect();
    let (word, class) = match comparison.obstacles.is_empty() {
        true => ("Comparison", ""),
        false => ("Not comparable", " class=\"invalid\""),
    };
    let differences = |caption: &str, list: &[Difference]| match list.is_empty() {
        true => String::new(),
        false => table(
            caption,
            &["", "A", "B"],
            list.iter().map(|it| {
                vec![
                    Cell::Name(it.name.clone()),
                    Cell::Words(it.before.clone()),
                    Cell::Words(it.after.clone()),
                ]
            }),
        ),
    };
    let rows = comparison.rows.iter().map(|row| {
        let [name, before, after, change, range, judgement] = cells(row);
        let change = if row.judgement == Judgement::Worse { Cell::Bad(change) } else { Cell::Figure(change) };
        vec![
            Cell::Name(name),
            Cell::Figure(before),
            Cell::Figure(after),
            change,
            Cell::Figure(range),
            Cell::Words(judgement),
        ]
    });
    let line = |name: &str, class, run: &Labelled<'a>, kind| PercentileLine {
        name: name.to_owned(),
        class,
        histogram: run.record.latency.of(kind),
    };
    let charts: Vec<String> = LatencyKind::ALL
        .into_iter()
        .map(|kind| {
            percentiles(
                kind.key(),
                kind.title(),
                "Each step to the right is ten times rarer.",
                vec![line("A", "second", before, kind), line("B", "first", after, kind)],
            )
            .html()
        })
        .collect();
    page(
        &format!("{word} · Recado load reports"),
        &[
            format!(
                "<header>\n<p class=\"product\">Recado load reports</p>\n<h1{class}><span>{word}</span></h1>\n{list}{}{}</header>\n",
                differences(
                    "Not the same in both runs, so that their figures say little of each other",
                    &comparison.obstacles
                ),
                differences("Also different", &comparison.differences)
            ),
            section(
                "figures",
                "Figures",
                &format!("<p>{}</p>\n", escaped(&NOISE.join(" "))),
                &[table("Figures of both runs", &["", "A", "B", "change of B", "chance range", ""], rows)],
            ),
            section("latency", "Latency by percentile", "", &charts),
        ],
    )
}

/// A share in hundredths, without the digits that binary fractions add.
pub(super) fn percentage(share: f64) -> String {
    number((share * 1e5).round() / 1e3)
}

/// A run in one line.
fn about(run: &Labelled<'_>) -> String {
    format!(
        "{} ({}, {}, {} of load)",
        plain(&run.label),
        word(run.record.verdict.outcome),
        utc(run.record.started_ms),
        seconds(run.record.load_s)
    )
}

fn difference(difference: &Difference) -> String {
    let Difference { name, before, after } = difference;
    match before.is_empty() && after.is_empty() {
        true => format!("  {}", plain(name)),
        false => format!("  {}: {} in A, {} in B", plain(name), plain(before), plain(after)),
    }
}

fn cells(row: &Row) -> [String; 6] {
    let signed = |value: f64| format!("{}{}", if value > 0.0 { "+" } else { "" }, number(value));
    let percent = |value: f64| format!("{} %", signed((value * 1_000.0).round() / 10.0));
    let change = match (row.before, row.after) {
        (Some(before), Some(after)) => match row.unit {
            Unit::Faults => signed(after - before),
            Unit::PerSecond | Unit::Micros => row.change().map_or_else(
                || {
                    if before == after {
                        "0 %".to_owned()
                    } else {
                        format!("+{}", row.unit.show(Some(after - before)))
                    }
                },
                percent,
            ),
        },
        _ => "–".to_owned(),
    };
    let range = match row.spread {
        Some(Spread::Shares(low, high)) => format!("{} to {}", percent(low), percent(high)),
        Some(Spread::Differences(low, high)) => {
            format!("{} to {}", row.unit.show(Some(low)), row.unit.show(Some(high)))
        }
        None => String::new(),
    };
    let judgement = match (row.judgement, row.unit) {
        (Judgement::Same, _) if row.before == row.after => "",
        (Judgement::Same, _) => "within chance",
        (Judgement::Better, Unit::Micros) => "quicker",
        (Judgement::Worse, Unit::Micros) => "SLOWER",
        (Judgement::Better, Unit::PerSecond) => "more",
        (Judgement::Worse, Unit::PerSecond) => "LESS",
        (Judgement::Better, Unit::Faults) => "fewer",
        (Judgement::Worse, Unit::Faults) => "MORE",
        (Judgement::Unknown, _) => "too few to say",
    };
    [
        row.name.clone(),
        row.unit.show(row.before),
        row.unit.show(row.after),
        change,
        range,
        judgement.to_owned(),
    ]
}
