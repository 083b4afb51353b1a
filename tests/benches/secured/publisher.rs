//! The publisher. To a secured broker it is a server: it has the installation's key, and answers what the broker asks about users.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::Context;
use recado_tests::benchmarks::subscribers::dial;
use recado_zmtp::codec::{SocketType, Subscription};

use crate::{
    connection::{Connection, message},
    relays::Relay,
};

/// How long it waits for a question before it does something else.
const QUESTION_WAIT: Duration = Duration::from_millis(25);

/// What questions begin with.
const QUESTION: &[u8] = b"_may.";

/// A publisher's connection.
pub(crate) struct Publisher {
    pub(crate) connection: Connection,
}

impl Publisher {
    /// Connects to a relay.
    pub(crate) fn connect(relay: &Relay) -> anyhow::Result<Publisher> {
        let stream = dial(relay.publishers, 0)?;
        let connection = Connection::open(stream, SocketType::Pub, &relay.publisher, relay.key)?;
        Ok(Publisher { connection })
    }

    /// Answers yes to whatever is asked within a moment.
    fn grant(&mut self) -> anyhow::Result<()> {
        let mut answers = Vec::new();
        self.connection.receive(QUESTION_WAIT, |_, body| {
            if let Some(Subscription::Subscribe(question)) = Subscription::of_message_frame(body)
                && question.starts_with(QUESTION)
            {
                answers.extend(message(&[question, b"200", b"somebody"]));
            }
            Ok(())
        })?;
        if answers.is_empty() { Ok(()) } else { self.connection.send(&answers) }
    }

    /// Answers in a thread of its own, and publishes this again and again meanwhile, if it is anything.
    pub(crate) fn in_background(mut self, sounding: Vec<u8>) -> Answering {
        let stopping = Arc::new(AtomicBool::new(false));
        let thread = thread::spawn({
            let stopping = Arc::clone(&stopping);
            move || {
                while !stopping.load(Ordering::Relaxed) {
                    self.grant()?;
                    if !sounding.is_empty() {
                        self.connection.send(&sounding)?;
                    }
                }
                Ok(self)
            }
        });
        Answering { stopping, thread }
    }
}

/// A publisher in a thread of its own.
pub(crate) struct Answering {
    stopping: Arc<AtomicBool>,
    thread: JoinHandle<anyhow::Result<Publisher>>,
}

impl Answering {
    /// Has it stop.
    pub(crate) fn stop(self) -> anyhow::Result<Publisher> {
        self.stopping.store(true, Ordering::Relaxed);
        self.thread.join().ok().context("the publisher panicked")?
    }
}
