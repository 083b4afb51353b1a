//! `report.html`: a run on one page that needs nothing else, for screens wide and narrow, light and dark, and for paper.

use super::{
    charts, folder,
    plot::{Plot, put},
    tables::{self, Cell},
    text::{bytes, count, escaped, micros, number, seconds, utc},
};
use crate::record::{LatencyKind, Outcome, Record};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// The digest of what stands in the page's script element. No other script runs, whatever name or setting were to bring one.
const SCRIPT_SHA256: &str = "7Oesg7cuImKhW0cnjlTfqC/AZVMnkX6OLdzDFTrWKaM=";

/// A page with this title and these parts, which are HTML.
pub(crate) fn page(title: &str, parts: &[String]) -> String {
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta name=\"color-scheme\" content=\"light dark\"/>\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{SCRIPT_SHA256}'\"/>\n\
         <title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n",
        escaped(title)
    );
    parts.iter().for_each(|part| out.push_str(part));
    put(&mut out, format_args!("</main>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n"));
    out
}

/// The page of a run.
pub(super) fn html(record: &Record) -> String {
    let rows = charts::rows(record);
    let word = word(record.verdict.outcome);
    let percentiles = charts::percentiles(
        "percentiles",
        "Latency by percentile",
        "Each step to the right is ten times rarer: at 99.9 % one in a thousand took longer.",
        charts::percentile_lines(record),
    );
    let over_time = |kind| charts::latency(record, &rows, kind);
    page(
        &format!("{word} · Recado load report"),
        &[
            head(record),
            glance(record),
            section(
                "latency",
                "Latency",
                "<p>All latencies count from the time at which the schedule wanted a message sent, so that waiting behind a slow \
                 answer is part of them.</p>\n",
                &[percentiles.html(), tables::latencies(record), over_time(LatencyKind::EndToEnd).html(), {
                    let pair = [over_time(LatencyKind::Acknowledgement), over_time(LatencyKind::Delivery)];
                    side_by_side(&pair)
                }],
            ),
            section("rates", "Rate", "", &[side_by_side(&charts::rates(record, &rows))]),
            audit(record),
            section(
                "upkeep",
                "Load and load client",
                "",
                &[side_by_side(&charts::upkeep(record, &rows)), {
                    format!(
                        "<details><summary>All charts over time as a table</summary>\n{}</details>\n",
                        tables::timeline(record)
                    )
                }],
            ),
            settings(record),
            files(record),
        ],
    )
}

/// An outcome as it is printed.
pub(crate) fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "PASS",
        Outcome::Fail => "FAIL",
        Outcome::Invalid => "INVALID",
    }
}

fn class(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "pass",
        Outcome::Fail => "fail",
        Outcome::Invalid => "invalid",
    }
}

/// A part of the page under a heading; `lead` is HTML.
pub(crate) fn section(id: &str, title: &str, lead: &str, parts: &[String]) -> String {
    let mut out = format!(
        "<section aria-labelledby=\"{id}-heading\">\n<h2 id=\"{id}-heading\">{}</h2>\n{lead}",
        escaped(title)
    );
    parts.iter().for_each(|part| out.push_str(part));
    out.push_str("</section>\n");
    out
}

fn side_by_side(plots: &[Plot]) -> String {
    let parts: String = plots.iter().map(Plot::html).collect();
    format!("<div class=\"pair\">\n{parts}</div>\n")
}

/// Lines from outside as a list.
fn list(class: &str, lines: &[String]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let items: String = lines.iter().map(|line| format!("<li>{}</li>", escaped(line))).collect();
    format!("<ul class=\"{class}\">{items}</ul>\n")
}

fn head(record: &Record) -> String {
    let verdict = &record.verdict;
    let (word, class) = (word(verdict.outcome), class(verdict.outcome));
    let rest = verdict
        .line
        .strip_prefix(word)
        .map_or(verdict.line.as_str(), |rest| rest.trim_start_matches([':', ' ']));
    let mut out = format!(
        "<header>\n<p class=\"product\">Recado load report</p>\n<h1 class=\"{class}\"><span>{word}</span></h1>\n<p class=\"line\">{}</p>\n",
        escaped(rest)
    );
    out.push_str(&list("reasons", &verdict.reasons));
    if !verdict.first.is_empty() {
        put(
            &mut out,
            format_args!(
                "<h2 class=\"small\">The first that went wrong</h2>\n{}",
                list("first", &verdict.first)
            ),
        );
    }
    put(
        &mut out,
        format_args!(
            "<p class=\"when\"><time>{}</time> · {} of load, {} in all · recado {}</p>\n</header>\n",
            utc(record.started_ms),
            seconds(record.load_s),
            seconds(record.elapsed_s),
            escaped(&record.version)
        ),
    );
    out
}

fn glance(record: &Record) -> String {
    let total = &record.total;
    let load_s = record.load_s.max(0.001);
    let planned: u64 = record.seconds.iter().map(|second| second.counts.planned).sum();
    let end_to_end = &record.latency.end_to_end;
    let delivered = total.delivered_live + total.delivered_by_repair;
    let latency = |quantile| match end_to_end.is_empty() {
        true => "–".to_owned(),
        false => micros(end_to_end.value_at_quantile(quantile) as f64),
    };
    let mut tiles = vec![
        (
            "acknowledged",
            format!("{}/s", number(total.acknowledged as f64 / load_s)),
            format!("target {}/s", number(planned as f64 / load_s)),
        ),
        (
            "delivered",
            format!("{}/s", number(delivered as f64 / load_s)),
            format!("{} of {}", count(delivered), count(total.expected)),
        ),
        ("end to end, p50", latency(0.5), format!("p90 {}", latency(0.9))),
        ("end to end, p99", latency(0.99), format!("p99.9 {}", latency(0.999))),
        ("longest", latency(1.0), format!("{} by repair", count(total.delivered_by_repair))),
    ];
    tiles.push(("lost", count(total.lost), format!("{} repeated", count(total.repeated))));
    let mut out = "<dl class=\"tiles\">\n".to_owned();
    for (name, figure, note) in tiles {
        let class = if name == "lost" && total.lost + total.repeated > 0 { " class=\"bad\"" } else { "" };
        put(
            &mut out,
            format_args!(
                "<div{class}><dt>{name}</dt><dd>{figure}</dd><dd class=\"note\">{note}</dd></div>\n"
            ),
        );
    }
    out.push_str("</dl>\n");
    out
}

fn audit(record: &Record) -> String {
    const MESSAGES: &[&str] = &[
        "attempted",
        "acknowledged",
        "stored",
        "expected",
        "delivered_live",
        "delivered_by_repair",
        "lost",
        "repeated",
    ];
    const DELIVERIES: &[&str] = &["expected", "delivered_live", "delivered_by_repair", "lost", "repeated"];
    let mut total = record.total.clone();
    total.name = "all".to_owned();
    let folded = |what: &str, rows: &[crate::record::AuditRow], always| {
        format!(
            "<details><summary>{what}: {}</summary>\n{}</details>\n",
            count(rows.len() as u64),
            tables::audit(what, rows, always)
        )
    };
    section(
        "audit",
        "Audit",
        "<p>What was sent, what the server acknowledged, what each subscriber heard and what history holds, compared. Columns that are \
         nothing but zeros may be left out.</p>\n",
        &[
            tables::audit("Sums", &[total], MESSAGES),
            folded("Publishers", &record.publishers, MESSAGES),
            folded("Channels", &record.channels, MESSAGES),
            folded("Subscribers", &record.subscribers, DELIVERIES),
        ],
    )
}

fn settings(record: &Record) -> String {
    let machine = &record.machine;
    let mut facts = vec![("cores", count(machine.cores)), ("kernel", machine.kernel.clone())];
    facts.extend(machine.processor.clone().map(|name| ("processor", name)));
    facts.extend(machine.memory_bytes.map(|size| ("memory", bytes(size))));
    let mut parts = Vec::new();
    if !record.conditions.is_empty() {
        let rows = record.conditions.iter().map(|condition| {
            let measured = condition.measured.clone();
            vec![
                Cell::Name(condition.condition.clone()),
                if condition.holds { Cell::Bad(measured) } else { Cell::Figure(measured) },
                Cell::Words(if condition.holds { "failed the run" } else { "did not hold" }.to_owned()),
            ]
        });
        parts.push(tables::table("Conditions to fail", &["fail if", "measured", ""], rows));
    }
    parts.push(format!(
        "<div class=\"pair\">\n{}{}</div>\n",
        tables::table(
            "Settings in force",
            &["setting", "value"],
            record
                .settings
                .iter()
                .map(|setting| vec![Cell::Name(setting.name.clone()), Cell::Words(setting.value.clone())]),
        ),
        tables::table(
            "Machine of the load client",
            &[],
            facts.into_iter().map(|(name, value)| vec![Cell::Name(name.to_owned()), Cell::Words(value)]),
        )
    ));
    parts.push(format!(
        "<h3 class=\"replay\">To play it again</h3>\n<pre><code>{}</code></pre>\n",
        escaped(&record.replay)
    ));
    section("settings", "Settings and conditions", "", &parts)
}

fn files(record: &Record) -> String {
    let mut out = "<ul class=\"files\">\n".to_owned();
    for name in folder::FILES {
        let what = match name {
            "report.html" => continue,
            "report.json" => {
                "everything, for programs and for <code>recado autoclient compare</code>".to_owned()
            }
            "seconds.csv" => format!("the run over time in {} rows", count(record.seconds.len() as u64)),
            "audit.csv" => "the audit for every publisher, channel and subscriber".to_owned(),
            "latency.hlog" => {
                "the histograms of each second, an HdrHistogram interval log in microseconds".to_owned()
            }
            _ => "a percentile distribution in milliseconds, for HdrHistogram's plotter".to_owned(),
        };
        put(&mut out, format_args!("<li><a href=\"{name}\">{name}</a> {what}</li>\n"));
    }
    out.push_str("</ul>\n");
    section("files", "Beside this page", "", &[out])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn names_from_outside_bring_no_markup() {
        let mut record = sample::record();
        for text in
            [&mut record.replay, &mut record.verdict.line, &mut record.version, &mut record.machine.kernel]
        {
            text.push_str(sample::HOSTILE);
        }
        record.verdict.reasons.push(sample::HOSTILE.to_owned());
        record.verdict.first.push(sample::HOSTILE.to_owned());
        record.channels[0].name = sample::HOSTILE.to_owned();
        record.conditions[0].condition = sample::HOSTILE.to_owned();
        record.settings[0].name = sample::HOSTILE.to_owned();
        let html = html(&record);
        assert!(
            !html.contains("<script>alert") && !html.contains("alert(\"1\")") && !html.contains('\u{202e}')
        );
        assert!(html.matches("&lt;/script&gt;&lt;script&gt;alert(&quot;1&quot;)").count() >= 10);
    }

    #[test]
    fn the_page_needs_nothing_from_elsewhere() {
        let html = html(&sample::record());
        for outside in ["http:", "https:", "src=", "@import", "url(", "//"] {
            assert!(!html.contains(outside), "{outside}");
        }
    }

    #[test]
    fn the_verdict_stands_on_top_whatever_it_is() {
        for (outcome, word) in
            [(Outcome::Pass, "PASS"), (Outcome::Fail, "FAIL"), (Outcome::Invalid, "INVALID")]
        {
            let mut record = sample::record();
            record.verdict.outcome = outcome;
            record.verdict.line = format!("{word}: 7 of 9");
            let html = html(&record);
            assert!(html.contains(&format!("<title>{word} ")));
            assert!(html.contains(&format!("<span>{word}</span></h1>\n<p class=\"line\">7 of 9</p>")));
        }
    }

    #[test]
    fn a_run_in_which_nothing_happened_has_a_page_too() {
        let mut record = sample::record();
        record.seconds.clear();
        record.latency = Default::default();
        record.total = Default::default();
        for rows in [&mut record.publishers, &mut record.channels, &mut record.subscribers] {
            rows.clear();
        }
        let html = html(&record);
        assert!(!html.contains("NaN") && !html.contains("inf"), "{html}");
    }

    #[test]
    fn many_publishers_do_not_make_the_page_long() {
        let mut record = sample::record();
        let mut bad = record.publishers[1].clone();
        record.publishers =
            (0..5_000).map(|number| crate::record::AuditRow::named(format!("user-{number}"))).collect();
        (bad.name, bad.lost) = ("unlucky".to_owned(), 3);
        record.publishers.push(bad);
        let html = html(&record);
        assert!(html.contains("unlucky") && html.contains("4,901 more are in"));
        assert!(!html.contains("user-4000"));
    }
}
