//! One connection after its handshake: the task that reads, writes and keeps its heartbeat. What the messages mean to
//! the socket is its [`Role`]'s to know.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use thiserror::Error;
use tokio::io::AsyncWrite;
use tokio::time::{Instant, Sleep, sleep_until};

use super::read_buffer::{Incoming, ReadBuffer, Wire};
use super::receive_queue::Room;
use super::send_queue::{Outbound, SendQueue, Taken};
use super::write_buffer::WriteBuffer;
use crate::codec::{Beat, Command, CommandError, FrameError, Heartbeat, Subscription, TopicsFull};
use crate::curve::ChannelError;
use crate::limits;
use crate::options::SocketOptions;
use crate::transport::{Established, Stream};

/// What a connection's messages do in a socket of some type.
pub(crate) trait Role: Send {
    /// How many messages may come now; when none, the task is woken once some may.
    fn room(&mut self, cx: &mut Context<'_>) -> Room;

    /// A whole message came.
    fn message(&mut self, wire: &Wire<'_>) -> Result<(), TopicsFull>;

    /// A SUBSCRIBE or CANCEL command came; it means nothing to who does not publish.
    fn subscription(&mut self, _: Subscription<'_>) -> Result<(), TopicsFull> {
        Ok(())
    }

    /// Nothing more comes in this turn: hand on what has been gathered.
    fn turn_over(&mut self);
}

/// Why a connection ended.
#[derive(Debug, Error)]
pub(crate) enum End {
    #[error("the peer closed the connection")]
    Closed,
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("the peer broke the protocol: {0}")]
    Violation(#[from] Violation),
    #[error("the peer is silent")]
    Silent,
    #[error("closed here")]
    Finished,
    #[error("the peer takes no subscriptions")]
    Overrun,
    #[error("disconnected")]
    Disconnected,
}

impl End {
    /// What came was not sealed as it must be, or the connection broke.
    fn of_reading(error: io::Error) -> Self {
        match ChannelError::of(&error) {
            Some(error) => Self::Violation(error.clone().into()),
            None => Self::Io(error),
        }
    }
}

/// What no well-behaved peer does.
#[derive(Debug, Error)]
pub(crate) enum Violation {
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error(transparent)]
    Command(#[from] CommandError),
    #[error("{0}")]
    Topics(#[from] TopicsFull),
    #[error("a second READY")]
    ReadyTwice,
    #[error("an ERROR after the handshake: {0}")]
    Error(String),
    #[error("PINGs without end, whose answers it does not read")]
    PingFlood,
    #[error(transparent)]
    Channel(#[from] ChannelError),
}

/// One connection.
pub(crate) struct Link<R> {
    stream: Stream,
    input: ReadBuffer,
    output: WriteBuffer,
    queue: Arc<SendQueue>,
    /// What was just taken from the queue; empty between turns, kept for its memory.
    batch: Vec<Outbound>,
    role: R,
    heartbeat: Heartbeat,
    timer: Option<Pin<Box<Sleep>>>,
    /// The last write found no more room.
    blocked: bool,
    /// PONGs in the output.
    answers: usize,
    /// All is written and said so: only the peer's end is awaited.
    is_shut: bool,
}

/// An idle connection keeps room for so many items.
const KEPT_ITEMS_MAX: usize = 16;

/// How far a turn's reading came.
enum Walk {
    /// All that was read has been handed on.
    Done,
    /// The receive queue is full, or nothing is to be read any longer.
    Paused,
    /// The turn's share is used up.
    Yield,
}

impl<R: Role> Link<R> {
    pub(crate) fn new(
        established: Established,
        queue: Arc<SendQueue>,
        role: R,
        options: &SocketOptions,
    ) -> Self {
        let Established { stream, peer, read_ahead } = established;
        let heartbeat = Heartbeat::new(
            options.heartbeat_interval,
            options.heartbeat_timeout,
            peer.version,
            Instant::now().into_std(),
        );
        Self {
            stream,
            input: ReadBuffer::new(read_ahead, options.message_limits()),
            output: WriteBuffer::default(),
            queue,
            batch: Vec::new(),
            role,
            heartbeat,
            timer: None,
            blocked: false,
            answers: 0,
            is_shut: false,
        }
    }

    /// Runs the connection to its end.
    pub(crate) async fn run(mut self) -> End {
        poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        match self.turn(cx) {
            Ok(()) => Poll::Pending,
            Err(end) => Poll::Ready(end),
        }
    }

    /// One turn: does what can be done now, and leaves the task to be woken for the rest. Reading comes first, as it
    /// may ask for a PONG; then the heartbeat, which may ask for a PING; then all is written at once.
    fn turn(&mut self, cx: &mut Context<'_>) -> Result<(), End> {
        if self.is_shut {
            return self.await_end(cx);
        }
        self.read(cx)?;
        self.beat(cx)?;
        self.write(cx)
    }

    fn read(&mut self, cx: &mut Context<'_>) -> Result<(), End> {
        for reads in 0.. {
            match self.walk(cx)? {
                Walk::Done if reads < limits::TURN_READS_MAX => {}
                Walk::Done | Walk::Yield => {
                    cx.waker().wake_by_ref();
                    break;
                }
                Walk::Paused => {
                    // What the peer sends now is not looked at: its silence proves nothing.
                    self.heartbeat.heard();
                    break;
                }
            }
            match self.input.poll_read(cx, &mut self.stream) {
                Poll::Ready(Ok(0)) => return Err(End::Closed),
                Poll::Ready(Ok(_)) => self.heartbeat.heard(),
                Poll::Ready(Err(error)) => return Err(End::of_reading(error)),
                Poll::Pending => break,
            }
        }
        Ok(())
    }

    /// Hands on what has been read, as far as there is room.
    fn walk(&mut self, cx: &mut Context<'_>) -> Result<Walk, End> {
        let room = match self.role.room(cx) {
            Room::Messages(room) => room,
            Room::Full | Room::Stopped => return Ok(Walk::Paused),
        };
        let share = room.min(limits::TURN_MESSAGES_MAX);
        let mut used = 0;
        let walked = loop {
            if used == share {
                break Ok(Walk::Yield);
            }
            used += 1;
            match self.next() {
                Ok(true) => {}
                Ok(false) => break Ok(Walk::Done),
                Err(violation) => break Err(violation.into()),
            }
        };
        // What came before a violation was well-formed, and counts.
        self.role.turn_over();
        self.input.release();
        walked
    }

    /// Hands on the next message or command; `false` if there is none.
    fn next(&mut self) -> Result<bool, Violation> {
        let body = match self.input.next_incoming()? {
            None => return Ok(false),
            Some(Incoming::Message(wire)) => {
                self.role.message(&wire)?;
                return Ok(true);
            }
            Some(Incoming::Command(body)) => body,
        };
        match Command::decode(body)? {
            Command::Ping { ttl, context } => {
                self.answers += 1;
                if self.answers > limits::ANSWERS_WAITING_MAX {
                    return Err(Violation::PingFlood);
                }
                self.heartbeat.ping_received(ttl, Instant::now().into_std());
                self.output.push_command(&Command::Pong { context });
            }
            Command::Subscribe(topic) => self.role.subscription(Subscription::Subscribe(topic))?,
            Command::Cancel(topic) => self.role.subscription(Subscription::Cancel(topic))?,
            Command::Ready(_) => return Err(Violation::ReadyTwice),
            Command::Error(reason) => return Err(Violation::Error(reason.escape_ascii().to_string())),
            Command::Pong { .. } | Command::Unknown { .. } => {}
        }
        Ok(true)
    }

    fn beat(&mut self, cx: &mut Context<'_>) -> Result<(), End> {
        while let Some(deadline) = self.heartbeat.deadline() {
            let deadline = Instant::from_std(deadline);
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
            // A deadline only moves away while a timer runs, but for a PING's TTL: mostly there is nothing to reset.
            if timer.deadline() > deadline {
                timer.as_mut().reset(deadline);
            }
            if timer.as_mut().poll(cx).is_pending() {
                break;
            }
            match self.heartbeat.poll(Instant::now().into_std()) {
                Beat::Quiet => {}
                Beat::Ping(ttl) => self.output.push_command(&Command::Ping { ttl, context: &[] }),
                Beat::Dead => return Err(End::Silent),
            }
            match self.heartbeat.deadline() {
                Some(next) => timer.as_mut().reset(Instant::from_std(next)),
                None => self.timer = None,
            }
        }
        Ok(())
    }

    fn write(&mut self, cx: &mut Context<'_>) -> Result<(), End> {
        for _ in 0..limits::TURN_WRITES_MAX {
            // What is sealed and waits for the kernel is not written yet.
            let unsent = self.stream.unsent_bytes();
            if self.output.is_empty() && unsent == 0 {
                self.answers = 0;
                match self.queue.take(cx, &mut self.batch) {
                    Taken::Some => self.batch.drain(..).for_each(|item| self.output.push(item)),
                    Taken::Nothing => {
                        self.batch.shrink_to(KEPT_ITEMS_MAX);
                        return Ok(());
                    }
                    Taken::Finished => return self.shut(cx),
                    Taken::Closed => return Err(End::Overrun),
                }
            }
            let written = self.output.poll_write(cx, &mut self.stream);
            let progressed = self.output.take_progress() || self.stream.unsent_bytes() < unsent;
            if progressed && self.blocked {
                // It has read since, and a PING may stand behind what it has not read yet.
                self.heartbeat.unanswerable();
            }
            self.blocked = written.is_pending();
            match written {
                Poll::Ready(written) => written?,
                Poll::Pending => return Ok(()),
            }
        }
        cx.waker().wake_by_ref();
        Ok(())
    }

    /// Says that no more follows. Closing outright would, with anything left unread, make the kernel drop what it has
    /// yet to deliver; so the peer's end is awaited (by whoever closes: for as long as it lingers).
    fn shut(&mut self, cx: &mut Context<'_>) -> Result<(), End> {
        match Pin::new(&mut self.stream).poll_shutdown(cx) {
            Poll::Ready(done) => done?,
            Poll::Pending => return Ok(()),
        }
        self.is_shut = true;
        self.await_end(cx)
    }

    fn await_end(&mut self, cx: &mut Context<'_>) -> Result<(), End> {
        for _ in 0..limits::TURN_READS_MAX {
            self.input.discard();
            match self.input.poll_read(cx, &mut self.stream) {
                Poll::Ready(Ok(0) | Err(_)) => return Err(End::Finished),
                Poll::Ready(Ok(_)) => {}
                Poll::Pending => return Ok(()),
            }
        }
        cx.waker().wake_by_ref();
        Ok(())
    }
}
