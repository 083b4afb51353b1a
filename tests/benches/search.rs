//! Searching in a million messages: how long an answer takes, and what that costs those who publish meanwhile.
//!
//! Run by `make bench`. `--messages N` stored messages (1,000,000), `--asks N` searches of each kind (300), `--rounds N` of publishing
//! with and without searches (4). Words are drawn as those of a language are: the n-th most frequent one n times more seldom than the first
//! (Zipf).

use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use recado_proto::{ReplyBody, RequestBody, SearchIn, SearchPage, SearchRequest, Timestamp};
use recado_tests::{
    accounting::resident_mb,
    chat::{Requester, channel, user},
    parts::Recado,
    stored::Stored,
};
use tokio::task::JoinSet;

const CHANNELS: usize = 200;
const NOBODYS: &str = "xylophone";
const WORDS: usize = 20_000;
const WORDS_EACH: usize = 18;
const PUBLISHERS: usize = 64;
const PUBLISHING: Duration = Duration::from_secs(4);

fn main() -> anyhow::Result<()> {
    let options = Options::parse(std::env::args().skip(1))?;
    let folder = tempfile::tempdir()?;
    let frequencies = Frequencies::new();
    let text = |number| frequencies.text(number as u64);
    let stored = Stored { messages: options.messages, channels: CHANNELS, text: &text };
    println!("| what | figure |");
    println!("|---|---|");
    println!(
        "| import of {} messages | {:.1} s |",
        options.messages,
        stored.import(folder.path())?.as_secs_f64()
    );
    let recado = Recado::up(folder.path())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let began = Instant::now();
    runtime.block_on(indexed(&recado.requests))?;
    println!("| indexed after | {:.1} s |", began.elapsed().as_secs_f64());
    for (kind, request) in kinds() {
        let took =
            runtime.block_on(search(&recado.requests, &request, options.asks)).with_context(|| kind)?;
        println!("| {kind}, p50 / p99 / longest | {} |", spread(took));
    }
    let ways = [None, Some(Duration::from_millis(200)), Some(Duration::ZERO)];
    let mut measured = ways.map(|_| (Vec::new(), Vec::new()));
    for _ in 0..options.rounds {
        for (every, (rates, took)) in ways.iter().zip(&mut measured) {
            let (rate, searches) = runtime.block_on(publish(&recado.requests, *every, &frequencies))?;
            rates.push(rate);
            took.extend(searches);
        }
    }
    let [(alone, _), paced, searched] = measured.map(|(mut rates, took)| {
        rates.sort_by(f64::total_cmp);
        (rates[rates.len() / 2], took)
    });
    println!("| {PUBLISHERS} clients publish, nobody searches | {alone:.0} /s |");
    for (what, (rate, took)) in [("5 searches a second", paced), ("one search after the other", searched)] {
        println!("| they publish, {what} meanwhile | {rate:.0} /s, {:.2} of that |", rate / alone);
        println!("| these {} searches, p50 / p99 / longest | {} |", took.len(), spread(took));
    }
    println!("| at the end | {:.1} MB resident |", resident_mb(recado.process.id())?);
    Ok(())
}

/// The median, what 99 of 100 took at most, and the longest.
fn spread(mut took: Vec<Duration>) -> String {
    took.sort_unstable();
    let at = |share: f64| {
        let index = (took.len().saturating_sub(1) as f64 * share) as usize;
        took.get(index).copied().unwrap_or_default().as_secs_f64() * 1_000.0
    };
    format!("{:.1} / {:.1} / {:.1} ms", at(0.5), at(0.99), at(1.0))
}

struct Options {
    messages: usize,
    asks: usize,
    rounds: usize,
}

impl Options {
    fn parse(args: impl Iterator<Item = String>) -> anyhow::Result<Options> {
        let mut options = Options { messages: 1_000_000, asks: 300, rounds: 4 };
        let mut args = args.filter(|arg| arg != "--bench");
        while let Some(name) = args.next() {
            let value = args.next().with_context(|| format!("{name} needs a value"))?;
            match name.as_str() {
                "--messages" => options.messages = value.parse()?,
                "--asks" => options.asks = value.parse()?,
                "--rounds" => options.rounds = value.parse()?,
                _ => bail!("unknown option {name}"),
            }
        }
        ensure!(options.asks > 0 && options.rounds > 0, "at least one");
        Ok(options)
    }
}

/// How often each word comes.
struct Frequencies {
    /// The sum of the shares up to each word.
    sums: Vec<f64>,
}

impl Frequencies {
    fn new() -> Frequencies {
        let mut sum = 0.0;
        let sums = (1..=WORDS).map(|rank| {
            sum += 1.0 / rank as f64;
            sum
        });
        Frequencies { sums: sums.collect() }
    }

    /// The text of a message: always the same for one number.
    fn text(&self, number: u64) -> String {
        let whole = self.sums[WORDS - 1];
        let words = (0..WORDS_EACH as u64).map(|index| {
            let drawn = (mixed(number * 64 + index) >> 11) as f64 / (1_u64 << 53) as f64 * whole;
            word(self.sums.partition_point(|sum| *sum < drawn))
        });
        words.collect::<Vec<_>>().join(" ")
    }
}

/// The word with this rank, 0 the most frequent: syllables, so that words begin alike as those of people do.
fn word(rank: usize) -> String {
    const SYLLABLES: [&str; 16] =
        ["ba", "co", "di", "fe", "gu", "la", "mo", "ni", "pe", "ru", "sa", "to", "vi", "ze", "bra", "tri"];
    let mut rest = rank + SYLLABLES.len();
    let mut word = String::new();
    while rest > 0 {
        word.push_str(SYLLABLES[rest % SYLLABLES.len()]);
        rest /= SYLLABLES.len();
    }
    word
}

/// SplitMix64 (Steele, Lea, Flood 2014).
fn mixed(seed: u64) -> u64 {
    let mut word = seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}

fn asked(words: String) -> SearchRequest {
    SearchRequest {
        user: user("ana"),
        words,
        from: None,
        within: None,
        after: None,
        before: None,
        limit: recado_proto::limits::SEARCH_LIMIT_DEFAULT,
    }
}

fn kinds() -> Vec<(&'static str, SearchRequest)> {
    let common = || word(0);
    let time = |seconds: i64| Some(Timestamp::from_seconds(1_700_000_000 + seconds));
    vec![
        ("the most frequent word", asked(common())),
        ("a word in one of 200", asked(word(1_000))),
        ("the most frequent word, quoted", asked(format!("\"{}\"", common()))),
        ("a rare word", asked(word(WORDS - 1))),
        ("a word that nobody wrote", asked(NOBODYS.to_owned())),
        ("one letter, as a beginning", asked("b*".to_owned())),
        ("two frequent words", asked(format!("{} {}", word(0), word(1)))),
        ("a phrase of two frequent words", asked(format!("\"{} {}\"", word(0), word(1)))),
        ("a frequent and a rare word", asked(format!("{} {}", word(0), word(WORDS - 2)))),
        (
            "a frequent word in one channel",
            SearchRequest { within: Some(SearchIn::Channel(channel("c7"))), ..asked(common()) },
        ),
        ("a frequent word of one person", SearchRequest { from: Some(user("u13")), ..asked(common()) }),
        (
            "a word of one person in one channel",
            SearchRequest {
                from: Some(user("u13")),
                within: Some(SearchIn::Channel(channel("c7"))),
                ..asked(word(9))
            },
        ),
        (
            "a frequent word in an early minute",
            SearchRequest { after: time(600), before: time(660), ..asked(common()) },
        ),
    ]
}

async fn ask(requester: &mut Requester, request: &SearchRequest) -> anyhow::Result<SearchPage> {
    match requester.ask(RequestBody::Search(request.clone())).await {
        ReplyBody::Found(page) => Ok(page),
        other => bail!("nothing found: {other:?}"),
    }
}

/// Until the index has everything.
async fn indexed(requests: &str) -> anyhow::Result<()> {
    let mut requester = Requester::connect(requests);
    requester.login("ana").await;
    let request = asked(word(WORDS - 1));
    while ask(&mut requester, &request).await?.behind > 0 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// How long each took. All find as many as there are, and nothing is left out for want of time.
async fn search(requests: &str, request: &SearchRequest, asks: usize) -> anyhow::Result<Vec<Duration>> {
    let mut requester = Requester::connect(requests);
    let mut took = Vec::new();
    for _ in 0..asks {
        let began = Instant::now();
        let page = ask(&mut requester, request).await?;
        took.push(began.elapsed());
        ensure!(!page.partial, "it was not looked at everything");
        ensure!(page.found.is_empty() == (request.words == NOBODYS), "{} found", page.found.len());
    }
    Ok(took)
}

/// How many messages a second 64 clients publish, each its next one when the one before is stored; and how long the searches took that
/// one client asked meanwhile.
async fn publish(
    requests: &str,
    searched_every: Option<Duration>,
    texts: &Frequencies,
) -> anyhow::Result<(f64, Vec<Duration>)> {
    let until = Instant::now() + PUBLISHING;
    let mut publishers = JoinSet::new();
    for number in 0..PUBLISHERS {
        let (mut requester, to) = (Requester::connect(requests), format!("c{number}"));
        let text = texts.text(number as u64);
        publishers.spawn(async move {
            let mut count = 0;
            while Instant::now() < until {
                requester.publish("ana", &to, &text).await;
                count += 1;
            }
            count
        });
    }
    let mut took = Vec::new();
    if let Some(every) = searched_every {
        let mut requester = Requester::connect(requests);
        for (_, request) in kinds().iter().cycle() {
            if Instant::now() >= until {
                break;
            }
            let began = Instant::now();
            ask(&mut requester, request).await?;
            took.push(began.elapsed());
            tokio::time::sleep_until((began + every).into()).await;
        }
    }
    let published: usize = publishers.join_all().await.into_iter().sum();
    Ok((published as f64 / PUBLISHING.as_secs_f64(), took))
}
