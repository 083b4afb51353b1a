//! Writes lines on a thread of its own, so that a slow reader holds up neither the session nor its heartbeats.

use std::io::{self, Write};
use std::sync::{Arc, OnceLock};
use std::thread;

use tokio::sync::{mpsc, oneshot};

use crate::limits;
use crate::view::plain::Stream;

/// The way to standard output and standard error. At most [`limits::OUTPUT_LINES_MAX`] pieces wait; then writing waits.
pub(crate) struct Output {
    lines: mpsc::Sender<(Stream, String)>,
    failure: Arc<OnceLock<io::ErrorKind>>,
    finished: oneshot::Receiver<()>,
}

impl Output {
    pub(crate) fn spawn() -> io::Result<Self> {
        let (lines, receiver) = mpsc::channel(limits::OUTPUT_LINES_MAX);
        let failure = Arc::new(OnceLock::new());
        let (done, finished) = oneshot::channel();
        let failed = Arc::clone(&failure);
        thread::Builder::new().name("output".to_owned()).spawn(move || {
            if let Err(error) = write_all(receiver) {
                // Nobody else sets it.
                let _ = failed.set(error.kind());
            }
            // Nobody may be waiting.
            let _ = done.send(());
        })?;
        Ok(Self { lines, failure, finished })
    }

    /// Takes the lines, without their last line feed. An error means that they can no longer be written.
    pub(crate) async fn write(&self, stream: Stream, lines: String) -> io::Result<()> {
        let sent = self.lines.send((stream, lines)).await;
        sent.map_err(|_| self.failure.get().copied().unwrap_or(io::ErrorKind::BrokenPipe).into())
    }

    /// Waits until nothing can be written any more.
    pub(crate) async fn closed(&self) {
        self.lines.closed().await;
    }

    /// Waits until everything is written. An error means that not everything was.
    pub(crate) async fn finish(self) -> io::Result<()> {
        drop(self.lines);
        // The thread ends without a word only if it panicked.
        let _ = self.finished.await;
        self.failure.get().map_or(Ok(()), |kind| Err((*kind).into()))
    }
}

fn write_all(mut lines: mpsc::Receiver<(Stream, String)>) -> io::Result<()> {
    let mut output = io::BufWriter::new(io::stdout().lock());
    while let Some((stream, text)) = lines.blocking_recv() {
        match stream {
            Stream::Output => {
                output.write_all(text.as_bytes())?;
                output.write_all(b"\n")?;
            }
            Stream::Aside => {
                output.flush()?;
                // What cannot be said on standard error cannot be said anywhere.
                let _ = writeln!(io::stderr(), "{text}");
            }
        }
        if lines.is_empty() {
            output.flush()?;
        }
    }
    output.flush()
}
