//! One connection through the proxy: each direction read, looked at message by message, and written on.

use std::{io, sync::Arc, time::Duration};

use bytes::{Buf, Bytes, BytesMut};
use rand::{SeedableRng, rngs::StdRng};
use recado_zmtp::codec::{Frames, GREETING_BYTES, Item, MessageLimits, MessageSplitter};
use socket2::SockRef;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::{mpsc, watch},
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{Line, Shared};

/// Pieces on their way in one direction. When there are more, the sender's side is not read.
const PIECES_MAX: usize = 64;

/// What a message may be here: whatever the parts allow each other.
const LIMITS: MessageLimits = MessageLimits {
    message_bytes_max: 64 * 1024 * 1024,
    message_frames_max: 1024,
    command_bytes_max: 64 * 1024,
};

/// Runs a connection until either side ends it, or it is cut.
pub(super) async fn run(
    mut from: TcpStream,
    mut to: TcpStream,
    shared: Arc<Shared>,
    cut: CancellationToken,
    [up, down]: [u64; 2],
) {
    let ended = {
        let (from_read, from_write) = from.split();
        let (to_read, to_write) = to.split();
        // One that ends has written on all that it had read. Why it ended does not matter: both ends go with it.
        tokio::select! {
            _ = direction(from_read, to_write, &shared, up) => true,
            _ = direction(to_read, from_write, &shared, down) => true,
            () = cut.cancelled() => false,
        }
    };
    if !ended {
        for stream in [&from, &to] {
            // What the system still holds goes, too. An error says that all is over already.
            let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
        }
    }
}

async fn direction(
    mut read: ReadHalf<'_>,
    mut write: WriteHalf<'_>,
    shared: &Shared,
    seed: u64,
) -> io::Result<()> {
    let (pieces, mut under_way) = mpsc::channel::<(Instant, Bytes)>(PIECES_MAX);
    let (mut line_in, mut line_out) = (shared.line.subscribe(), shared.line.subscribe());
    let reading = async move {
        let mut sieve = Sieve::new(seed);
        loop {
            moving(&mut line_in).await;
            if read.read_buf(&mut sieve.read).await? == 0 {
                return Ok(());
            }
            let kept = sieve.sift(shared)?;
            // Nobody takes it any more only when the writing failed.
            if !kept.is_empty() && pieces.send((Instant::now() + shared.delay(), kept)).await.is_err() {
                return Ok(());
            }
        }
    };
    let writing = async {
        while let Some((due, piece)) = under_way.recv().await {
            sleep_until(due).await;
            moving(&mut line_out).await;
            write.write_all(&piece).await?;
        }
        Ok(())
    };
    tokio::try_join!(reading, writing).map(drop)
}

/// Waits while nothing moves on the line.
async fn moving(line: &mut watch::Receiver<Line>) {
    // Its sender lives as long as the proxy, and the connection no longer than that.
    let _ = line.wait_for(|line| *line != Line::Stalled).await;
}

/// One direction's bytes, from which messages are taken out.
struct Sieve {
    greeting_left: usize,
    splitter: MessageSplitter,
    read: BytesMut,
    random: StdRng,
}

impl Sieve {
    fn new(seed: u64) -> Self {
        Self {
            greeting_left: GREETING_BYTES,
            splitter: MessageSplitter::new(LIMITS),
            read: BytesMut::new(),
            random: StdRng::seed_from_u64(seed),
        }
    }

    /// What of the bytes read is to be written on; what is not whole yet stays.
    fn sift(&mut self, shared: &Shared) -> io::Result<Bytes> {
        let greeting = self.read.len().min(self.greeting_left);
        let mut kept = self.read.split_to(greeting);
        self.greeting_left -= greeting;
        if self.greeting_left > 0 {
            return Ok(kept.freeze());
        }
        let mut begin = 0;
        while let Some(item) = self.splitter.next_item(&self.read).map_err(io::Error::other)? {
            let (end, lost) = match item {
                // Within a message: it goes with the message.
                Item::Command(_) if self.splitter.is_mid_message() => continue,
                Item::Command(body) => (body.end, false),
                Item::Message(span) => {
                    let frames: Vec<&[u8]> = Frames::new(&self.read[span.range.clone()])
                        .filter(|frame| !frame.command)
                        .map(|frame| frame.body)
                        .collect();
                    (span.range.end, shared.loses(&frames, &mut self.random))
                }
            };
            if !lost {
                kept.extend_from_slice(&self.read[begin..end]);
            }
            begin = end;
        }
        let taken = self.splitter.release();
        self.read.advance(taken);
        Ok(kept.freeze())
    }
}
