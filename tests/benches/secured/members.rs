//! Members of a secured system, who write and hear at a steady rate: how long a message is under way from the one who sends it through
//! server, store and broker to each who hears it.

use std::{
    io::Write,
    net::TcpStream,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use bytes::BytesMut;
use recado_proto::{Manner, MessageId, Request, RequestBody, Role, UserName};
use recado_tests::{
    accounting::resident_mb,
    benchmarks::{
        programs::address,
        subscribers::{PATIENCE, Subscribers, dial},
    },
    chat::channel,
    secured::Secured,
};
use recado_zmtp::{
    codec::SocketType,
    curve::{Channel, KeyPair},
};

use crate::connection::{Connection, message, open, seal};

/// Who write, each as often as the others and less often than the quotas allow.
const WRITERS: usize = 20;

/// The first so many of them hear, too.
const HEARERS: usize = 10;

/// Messages a second of all together.
const RATE: f64 = 1_000.0;

/// The channel in which they write.
const CHANNEL: &str = "geral";

/// Bytes of a message's text.
const TEXT_BYTES: usize = 64;

/// What stands before the time of sending in a message's text.
const STAMP: &[u8] = b"sent:";
const STAMP_DIGITS: usize = 16;

/// Connections between two of those that come from one address.
const CONNECTIONS_OF_ONE_ADDRESS: usize = 64;

/// The system wakes a sleeper later than it asked for by up to this; the rest of the time the clock is looked at.
const OVERSLEEP: Duration = Duration::from_micros(75);

/// How long a turn waits at most, so that the clock is looked at.
const TURN: Duration = Duration::from_millis(20);

/// How far apart the looks at the system's memory are.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// What a while was like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct While {
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    /// The most memory that the system's process had, in megabytes.
    pub(crate) peak_mb: f64,
}

/// A secured system, and members on it.
pub(crate) struct Members {
    pub(crate) system: Secured,
    connections: Subscribers,
    ears: Vec<Ear>,
    start: Instant,
    /// Nanoseconds that each message was under way.
    taken: Vec<u64>,
    heard: u64,
    stopping: Arc<AtomicBool>,
    writing: JoinHandle<anyhow::Result<u64>>,
}

/// What opens what one member hears.
struct Ear {
    channel: Channel,
    inbound: BytesMut,
    heard: u64,
}

/// A writing member's connection.
struct Pen {
    stream: TcpStream,
    channel: Channel,
    user: UserName,
}

impl Members {
    /// Starts a system, has everybody join, and waits until everybody hears.
    pub(crate) fn begin(folder: &Path) -> anyhow::Result<Members> {
        let system = Secured::up(folder);
        let users = join(&system)?;
        let (requests, subscribers) = (address(&system.requests)?, address(&system.subscribers)?);
        let (mut connections, mut ears, mut pens) = (Subscribers::new()?, Vec::new(), Vec::new());
        // Those who hear come first, so that they are the first by number.
        for (number, (_, keys)) in users.iter().take(HEARERS).enumerate() {
            let stream = dial(subscribers, number * CONNECTIONS_OF_ONE_ADDRESS)?;
            let mut connection = Connection::open(stream, SocketType::Sub, keys, system.key)?;
            connection.send(&message(&[format!("\x01{CHANNEL}").as_bytes()]))?;
            connections.add(connection.stream)?;
            ears.push(Ear { channel: connection.channel, inbound: BytesMut::new(), heard: 0 });
        }
        for (number, (user, keys)) in users.into_iter().enumerate() {
            let stream = dial(requests, number * CONNECTIONS_OF_ONE_ADDRESS)?;
            let connection = Connection::open(stream, SocketType::Dealer, &keys, system.key)?;
            let stream = connection.stream.try_clone()?;
            connections.add(connection.stream)?;
            pens.push(Pen { stream, channel: connection.channel, user });
        }
        let (start, stopping) = (Instant::now(), Arc::new(AtomicBool::new(false)));
        let writing = thread::spawn({
            let stopping = Arc::clone(&stopping);
            move || write(pens, start, &stopping)
        });
        let (taken, heard) = (Vec::new(), 0);
        let mut members = Members { system, connections, ears, start, taken, heard, stopping, writing };
        let deadline = Instant::now() + PATIENCE;
        while members.ears.iter().any(|ear| ear.heard == 0) {
            ensure!(Instant::now() < deadline, "not all members hear");
            members.turn()?;
        }
        Ok(members)
    }

    /// Lets so many seconds pass and says what they were like.
    pub(crate) fn watch(&mut self, seconds: f64) -> anyhow::Result<While> {
        self.taken.clear();
        let end = Instant::now() + Duration::from_secs_f64(seconds);
        let (mut peak_mb, mut look) = (0.0_f64, Instant::now());
        while Instant::now() < end {
            self.turn()?;
            if Instant::now() < look {
                continue;
            }
            look += LOOK_INTERVAL;
            ensure!(!self.writing.is_finished(), "the members have stopped writing");
            ensure!(self.connections.disconnected() == 0, "a member was disconnected");
            peak_mb = peak_mb.max(resident_mb(self.system.process.id())?);
        }
        self.taken.sort_unstable();
        ensure!(!self.taken.is_empty(), "nothing was heard");
        let at = |share: f64| self.taken[((self.taken.len() - 1) as f64 * share) as usize] as f64 / 1e3;
        Ok(While { p50_us: at(0.5), p99_us: at(0.99), peak_mb })
    }

    /// Ends the writing and hears what is under way. The part of what was written that each heard who was there from the first.
    pub(crate) fn end(mut self) -> anyhow::Result<f64> {
        self.stopping.store(true, Ordering::Relaxed);
        let mut heard = 0;
        let mut last = Instant::now();
        while last.elapsed() < Duration::from_secs(1) {
            self.turn()?;
            if self.heard > heard {
                (heard, last) = (self.heard, Instant::now());
            }
        }
        let written = self.writing.join().ok().context("the members panicked")??;
        Ok(heard as f64 / (written * HEARERS as u64) as f64)
    }

    fn turn(&mut self) -> anyhow::Result<()> {
        let Members { connections, ears, start, taken, heard, .. } = self;
        connections.turn(TURN, |number, bytes, _| {
            // The others' are answers.
            let Some(ear) = ears.get_mut(number) else { return Ok(()) };
            let now = nanoseconds(*start);
            ear.inbound.extend_from_slice(bytes);
            open(&mut ear.channel, &mut ear.inbound, |_, frame| {
                if let Some(sent) = stamp_in(frame) {
                    taken.push(now.saturating_sub(sent));
                    ear.heard += 1;
                    *heard += 1;
                }
                Ok(())
            })
        })?;
        Ok(())
    }
}

fn nanoseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_nanos()).expect("a measurement takes no centuries")
}

fn stamp_in(frame: &[u8]) -> Option<u64> {
    let at = frame.windows(STAMP.len()).position(|window| window == STAMP)? + STAMP.len();
    u64::from_str_radix(str::from_utf8(frame.get(at..at + STAMP_DIGITS)?).ok()?, 16).ok()
}

/// Has all members join, and makes their channel.
fn join(system: &Secured) -> anyhow::Result<Vec<(UserName, KeyPair)>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut first = system.first("ana").await;
        first.requests.create(CHANNEL).await;
        let mut users = Vec::with_capacity(WRITERS);
        for number in 0..WRITERS {
            let name = format!("member{number:02}");
            let code = first.invites(&name, Role::Member).await;
            let mut joined = system.join(&name, &code).await;
            // An attempt counts as failed until who made it asks for something as the user that it has become.
            joined.requests.ask(RequestBody::Channels).await;
            users.push((joined.name, joined.keys));
        }
        Ok(users)
    })
}

/// Writes at a steady rate until it is to stop, each in turn. A message that is late is sent at once, and those after it keep their times.
/// How many these were.
fn write(mut pens: Vec<Pen>, start: Instant, stopping: &AtomicBool) -> anyhow::Result<u64> {
    let begun = Instant::now();
    let mut written = 0;
    while !stopping.load(Ordering::Relaxed) {
        let due = begun + Duration::from_secs_f64(written as f64 / RATE);
        while let Some(left) = due.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
            match left.checked_sub(OVERSLEEP) {
                Some(sleep) => thread::sleep(sleep),
                None => std::hint::spin_loop(),
            }
        }
        let turn = written as usize % pens.len();
        let pen = &mut pens[turn];
        let stamp =
            format!("{}{:0digits$x}", str::from_utf8(STAMP)?, nanoseconds(start), digits = STAMP_DIGITS);
        let request = Request::from(RequestBody::Publish {
            user: pen.user.clone(),
            channel: channel(CHANNEL),
            message: format!("{stamp:.<TEXT_BYTES$}"),
            id: Some(MessageId::new_v7()),
            manner: Manner::default(),
        });
        let mut sealed = BytesMut::new();
        seal(&mut pen.channel, &message(&[b"", &request.encode()]), &mut sealed)?;
        pen.stream.write_all(&sealed).context("the server takes no more of a member")?;
        written += 1;
    }
    Ok(written)
}
