//! Memory of an idle `recado up`, and with a million messages stored: how long a start takes, and how long `history latest 50` does.
//!
//! Run by `make bench`. `--messages N` stored messages (1,000,000), `--channels N` (200), `--asks N` history requests (2,000).

use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use recado_proto::{HistoryOf, HistoryRequest, Range, ReplyBody, RequestBody};
use recado_tests::{
    accounting::resident_mb,
    chat::{Requester, channel, user},
    parts::Recado,
    stored::Stored,
};

fn main() -> anyhow::Result<()> {
    let options = Options::parse(std::env::args().skip(1))?;
    let folder = tempfile::tempdir()?;
    println!("| what | figure |");
    println!("|---|---|");
    let idle = Recado::up(folder.path())?;
    println!("| idle, nothing stored | {:.1} MB resident |", resident_mb(idle.process.id())?);
    ensure!(idle.process.terminate().code == Some(0), "an idle server ends with 0");

    let padding = "x".repeat(128);
    let text = |number| format!("{number} {padding}");
    let stored = Stored { messages: options.messages, channels: options.channels, text: &text };
    let took = stored.import(folder.path())?;
    println!("| import of {} messages | {:.1} s |", options.messages, took.as_secs_f64());

    let mut starts = Vec::new();
    for _ in 0..5 {
        let began = Instant::now();
        let recado = Recado::up(folder.path())?;
        starts.push(began.elapsed());
        ensure!(recado.process.terminate().code == Some(0), "a server ends with 0");
    }
    starts.sort_unstable();
    println!("| start with {} messages stored, median of 5 | {:.0} ms |", options.messages, ms(starts[2]));

    let recado = Recado::up(folder.path())?;
    println!(
        "| idle, {} messages stored | {:.1} MB resident |",
        options.messages,
        resident_mb(recado.process.id())?
    );
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut took = runtime.block_on(ask_history(&recado.requests, &options))?;
    took.sort_unstable();
    let at = |share: f64| ms(took[((took.len() - 1) as f64 * share) as usize]);
    println!(
        "| `history latest 50`, {} channels in turn, p50 / p99 | {:.2} / {:.2} ms |",
        options.channels,
        at(0.5),
        at(0.99)
    );
    println!("| after {} histories | {:.1} MB resident |", options.asks, resident_mb(recado.process.id())?);
    Ok(())
}

struct Options {
    messages: usize,
    channels: usize,
    asks: usize,
}

impl Options {
    fn parse(args: impl Iterator<Item = String>) -> anyhow::Result<Options> {
        let mut options = Options { messages: 1_000_000, channels: 200, asks: 2_000 };
        let mut args = args.filter(|arg| arg != "--bench");
        while let Some(name) = args.next() {
            let value = args.next().with_context(|| format!("{name} needs a value"))?;
            match name.as_str() {
                "--messages" => options.messages = value.parse()?,
                "--channels" => options.channels = value.parse()?,
                "--asks" => options.asks = value.parse()?,
                _ => bail!("unknown option {name}"),
            }
        }
        Ok(options)
    }
}

async fn ask_history(requests: &str, options: &Options) -> anyhow::Result<Vec<Duration>> {
    let mut requester = Requester::connect(requests);
    requester.login("ana").await;
    let mut took = Vec::new();
    for number in 0..options.asks {
        let of = HistoryOf::Channel(channel(&format!("c{}", number % options.channels)));
        let request = HistoryRequest { user: user("ana"), of, range: Range::Latest, limit: 50, acts: false };
        let began = Instant::now();
        match requester.ask(RequestBody::History(request)).await {
            ReplyBody::History(page) => {
                ensure!(page.messages.len() == 50, "{} messages", page.messages.len())
            }
            other => bail!("no history: {other:?}"),
        }
        took.push(began.elapsed());
    }
    Ok(took)
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}
