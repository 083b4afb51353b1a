//! The face without a terminal: lines in from standard input, plain or JSON lines out. A script is its user.

mod input;
mod output;

use std::io;
use std::time::Duration;

use jiff::Zoned;
use recado_proto::UserName;
use tokio::sync::mpsc;

use crate::chat::Whereabouts;
use crate::chat::complete::KnownNames;
use crate::chat::item::Item;
use crate::engine::{Face, Input};
use crate::limits;
use crate::view::colour::Palette;
use crate::view::json;
use crate::view::plain::{PlainView, Stream};
use crate::view::wording::Language;

pub(crate) use self::input::spawn as read_lines;
pub(crate) use self::output::Output;

/// Lines in, lines out.
pub(crate) struct LinesFace {
    input: mpsc::Receiver<Input>,
    output: Output,
    view: View,
}

enum View {
    Plain(PlainView),
    Json { user: UserName },
}

impl LinesFace {
    /// Begins to read standard input.
    pub(crate) fn new(json: bool, palette: Palette, language: Language, user: UserName) -> io::Result<Self> {
        let view = match json {
            true => View::Json { user },
            false => View::Plain(PlainView::for_pipe(palette, language, &Zoned::now())),
        };
        Ok(Self { input: input::spawn(io::stdin())?, output: Output::spawn()?, view })
    }
}

impl Face for LinesFace {
    async fn show(&mut self, item: &Item) -> io::Result<()> {
        match &mut self.view {
            View::Json { user } => self.output.write(Stream::Output, json::render(item, user)).await,
            View::Plain(view) => match view.render(item) {
                Some((stream, lines)) => self.output.write(stream, lines).await,
                None => Ok(()),
            },
        }
    }

    async fn next(&mut self) -> Input {
        self.input.recv().await.unwrap_or(Input::End)
    }

    fn ready(&mut self, _: &Whereabouts) {}

    fn refresh_interval(&self) -> Option<Duration> {
        None
    }

    fn names(&mut self, _: &KnownNames) {}

    fn settle_max(&self) -> Option<Duration> {
        None
    }

    fn lines_ahead_max(&self) -> usize {
        limits::LINES_AHEAD_MAX
    }

    async fn finish(self) {
        // What fails last is found by nobody any more.
        drop(self.output.finish().await);
    }
}
