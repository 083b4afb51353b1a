//! Writes to the file on a thread of its own, because waiting for a disk would hold up everything else.

use std::io;
use std::thread;

use tokio::sync::{mpsc, oneshot};

use crate::limits;

use super::Record;
use super::file::KeptFile;

/// The way to the file. It is closed, and its lock released, when this is dropped and everything is written.
#[derive(Debug)]
pub(crate) struct Keeper {
    jobs: mpsc::Sender<Job>,
}

struct Job {
    records: Vec<Record>,
    durable: bool,
    done: oneshot::Sender<io::Result<()>>,
}

impl Keeper {
    pub(crate) fn spawn(mut file: KeptFile) -> io::Result<Self> {
        let (jobs, mut waiting) = mpsc::channel::<Job>(limits::KEPT_JOBS_MAX);
        thread::Builder::new().name("kept".to_owned()).spawn(move || {
            while let Some(Job { records, durable, done }) = waiting.blocking_recv() {
                // Whoever wanted it may have ended.
                let _ = done.send(file.append(&records, durable));
            }
        })?;
        Ok(Self { jobs })
    }

    /// Writes down what happened, after all that was given before; with `durable` it is on the disk when this returns.
    pub(crate) async fn write(&self, records: Vec<Record>, durable: bool) -> io::Result<()> {
        let (done, written) = oneshot::channel();
        let sent = self.jobs.send(Job { records, durable, done }).await;
        sent.map_err(|_| io::Error::other("the thread that writes has ended"))?;
        written.await.map_err(|_| io::Error::other("the thread that writes has ended"))?
    }
}
