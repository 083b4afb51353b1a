//! A proxy between two parts of Recado that loses what it is told to lose: whole messages, connections, or all of them for a
//! time. It reads ZMTP's frames, so that what it drops never tears a message or a heartbeat, and it knows exactly what it dropped.

mod pump;
mod verdict;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

pub use verdict::Dropped;

/// What is lost of what passes, each a share from 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Losses {
    /// Of the messages that a server or broker publishes.
    pub publications: f64,
    /// Of what a server publishes on topics of its own: answers to `sync`, and beacons.
    pub heads: f64,
    /// Of a server's replies.
    pub replies: f64,
}

/// Whether anything passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// Everything does but what is lost by chance.
    Open,
    /// Connections stand, and nothing moves on them: as if the wire were cut.
    Stalled,
    /// Connections are closed as soon as they come.
    Refusing,
}

/// A listener that connects whoever comes with one endpoint.
#[derive(Debug)]
pub struct Proxy {
    endpoint: String,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    target: SocketAddr,
    line: watch::Sender<Line>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    losses: Losses,
    delay: Duration,
    /// Of the connections that there are.
    cut: CancellationToken,
    seeds: StdRng,
    dropped: Vec<Dropped>,
}

impl Proxy {
    /// Listens on a port that the system chooses. All that is lost by chance follows from the seed, and from the order in which
    /// things come.
    ///
    /// # Panics
    /// The target is no TCP endpoint, or there is no port.
    pub async fn start(target: &str, seed: u64) -> Proxy {
        let address = target.strip_prefix("tcp://").and_then(|address| address.parse().ok());
        let target = address.unwrap_or_else(|| panic!("{target} is no TCP endpoint"));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback has ports");
        let endpoint = format!("tcp://{}", listener.local_addr().expect("it is bound"));
        let state = State {
            losses: Losses::default(),
            delay: Duration::ZERO,
            cut: CancellationToken::new(),
            seeds: StdRng::seed_from_u64(seed),
            dropped: Vec::new(),
        };
        let shared =
            Arc::new(Shared { target, line: watch::Sender::new(Line::Open), state: Mutex::new(state) });
        // Ends with the proxy, and its connections with it.
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Proxy { endpoint, shared, accepting }
    }

    /// Where to connect.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// What is lost from now on.
    pub fn lose(&self, losses: Losses) {
        self.shared.state().losses = losses;
    }

    /// How long everything takes from now on.
    pub fn delay(&self, delay: Duration) {
        self.shared.state().delay = delay;
    }

    /// What happens to everything from now on.
    pub fn set_line(&self, line: Line) {
        self.shared.line.send_replace(line);
    }

    /// Ends all connections, with whatever is on its way.
    pub fn cut(&self) {
        std::mem::take(&mut self.shared.state().cut).cancel();
    }

    /// What was lost by chance so far, in its order.
    pub fn dropped(&self) -> Vec<Dropped> {
        self.shared.state().dropped.clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing can panic while it is locked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this message is lost. `random` is the connection's.
    fn loses(&self, message: &[&[u8]], random: &mut StdRng) -> bool {
        let Some(dropped) = verdict::classify(message) else { return false };
        let mut state = self.state();
        let share = match dropped {
            Dropped::Publication { .. } => state.losses.publications,
            Dropped::Heads { .. } => state.losses.heads,
            Dropped::Reply { .. } => state.losses.replies,
        };
        let is_lost = share > 0.0 && random.random_bool(share.min(1.0));
        if is_lost {
            state.dropped.push(dropped);
        }
        is_lost
    }

    fn delay(&self) -> Duration {
        self.state().delay
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let Ok((from, _)) = listener.accept().await else { continue };
        if *shared.line.borrow() == Line::Refusing {
            continue;
        }
        let (cut, seeds) = {
            let mut state = shared.state();
            (state.cut.clone(), [state.seeds.random(), state.seeds.random()])
        };
        tokio::spawn(connect(from, Arc::clone(&shared), cut, seeds));
    }
}

async fn connect(from: TcpStream, shared: Arc<Shared>, cut: CancellationToken, seeds: [u64; 2]) {
    let joined = async {
        // Nobody there: the connection ends, as it would without a proxy.
        let to = TcpStream::connect(shared.target).await.ok()?;
        // Delays are ours to make.
        from.set_nodelay(true).and_then(|()| to.set_nodelay(true)).ok()?;
        Some(to)
    };
    let to = tokio::select! {
        to = joined => to,
        () = cut.cancelled() => return,
    };
    if let Some(to) = to {
        pump::run(from, to, shared, cut, seeds).await;
    }
}
