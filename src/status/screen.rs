//! Where a status goes: one table after the other, one that is drawn anew in its place, or lines of JSON.

use std::{
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

use recado_client::view::colour::{ColourWhen, Palette};
use recado_zmtp::Endpoint;
use rustix::termios::tcgetwinsize;

use super::{
    ask::AskError,
    lines::{Line, Piece, Tone, paint},
    report::Report,
    table::Table,
};

/// What a terminal has that does not say.
const USUAL_SIZE: Size = Size { columns: 80, rows: 24 };

/// An answer, the one before it, and how often there is one.
pub(super) struct View<'a> {
    pub(super) report: &'a Report,
    pub(super) before: Option<&'a Report>,
    pub(super) every: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Size {
    columns: usize,
    rows: usize,
}

/// Standard output, and what is known of it.
pub(super) struct Output {
    json: bool,
    terminal: bool,
    colours: bool,
    /// The terminal as it was when the table was last drawn in it.
    drawn: Option<Size>,
    shown: bool,
    away_since: Option<Instant>,
}

impl Output {
    pub(super) fn new(json: bool) -> Output {
        let is_terminal = io::stdout().is_terminal();
        // A terminal that can do nothing is written to as if it were a file.
        let dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
        Output {
            json,
            terminal: is_terminal && !dumb,
            colours: is_terminal && Palette::decide(ColourWhen::Auto, true) != Palette::Plain,
            drawn: None,
            shown: false,
            away_since: None,
        }
    }

    /// Shows an answer.
    pub(super) fn show(&mut self, view: &View<'_>, endpoint: &Endpoint) -> io::Result<()> {
        let was_away = self.away_since.take().is_some();
        if self.redraws(view) {
            return self.draw(view, endpoint, None);
        }
        if was_away {
            note(&format!("{endpoint} answers again"));
        }
        let mut text = String::new();
        if self.json {
            text.push_str(&view.report.line);
            text.push('\n');
        } else {
            if self.shown {
                text.push('\n');
            }
            for line in self.table(view, endpoint, self.terminal.then(|| size().columns)) {
                text.push_str(&paint(&line, None, self.colours));
                text.push('\n');
            }
        }
        self.shown = true;
        write(&text)
    }

    /// Shows that there is no answer any more, and on a terminal the last one that there was.
    pub(super) fn away(&mut self, last: &View<'_>, endpoint: &Endpoint, error: &AskError) -> io::Result<()> {
        let is_new = self.away_since.is_none();
        let since = *self.away_since.get_or_insert_with(Instant::now);
        if self.redraws(last) {
            let seconds = since.elapsed().as_secs();
            let text = format!("No answer for {seconds} s: {}. Asking again.", error.brief());
            return self.draw(last, endpoint, Some(&text));
        }
        if is_new {
            note(&format!("{endpoint} does not answer any more: {}; asking again", error.brief()));
        }
        Ok(())
    }

    /// Leaves the last table as it is, and the cursor below it.
    pub(super) fn end(&self) -> io::Result<()> {
        // The terminal has echoed the ^C there.
        if self.drawn.is_some() { write("\r\x1b[K") } else { Ok(()) }
    }

    fn redraws(&self, view: &View<'_>) -> bool {
        self.terminal && !self.json && view.every.is_some()
    }

    fn table(&self, view: &View<'_>, endpoint: &Endpoint, room: Option<usize>) -> Vec<Line> {
        let table = Table { report: view.report, before: view.before, watching: view.every.is_some() };
        table.lines(endpoint, room)
    }

    fn draw(&mut self, view: &View<'_>, endpoint: &Endpoint, trouble: Option<&str>) -> io::Result<()> {
        let size = size();
        let mut text = match self.drawn {
            // What stands on the screen goes up into what can be scrolled back to.
            None => "\n".repeat(size.rows),
            Some(before) if before != size => "\x1b[2J".to_owned(),
            Some(_) => String::new(),
        };
        self.drawn = Some(size);
        text.push_str("\x1b[H");
        let footer = match trouble {
            Some(trouble) => Piece::new(trouble, Tone::Alarm),
            None => Piece::new(format!("every {:?}, Ctrl-C ends", view.every.unwrap_or_default()), Tone::Dim),
        };
        let table = self.table(view, endpoint, Some(size.columns));
        for line in fit(table, footer, size.rows) {
            text.push_str(&paint(&line, Some(size.columns), self.colours));
            text.push_str("\x1b[K\r\n");
        }
        text.push_str("\x1b[J");
        write(&text)
    }
}

/// The table with its footer, cut so that the row below it is left for the cursor.
fn fit(mut table: Vec<Line>, footer: Piece, rows: usize) -> Vec<Line> {
    let room = rows.saturating_sub(2).max(1);
    let hidden = table.len().saturating_sub(room);
    let mut last = vec![footer];
    if hidden > 0 {
        table.truncate(room);
        last.push(Piece::new(format!(" ({hidden} more lines in a larger window)"), Tone::Dim));
    }
    table.push(last);
    table
}

fn size() -> Size {
    match tcgetwinsize(io::stdout()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => {
            Size { columns: usize::from(size.ws_col), rows: usize::from(size.ws_row) }
        }
        Ok(_) | Err(_) => USUAL_SIZE,
    }
}

fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// On standard error: standard output is for what the broker says.
fn note(text: &str) {
    // Who has closed it does not want to know.
    let _ = writeln!(io::stderr(), "recado: {text}");
}

#[cfg(test)]
mod tests {
    use super::{Line, Piece, Tone, fit};

    fn check(lines: usize, rows: usize, shown: usize, last: &str) {
        let table = vec![Line::new(); lines];
        let fitted = fit(table, Piece::new("footer", Tone::Dim), rows);
        assert_eq!(fitted.len(), shown, "{lines} lines in {rows} rows");
        let footer: String = fitted[shown - 1].iter().map(|piece| piece.text.as_str()).collect();
        assert_eq!(footer, last);
    }

    #[test]
    fn a_table_that_is_too_long_is_cut_and_says_so() {
        check(22, 24, 23, "footer");
        check(23, 24, 23, "footer (1 more lines in a larger window)");
        check(22, 10, 9, "footer (14 more lines in a larger window)");
        check(22, 1, 2, "footer (21 more lines in a larger window)");
    }
}
