//! A chart as a part of an HTML page: shapes in SVG that stretch with the page, labels as text that keeps its size.

use std::fmt::{Arguments, Write};

use serde::Serialize;

use super::{
    scale::{Axis, Tick},
    text::escaped,
};

/// Shapes are drawn in a square of this many units each way, which the page stretches.
const UNITS: f64 = 1_000.0;

/// A chart.
#[derive(Debug)]
pub(crate) struct Plot {
    /// What it is called in the page: a word of letters and hyphens.
    pub(crate) id: &'static str,
    /// Its title.
    pub(crate) title: String,
    /// What it shows, in a sentence or two.
    pub(crate) description: String,
    /// What the vertical axis counts.
    pub(crate) unit: &'static str,
    /// The horizontal axis.
    pub(crate) x: Axis,
    /// The vertical axis.
    pub(crate) y: Axis,
    /// What is drawn, from back to front.
    pub(crate) series: Vec<Series>,
    /// What a reader who points at a place is told.
    pub(crate) readings: Vec<Reading>,
}

/// One thing that is drawn.
#[derive(Debug)]
pub(crate) struct Series {
    /// Its name in the legend.
    pub(crate) name: String,
    /// The class that gives it its colour.
    pub(crate) class: &'static str,
    /// Where it is drawn.
    pub(crate) shape: Shape,
}

/// Points as values on both axes. Where there is none in between, the shape is broken.
#[derive(Debug)]
pub(crate) enum Shape {
    /// A line through points.
    Line(Vec<Option<(f64, f64)>>),
    /// The ground between a lower and an upper line: horizontal, lower, upper.
    Band(Vec<Option<(f64, f64, f64)>>),
}

/// What a reader is told of a place.
#[derive(Debug, Serialize)]
pub(crate) struct Reading {
    /// The value on the horizontal axis.
    #[serde(skip)]
    pub(crate) x: f64,
    /// The place in words, as `12 s`.
    pub(crate) at: String,
    /// The values there.
    pub(crate) values: String,
}

/// Writes to a string, which takes everything.
pub(crate) fn put(out: &mut String, arguments: Arguments<'_>) {
    out.write_fmt(arguments).expect("a string takes all that is written to it");
}

impl Plot {
    /// The chart's part of a page.
    pub(crate) fn html(&self) -> String {
        let (id, title, description) = (self.id, escaped(&self.title), escaped(&self.description));
        let mut out = String::new();
        put(
            &mut out,
            format_args!(
                "<figure class=\"chart\" id=\"{id}\">\n<figcaption><h3>{title}</h3><p>{description}</p></figcaption>\n"
            ),
        );
        self.legend(&mut out);
        put(
            &mut out,
            format_args!(
                "<div class=\"frame\">\n<p class=\"unit\">{}{}</p>\n<div class=\"y\">",
                escaped(self.unit),
                if self.y.is_logarithmic() { ", logarithmic" } else { "" }
            ),
        );
        for tick in &self.y.ticks {
            label(&mut out, tick, "bottom");
        }
        put(
            &mut out,
            format_args!(
                "</div>\n<div class=\"area\"><svg viewBox=\"0 0 {UNITS} {UNITS}\" preserveAspectRatio=\"none\" role=\"img\" \
                 aria-labelledby=\"{id}-title {id}-desc\"><title id=\"{id}-title\">{title}</title><desc id=\"{id}-desc\">{description}</desc>\n"
            ),
        );
        for tick in &self.y.ticks {
            let y = down(tick.place);
            let class = if tick.is_minor { "grid minor" } else { "grid" };
            put(&mut out, format_args!("<path class=\"{class}\" d=\"M0 {y:.1}H{UNITS}\"/>"));
        }
        for series in &self.series {
            let (kind, path) = match &series.shape {
                Shape::Line(points) => ("line", self.line(points)),
                Shape::Band(points) => ("band", self.band(points)),
            };
            put(&mut out, format_args!("\n<path class=\"{kind} {}\" d=\"{path}\"/>", series.class));
        }
        put(&mut out, format_args!("</svg>{}</div>\n<div class=\"x\">", self.readings()));
        for tick in &self.x.ticks {
            label(&mut out, tick, "left");
        }
        out.push_str("</div>\n</div>\n</figure>\n");
        out
    }

    fn legend(&self, out: &mut String) {
        out.push_str("<ul class=\"legend\">");
        for Series { name, class, shape } in &self.series {
            let swatch = match shape {
                Shape::Line(_) => format!("<path class=\"line {class}\" d=\"M1 6H23\"/>"),
                Shape::Band(_) => format!("<path class=\"band {class}\" d=\"M1 1H23V11H1Z\"/>"),
            };
            put(
                out,
                format_args!(
                    "<li><svg viewBox=\"0 0 24 12\" aria-hidden=\"true\">{swatch}</svg>{}</li>",
                    escaped(name)
                ),
            );
        }
        out.push_str("</ul>\n");
    }

    /// The readings for the page's script, which is not there on paper.
    fn readings(&self) -> String {
        if self.readings.is_empty() {
            return String::new();
        }
        let rows: Vec<(f64, &Reading)> = self
            .readings
            .iter()
            .map(|reading| ((self.x.place(reading.x) * 1e4).round() / 1e4, reading))
            .collect();
        let json = serde_json::to_string(&rows).expect("text and finite numbers go into JSON");
        // JSON in a page ends at the first `</script>`, wherever it stands.
        format!(
            "<script type=\"application/json\">{}</script>",
            json.replace('<', "\\u003c").replace('&', "\\u0026")
        )
    }

    fn at(&self, x: f64, y: f64) -> (f64, f64) {
        (self.x.place(x) * UNITS, down(self.y.place(y)))
    }

    fn line(&self, points: &[Option<(f64, f64)>]) -> String {
        let mut path = String::new();
        for run in points.split(Option::is_none) {
            for (place, &(x, y)) in run.iter().flatten().enumerate() {
                let (x, y) = self.at(x, y);
                put(&mut path, format_args!("{}{x:.1} {y:.1}", if place == 0 { "M" } else { "L" }));
            }
            if run.len() == 1 {
                // A line of no length with round ends is a dot.
                path.push_str("h0");
            }
        }
        path
    }

    fn band(&self, points: &[Option<(f64, f64, f64)>]) -> String {
        let mut path = String::new();
        for run in points.split(Option::is_none).filter(|run| !run.is_empty()) {
            let upper = run.iter().flatten().map(|&(x, _, upper)| self.at(x, upper));
            let lower = run.iter().flatten().rev().map(|&(x, lower, _)| self.at(x, lower));
            for (place, (x, y)) in upper.chain(lower).enumerate() {
                put(&mut path, format_args!("{}{x:.1} {y:.1}", if place == 0 { "M" } else { "L" }));
            }
            path.push('Z');
        }
        path
    }
}

fn down(place: f64) -> f64 {
    (1.0 - place) * UNITS
}

fn label(out: &mut String, tick: &Tick, side: &str) {
    let class = if tick.is_minor { " class=\"minor\"" } else { "" };
    put(
        out,
        format_args!(
            "<span{class} style=\"{side}:{:.2}%\">{}</span>",
            tick.place * 100.0,
            escaped(&tick.label)
        ),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(series: Vec<Series>) -> Plot {
        Plot {
            id: "test",
            title: "A < B".to_owned(),
            description: "What \"it\" is".to_owned(),
            unit: "pieces",
            x: Axis::of_time(10.0),
            y: Axis::of_counts(90.0),
            series,
            readings: vec![Reading { x: 5.0, at: "5 s".to_owned(), values: "</script>".to_owned() }],
        }
    }

    fn series(shape: Shape) -> Series {
        Series { name: "one & only".to_owned(), class: "a", shape }
    }

    #[test]
    fn a_line_is_broken_where_there_is_no_value_and_a_lone_one_is_a_dot() {
        let line = Shape::Line(vec![Some((0.0, 0.0)), Some((5.0, 50.0)), None, Some((10.0, 100.0))]);
        let html = plot(vec![series(line)]).html();
        assert!(html.contains("d=\"M0.0 1000.0L500.0 500.0M1000.0 0.0h0\""), "{html}");
    }

    #[test]
    fn a_band_goes_there_above_and_back_below() {
        let band = Shape::Band(vec![Some((0.0, 10.0, 20.0)), Some((10.0, 30.0, 40.0))]);
        let html = plot(vec![series(band)]).html();
        assert!(html.contains("d=\"M0.0 800.0L1000.0 600.0L1000.0 700.0L0.0 900.0Z\""), "{html}");
    }

    #[test]
    fn every_text_is_harmless_and_the_readings_cannot_end_their_element() {
        let html = plot(vec![series(Shape::Line(Vec::new()))]).html();
        assert!(
            html.contains("A &lt; B") && html.contains("one &amp; only") && html.contains("&quot;it&quot;")
        );
        assert!(html.contains(r#"[[0.5,{"at":"5 s","values":"\u003c/script>"}]]"#), "{html}");
        assert_eq!(html.matches("</script>").count(), 1);
    }
}
