//! The store's append path by itself: messages a second by the size of a turn, beside the table in docs/decisions/0002.
//! `cargo bench -p recado-server --bench append`, or with a number of messages for each row after `--`.

use std::time::{Duration, Instant};

use recado_proto::{ChannelName, Manner, MessageId, UserName};
use recado_server::store::{Change, Destination, NewMessage, SqliteStore, Store};

const TOPICS: usize = 200;
const TEXT_BYTES: usize = 128;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let messages = std::env::args().filter_map(|argument| argument.parse().ok()).next().unwrap_or(200_000);
    println!("| turn | messages /s | turns /s | longest turn |");
    println!("|---|---|---|---|");
    for turn in [1, 16, 64, 256, 1024] {
        let messages = messages.min(turn * 20_000);
        let figures = measure(turn, messages)?;
        let rate = figures.messages as f64 / figures.took.as_secs_f64();
        println!("| {turn} | {rate:.0} | {:.0} | {:.1?} |", rate / turn as f64, figures.longest);
    }
    Ok(())
}

struct Figures {
    messages: usize,
    took: Duration,
    longest: Duration,
}

fn measure(turn: usize, messages: usize) -> Result<Figures, Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let mut store = SqliteStore::open(&folder.path().join("recado.db"))?;
    let user = UserName::parse("ana")?;
    let channels: Vec<_> = (0..TOPICS)
        .map(|number| ChannelName::parse(&format!("channel{number}")))
        .collect::<Result<_, _>>()?;
    let create = |channel: &ChannelName| Change::CreateChannel {
        channel: channel.clone(),
        timestamp: None,
        id: None,
        owner: None,
    };
    store.commit(channels.iter().map(create).collect(), 1)?;
    let text = "x".repeat(TEXT_BYTES);
    let mut figures = Figures { messages: 0, took: Duration::ZERO, longest: Duration::ZERO };
    while figures.messages < messages {
        let changes = (0..turn).map(|index| {
            Change::Send(NewMessage {
                from: user.clone(),
                to: Destination::Channel(channels[(figures.messages + index) * 7 % TOPICS].clone()),
                text: text.clone(),
                id: Some(MessageId::new_v7()),
                timestamp: None,
                clock: 1,
                imported: None,
                manner: Manner::default(),
            })
        });
        let changes = changes.collect();
        let begun = Instant::now();
        store.commit(changes, 2)?;
        let took = begun.elapsed();
        figures.took += took;
        figures.longest = figures.longest.max(took);
        figures.messages += turn;
    }
    Ok(figures)
}
