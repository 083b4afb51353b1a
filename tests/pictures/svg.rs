//! A terminal's screen as an SVG picture: text that can be selected, in the reader's own monospaced font.

use std::fmt::Write;

use vt100::{Cell, Color, Screen};

/// Pixels of a cell. Fonts differ in width, so each run of text is stretched to the cells that it takes.
const CELL_WIDTH: f64 = 8.4;
const CELL_HEIGHT: f64 = 18.0;
const MARGIN: f64 = 12.0;
const GROUND: (u8, u8, u8) = (0x1d, 0x1f, 0x21);
const INK: (u8, u8, u8) = (0xd4, 0xd6, 0xd3);

/// The first sixteen colours, as light on a dark ground as is easy to read.
const BASIC: [(u8, u8, u8); 16] = [
    (0x28, 0x2a, 0x2e),
    (0xd5, 0x4e, 0x53),
    (0x9e, 0xc0, 0x61),
    (0xe7, 0xc5, 0x47),
    (0x7a, 0xa6, 0xda),
    (0xc3, 0x97, 0xd8),
    (0x70, 0xc0, 0xb1),
    (0xc5, 0xc8, 0xc6),
    (0x70, 0x73, 0x76),
    (0xff, 0x6b, 0x6b),
    (0xb9, 0xd9, 0x7e),
    (0xff, 0xe0, 0x77),
    (0x9c, 0xc4, 0xf0),
    (0xdd, 0xb7, 0xee),
    (0x9b, 0xe0, 0xd2),
    (0xff, 0xff, 0xff),
];

/// What is drawn alike.
#[derive(Clone, Copy, PartialEq)]
struct Look {
    ink: (u8, u8, u8),
    ground: (u8, u8, u8),
    bold: bool,
    italic: bool,
    underlined: bool,
}

/// A run of cells in one row.
struct Run {
    column: u16,
    columns: u16,
    text: String,
    look: Look,
}

/// The whole screen, with its cursor where it shows one.
pub(crate) fn picture(screen: &Screen, title: &str) -> String {
    let (rows, columns) = screen.size();
    let (rows, columns) = (rows.get(), columns.get());
    let width = f64::from(columns) * CELL_WIDTH + 2.0 * MARGIN;
    let height = f64::from(rows) * CELL_HEIGHT + 2.0 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" role=\"img\" \
         aria-label=\"{}\">\n<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{}\"/>\n\
         <g font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"14\" xml:space=\"preserve\">\n",
        escaped(title),
        hex(GROUND)
    );
    for row in 0..rows {
        for run in runs(screen, row, columns) {
            draw(&mut svg, row, &run);
        }
    }
    if !screen.hide_cursor() {
        let (row, column) = screen.cursor_position();
        let (x, y) = corner(row, column);
        let ink = hex(INK);
        push(
            &mut svg,
            format_args!(
                "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"2\" height=\"{CELL_HEIGHT}\" fill=\"{ink}\"/>\n"
            ),
        );
    }
    svg.push_str("</g>\n</svg>\n");
    svg
}

fn runs(screen: &Screen, row: u16, columns: u16) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for column in 0..columns {
        let Some(cell) = screen.cell(row, column).filter(|cell| !cell.is_wide_continuation()) else {
            continue;
        };
        let (look, text) = (look(cell), if cell.has_contents() { cell.contents() } else { " " });
        let width = if cell.is_wide() { 2 } else { 1 };
        match runs.last_mut() {
            // Wide characters seldom are exactly two cells wide in a font: each stands for itself.
            Some(run)
                if run.look == look && width == 1 && usize::from(run.columns) == run.text.chars().count() =>
            {
                run.text.push_str(text);
                run.columns += 1;
            }
            _ => runs.push(Run { column, columns: width, text: text.to_owned(), look }),
        }
    }
    runs
}

fn draw(svg: &mut String, row: u16, run: &Run) {
    let (x, y) = corner(row, run.column);
    let width = f64::from(run.columns) * CELL_WIDTH;
    if run.look.ground != GROUND {
        let ground = hex(run.look.ground);
        push(
            svg,
            format_args!(
                "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{CELL_HEIGHT}\" fill=\"{ground}\"/>\n"
            ),
        );
    }
    if run.text.trim().is_empty() {
        return;
    }
    let baseline = y + CELL_HEIGHT - 5.0;
    let mut style = String::new();
    for (is_so, attribute) in [
        (run.look.bold, " font-weight=\"bold\""),
        (run.look.italic, " font-style=\"italic\""),
        (run.look.underlined, " text-decoration=\"underline\""),
    ] {
        if is_so {
            style.push_str(attribute);
        }
    }
    let (ink, text) = (hex(run.look.ink), escaped(&run.text));
    push(
        svg,
        format_args!(
            "<text x=\"{x:.1}\" y=\"{baseline:.1}\" textLength=\"{width:.1}\" lengthAdjust=\"spacingAndGlyphs\" fill=\"{ink}\"{style}>{text}</text>\n"
        ),
    );
}

fn corner(row: u16, column: u16) -> (f64, f64) {
    (MARGIN + f64::from(column) * CELL_WIDTH, MARGIN + f64::from(row) * CELL_HEIGHT)
}

fn look(cell: &Cell) -> Look {
    let (mut ink, mut ground) = (colour(cell.fgcolor(), INK), colour(cell.bgcolor(), GROUND));
    if cell.inverse() {
        std::mem::swap(&mut ink, &mut ground);
    }
    if cell.dim() {
        ink = halfway(ink, ground);
    }
    Look { ink, ground, bold: cell.bold(), italic: cell.italic(), underlined: cell.underline() }
}

fn colour(colour: Color, default: (u8, u8, u8)) -> (u8, u8, u8) {
    match colour {
        Color::Default => default,
        Color::Rgb(red, green, blue) => (red, green, blue),
        Color::Idx(index @ 0..=15) => BASIC[usize::from(index)],
        // The cube of xterm's 256 colours, and its greys.
        Color::Idx(index @ 16..=231) => {
            let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
            let index = index - 16;
            (level(index / 36), level(index / 6 % 6), level(index % 6))
        }
        Color::Idx(index) => {
            let grey = 8 + 10 * (index - 232);
            (grey, grey, grey)
        }
    }
}

fn halfway(one: (u8, u8, u8), other: (u8, u8, u8)) -> (u8, u8, u8) {
    (one.0.midpoint(other.0), one.1.midpoint(other.1), one.2.midpoint(other.2))
}

fn hex((red, green, blue): (u8, u8, u8)) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn push(svg: &mut String, arguments: std::fmt::Arguments<'_>) {
    svg.write_fmt(arguments).expect("a string takes everything");
}
