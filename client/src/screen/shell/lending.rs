//! The terminal is lent to the user's editor. Meanwhile nothing is drawn and no key is read; what comes is taken all the same.

use std::future::pending;
use std::io;
use std::process::ExitStatus;
use std::thread;

use jiff::Timestamp;
use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::oneshot;

use crate::view::wording;
use crate::writing::{Writing, WritingError, lend_terminal};

use super::Shell;

/// An editor that is running.
pub(super) struct Lent {
    writing: Writing,
    editor: Option<Pid>,
    ended: oneshot::Receiver<io::Result<ExitStatus>>,
}

impl Shell {
    /// Opens the editor on what is typed, with more at its end.
    pub(super) fn write_elsewhere(&mut self, more: &str) {
        if self.lent.is_some() || self.is_ending {
            return;
        }
        self.model.add_typed(more);
        if !self.reader.hold() {
            return self.say_wrong(wording::busy(self.model.language));
        }
        match Writing::begin(self.model.composer.text()).and_then(|writing| self.lend(writing)) {
            Ok(lent) => self.lent = Some(lent),
            Err(error) => {
                self.take_back_terminal();
                self.say_wrong(&wording::writing_error(self.model.language, &error));
            }
        }
    }

    fn lend(&mut self, writing: Writing) -> Result<Lent, WritingError> {
        lend_terminal(true);
        self.taken.lend().map_err(WritingError::NotStarted)?;
        let mut child = writing.start()?;
        let editor = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let (done, ended) = oneshot::channel();
        // A thread of its own, because waiting for a program would hold up everything else.
        thread::Builder::new()
            .name("editor".to_owned())
            // Nobody waits any more if the chat has ended.
            .spawn(move || drop(done.send(child.wait())))
            .map_err(WritingError::NotStarted)?;
        Ok(Lent { writing, editor, ended })
    }

    /// The editor has ended.
    pub(super) fn on_written(&mut self, ended: io::Result<ExitStatus>) {
        let Some(Lent { writing, .. }) = self.lent.take() else { return };
        self.take_back_terminal();
        match writing.end(ended) {
            Ok(text) => self.model.composer.rewrite(&text),
            Err(error) => self.say_wrong(&wording::writing_error(self.model.language, &error)),
        }
    }

    /// The chat ends: so does the editor, and what it has written by then is what was typed.
    pub(super) fn recall_editor(&mut self) {
        let Some(Lent { writing, editor, .. }) = self.lent.take() else { return };
        if let Some(editor) = editor {
            // It may have ended by itself.
            let _ = kill_process(editor, Signal::TERM);
        }
        lend_terminal(false);
        if let Ok(text) = writing.written() {
            self.model.composer.rewrite(&text);
        }
    }

    fn take_back_terminal(&mut self) {
        lend_terminal(false);
        if let Err(error) = self.taken.take_back() {
            tracing::debug!(%error, "the terminal cannot be taken again");
        }
        self.reader.release();
        // Another program may have said what the window is called.
        self.title.clear();
    }

    fn say_wrong(&mut self, why: &str) {
        self.model.announce(why.to_owned(), true, Timestamp::now().as_millisecond());
    }
}

/// How the editor ended, once it has.
pub(super) async fn ended(lent: Option<&mut Lent>) -> io::Result<ExitStatus> {
    match lent {
        Some(lent) => (&mut lent.ended)
            .await
            .unwrap_or_else(|_| Err(io::Error::other("the thread that waits for it has ended"))),
        None => pending().await,
    }
}
