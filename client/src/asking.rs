//! Questions to whoever sits at the terminal before there is a chat. Whoever waits for an answer may be cancelled at any time: the terminal is then as it
//! was found, and what is typed later is nobody's answer.

use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::thread;

use tokio::sync::oneshot;

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
