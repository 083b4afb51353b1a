//! Questions to whoever sits at the terminal before there is a chat. Whoever waits for an answer may be cancelled at any time: the terminal is then as it
//! was found, and what is typed later is nobody's answer.

use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::thread;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use crate::limits;

/// Whether somebody is there to be asked.
pub(crate) fn is_somebody_there() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// A line of standard input without white space around it, with a question before it on a terminal; none if it is empty, or at its end.
pub(crate) async fn line(question: &str) -> io::Result<Option<String>> {
    let asked = Asked::begin(question)?;
    let line = read().await?;
    asked.answered(line.is_some());
    Ok(line.map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()))
}

/// A line that nobody sees while it is typed; none at the end. Nothing is taken from it but the line feed.
pub(crate) async fn secret(question: &str) -> io::Result<Option<Zeroizing<String>>> {
    let asked = Asked::begin(question)?;
    let hidden = Hidden::begin()?;
    let line = read().await?.map(Zeroizing::new);
    drop(hidden);
    // The line feed that ended it was not shown either.
    drop(asked);
    Ok(line.map(|line| Zeroizing::new(line.trim_end_matches(['\n', '\r']).to_owned())))
}

/// Whether somebody says yes, in full, as such a question means much.
pub(crate) async fn is_yes(question: &str) -> io::Result<bool> {
    Ok(line(question).await?.is_some_and(|answer| answer == "yes"))
}

/// A question that stands on the terminal. If it gets no answer, what comes next begins on a line of its own.
struct Asked {
    stands: bool,
}

impl Asked {
    fn begin(question: &str) -> io::Result<Self> {
        let stands = io::stdin().is_terminal();
        if stands {
            write!(io::stderr(), "{question}").and_then(|()| io::stderr().flush())?;
        }
        Ok(Self { stands })
    }

    fn answered(mut self, ends_line: bool) {
        self.stands &= !ends_line;
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        if self.stands {
            // Nobody is there to see it if standard error is closed.
            let _ = writeln!(io::stderr());
        }
    }
}

/// What is typed is not shown, until this is dropped.
struct Hidden(Option<Termios>);

impl Hidden {
    fn begin() -> io::Result<Self> {
        if !io::stdin().is_terminal() {
            return Ok(Self(None));
        }
        let found = tcgetattr(io::stdin())?;
        let mut quiet = found.clone();
        quiet.local_modes -= LocalModes::ECHO | LocalModes::ECHONL;
        tcsetattr(io::stdin(), OptionalActions::Flush, &quiet)?;
        Ok(Self(Some(found)))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        if let Some(found) = &self.0 {
            // It fails only when the terminal is gone, and then there is nothing to restore.
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, found);
        }
    }
}

/// A line, read on a thread of its own, which stays behind where nobody waits any more: reading standard input cannot be cancelled.
async fn read() -> io::Result<Option<String>> {
    let (sender, line) = oneshot::channel();
    thread::Builder::new().name("question".to_owned()).spawn(move || {
        let mut line = String::new();
        let read = io::stdin().lock().take(limits::ANSWER_BYTES_MAX).read_line(&mut line);
        // Nobody waits for it if the question was withdrawn.
        let _ = sender.send(read.map(|bytes| (bytes > 0).then_some(line)));
    })?;
    line.await.unwrap_or(Ok(None))
}
