//! The chart of a comparison: bars of rates as multiples of libzmq's, in SVG, for light and for dark pages.

use std::fmt::Write;

use super::{
    figures::{Contender, Line},
    page::times,
};

/// Whose bars are shown, and the class that gives them their colour.
const SHOWN: &[(Contender, &str)] =
    &[(Contender::Recado, "ours"), (Contender::NatsServer, "nats"), (Contender::PlainRelay, "plain")];

const WIDTH: f64 = 900.0;
const LABELS_END: f64 = 290.0;
const BARS_END: f64 = 760.0;
const TOP: f64 = 92.0;
const BAR_HEIGHT: f64 = 16.0;
const BAR_STEP: f64 = 18.0;
const GROUP_GAP: f64 = 14.0;
const FOOT: f64 = 44.0;

/// Colours are told apart by their lightness too, and both sets stand out from their own background.
const STYLE: &str = "\
    text { font: 13px system-ui, sans-serif; fill: #1f2328; }\n\
    .title { font-size: 16px; font-weight: 600; }\n\
    .note { font-size: 12px; fill: #59636e; }\n\
    .ground { fill: #ffffff; }\n\
    .ours { fill: #0b57d0; }\n\
    .nats { fill: #d98324; }\n\
    .plain { fill: #9aa4af; }\n\
    .grid { stroke: #d1d9e0; stroke-width: 1; }\n\
    .one { stroke: #1f2328; stroke-width: 1.5; stroke-dasharray: 4 3; }\n\
    @media (prefers-color-scheme: dark) {\n\
      text { fill: #e6edf3; }\n\
      .note { fill: #9ea7b3; }\n\
      .ground { fill: #0d1117; }\n\
      .ours { fill: #6ea8fe; }\n\
      .nats { fill: #e3a04f; }\n\
      .plain { fill: #6b7480; }\n\
      .grid { stroke: #2f3742; }\n\
      .one { stroke: #e6edf3; }\n\
    }\n";

/// The chart of these lines, those without a ratio left out.
pub fn svg(lines: &[Line], date: &str) -> String {
    let groups: Vec<(&Line, Vec<Bar>)> =
        lines.iter().map(|line| (line, bars(line))).filter(|(_, bars)| !bars.is_empty()).collect();
    let longest = groups.iter().flat_map(|(_, bars)| bars).map(|bar| bar.ratio).fold(1.0, f64::max);
    let step = grid_step(longest);
    let most = (longest / step).ceil() * step;
    let x = |ratio: f64| LABELS_END + (BARS_END - LABELS_END) * ratio / most;
    let bar_count: usize = groups.iter().map(|(_, bars)| bars.len()).sum();
    let bottom = TOP + bar_count as f64 * BAR_STEP + groups.len() as f64 * GROUP_GAP;
    let height = bottom + FOOT;

    let mut text = String::new();
    put(
        &mut text,
        format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
             role=\"img\" aria-labelledby=\"title\">\n<title id=\"title\">Messages delivered a second, as multiples of \
             libzmq's zmq_proxy</title>\n<style>\n{STYLE}</style>\n\
             <rect class=\"ground\" width=\"{WIDTH}\" height=\"{height}\" rx=\"8\"/>\n\
             <text class=\"title\" x=\"20\" y=\"30\">Messages delivered a second, as multiples of libzmq's zmq_proxy</text>\n"
        ),
    );
    legend(&mut text);
    let mut mark = 0.0;
    while mark <= most + step / 2.0 {
        let at = x(mark);
        put(
            &mut text,
            format_args!(
                "<line class=\"grid\" x1=\"{at:.1}\" y1=\"{TOP}\" x2=\"{at:.1}\" y2=\"{bottom}\"/>\n\
                 <text class=\"note\" x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{mark}×</text>\n",
                bottom + 18.0
            ),
        );
        mark += step;
    }
    let mut y = TOP + GROUP_GAP / 2.0;
    for (line, bars) in &groups {
        let middle = y + bars.len() as f64 * BAR_STEP / 2.0 + 4.0;
        put(
            &mut text,
            format_args!(
                "<text x=\"{:.1}\" y=\"{middle:.1}\" text-anchor=\"end\">{}</text>\n",
                LABELS_END - 12.0,
                escaped(&line.title)
            ),
        );
        for bar in bars {
            put(
                &mut text,
                format_args!(
                    "<rect class=\"{}\" x=\"{LABELS_END}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{BAR_HEIGHT}\" rx=\"2\"/>\n\
                     <text class=\"note\" x=\"{:.1}\" y=\"{:.1}\">{}</text>\n",
                    bar.class,
                    x(bar.ratio) - LABELS_END,
                    x(bar.ratio) + 6.0,
                    y + 12.5,
                    escaped(&bar.label)
                ),
            );
            y += BAR_STEP;
        }
        y += GROUP_GAP;
    }
    put(
        &mut text,
        format_args!(
            "<line class=\"one\" x1=\"{0:.1}\" y1=\"{1}\" x2=\"{0:.1}\" y2=\"{bottom}\"/>\n\
             <text class=\"note\" x=\"{2}\" y=\"{3:.1}\" text-anchor=\"end\">{4}</text>\n</svg>\n",
            x(1.0),
            TOP - 6.0,
            WIDTH - 20.0,
            height - 8.0,
            escaped(date)
        ),
    );
    text
}

fn put(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.write_fmt(arguments).expect("a string takes all that is written to it");
}

struct Bar {
    class: &'static str,
    ratio: f64,
    label: String,
}

fn bars(line: &Line) -> Vec<Bar> {
    SHOWN
        .iter()
        .filter_map(|&(contender, class)| {
            let (ratio, figure) = (line.ratio(contender)?, line.figure(contender)?);
            Some(Bar { class, ratio, label: format!("{} · {}/s", times(ratio), line.unit.show(figure)) })
        })
        .collect()
}

fn legend(text: &mut String) {
    let mut x = 20.0;
    for (contender, class) in SHOWN {
        put(
            text,
            format_args!(
                "<rect class=\"{class}\" x=\"{x}\" y=\"48\" width=\"14\" height=\"14\" rx=\"2\"/>\n\
                 <text x=\"{}\" y=\"60\">{}</text>\n",
                x + 20.0,
                contender.title()
            ),
        );
        x += 46.0 + contender.title().len() as f64 * 7.5;
    }
    put(
        text,
        format_args!(
            "<line class=\"one\" x1=\"{x}\" y1=\"55\" x2=\"{}\" y2=\"55\"/>\n\
             <text x=\"{}\" y=\"60\">zmq_proxy, the better of 1 and 2 I/O threads (1×)</text>\n",
            x + 24.0,
            x + 30.0
        ),
    );
}

/// The distance of the lines behind the bars: few of them, at round numbers.
fn grid_step(longest: f64) -> f64 {
    [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0].into_iter().find(|step| longest / step <= 8.0).unwrap_or(500.0)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::benchmarks::figures::{Cell, Rounds, Unit};

    fn line(title: &str, figures: &[(Contender, f64)]) -> Line {
        let measured = |figure| Cell::Measured(Rounds::of(&[figure]).expect("there is one"));
        Line {
            title: title.to_owned(),
            unit: Unit::MessagesPerSecond,
            cells: figures.iter().map(|&(contender, figure)| (contender, measured(figure))).collect(),
            bar: None,
        }
    }

    #[test]
    fn bars_are_as_long_as_their_ratios() {
        let lines = [line(
            "a & b",
            &[(Contender::Recado, 16e6), (Contender::ZmqProxy1, 2e6), (Contender::NatsServer, 4e6)],
        )];
        let chart = svg(&lines, "2026-01-02");
        let bar = |class: &str| -> f64 {
            let start =
                chart.find(&format!("class=\"{class}\" x=\"{LABELS_END}\"")).expect("the bar is there");
            let (_, rest) = chart[start..].split_once("width=\"").expect("it has a width");
            rest.split('"').next().and_then(|width| width.parse().ok()).expect("a number")
        };
        assert!((bar("ours") - (BARS_END - LABELS_END)).abs() < 0.1, "8× of 8×: {chart}");
        assert!((bar("nats") * 4.0 - bar("ours")).abs() < 1.0, "2× of 8×: {chart}");
        for label in ["8.00× · 16.0 M/s", "2.00× · 4.00 M/s", "a &amp; b", "2026-01-02"] {
            assert!(chart.contains(label), "{label} is missing: {chart}");
        }
    }

    #[test]
    fn work_that_has_no_ratio_is_left_out() {
        let chart = svg(&[line("alone", &[(Contender::Recado, 16e6)])], "2026-01-02");
        assert!(!chart.contains("alone"), "{chart}");
    }

    #[test]
    fn every_element_that_is_opened_is_closed() {
        let chart =
            svg(&[line("a", &[(Contender::Recado, 16e6), (Contender::ZmqProxy2, 2e6)])], "2026-01-02");
        let mut open = Vec::new();
        for tag in chart.split('<').skip(1) {
            let (tag, _) = tag.split_once('>').expect("a tag ends");
            match tag.strip_prefix('/') {
                Some(name) => assert_eq!(open.pop(), Some(name), "{chart}"),
                None if tag.ends_with('/') => {}
                None => open.push(tag.split_whitespace().next().expect("a tag has a name")),
            }
        }
        assert!(open.is_empty(), "{open:?}");
    }
}
