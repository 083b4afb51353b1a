//! A way that really loses: the automated client tells exactly what was lost, and repairs it.

use std::collections::BTreeSet;

use recado_tests::{
    parts::{Broker, Server, folder},
    process::{Ended, Run},
    proxy::{Dropped, Losses, Proxy},
};
use tempfile::TempDir;

/// One in a hundred.
const SHARE: f64 = 0.01;

/// How many of the client's sessions listen.
const LISTENERS: u64 = 4;

/// Broker and server, with a proxy before the broker and one before the server.
struct Chain {
    folder: TempDir,
    broker: Broker,
    _server: Server,
    publications: Proxy,
    requests: Proxy,
}

impl Chain {
    async fn start(seed: u64) -> Chain {
        let folder = folder();
        let broker = Broker::start(folder.path());
        let publications = Proxy::start(&broker.publishers, seed).await;
        let server = Server::start(folder.path(), publications.endpoint());
        let requests = Proxy::start(&server.requests, seed).await;
        Chain { folder, broker, _server: server, publications, requests }
    }

    /// Runs the automated client to its end, losing from when it has begun to talk.
    async fn autoclient(&self, losses: Losses, options: &[&str]) -> Ended {
        let listeners = LISTENERS.to_string();
        let line = [
            "autoclient",
            "--log-format",
            "json",
            "--server",
            self.requests.endpoint(),
            "--broker",
            &self.broker.subscribers,
            "--users",
            &listeners,
            "--listeners",
            &listeners,
            "--rate",
            "500",
            "--untimed",
        ];
        let client = Run::recado(self.folder.path(), line.iter().chain(options)).start();
        self.publications.lose(losses);
        self.requests.lose(losses);
        // The proxies run here meanwhile.
        tokio::task::spawn_blocking(move || client.wait()).await.expect("waiting does not panic")
    }

    /// Topic and place of each message that was lost on its way to the broker.
    fn lost(&self) -> BTreeSet<(String, u64)> {
        let places = self.publications.dropped().into_iter().filter_map(|dropped| match dropped {
            Dropped::Publication { topic, seq, .. } => Some((topic, seq)),
            Dropped::Heads { .. } | Dropped::Reply { .. } => None,
        });
        places.collect()
    }

    fn lost_replies(&self) -> usize {
        self.requests.dropped().iter().filter(|dropped| matches!(dropped, Dropped::Reply { .. })).count()
    }
}

/// What the verdict, which is the last line of the output, says after its first word.
#[track_caller]
fn figures<'a>(ended: &'a Ended, code: i32, word: &str) -> &'a str {
    let line = ended.out.last().expect("it says something");
    let (said, figures) =
        line.split_once(": ").unwrap_or_else(|| panic!("{:#?}\n{:#?}", ended.out, ended.err));
    assert_eq!((said, ended.code), (word, Some(code)), "{:#?}\n{:#?}", ended.out, ended.err);
    figures
}

/// With commas between thousands.
fn grouped(number: u64) -> String {
    if number < 1_000 {
        return number.to_string();
    }
    format!("{},{:03}", grouped(number / 1_000), number % 1_000)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_lost_on_its_way_is_repaired_and_counted_as_that() {
    let chain = Chain::start(1).await;
    let losses = Losses { publications: SHARE, heads: 0.0, replies: SHARE };
    let messages = 4_000;
    let ended = chain.autoclient(losses, &["--messages", &messages.to_string()]).await;
    let lost = chain.lost();
    assert!(lost.len() > 5 && chain.lost_replies() > 5, "{lost:?}, {} replies", chain.lost_replies());
    let (sent, all) = (grouped(messages), grouped(messages * LISTENERS));
    let figures = figures(&ended, 0, "PASS");
    let delivered = format!("{sent} acknowledged = {sent} stored; {all} of {all} delivered (");
    let (repaired, rest) = figures
        .strip_prefix(&delivered)
        .and_then(|rest| rest.split_once(" by repair); "))
        .unwrap_or_else(|| panic!("{figures}\nshould begin with\n{delivered}"));
    let repaired: u64 = repaired.replace(',', "").parse().expect("a number of repairs");
    // On a busy machine one that is only late may be fetched as well. What was lost can come in no other way.
    assert!(repaired >= lost.len() as u64 * LISTENERS, "{figures}, {} publications were lost", lost.len());
    assert!(rest.starts_with("0 lost, 0 repeated"), "{figures}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_repair_exactly_what_was_lost_is_named_as_lost() {
    let chain = Chain::start(2).await;
    let losses = Losses { publications: SHARE, heads: 0.0, replies: SHARE };
    let messages = 700;
    let ended = chain.autoclient(losses, &["--messages", &messages.to_string(), "--no-repair"]).await;
    let lost = chain.lost();
    assert!(!lost.is_empty() && chain.lost_replies() > 0, "{lost:?}, {} replies", chain.lost_replies());
    let heard = grouped((messages - lost.len() as u64) * LISTENERS);
    let (sent, all) = (grouped(messages), grouped(messages * LISTENERS));
    let not_heard = grouped(lost.len() as u64 * LISTENERS);
    let figures = figures(&ended, 1, "FAIL");
    let expect = format!(
        "{sent} acknowledged = {sent} stored; {heard} of {all} delivered (0 by repair); {not_heard} lost, 0 repeated"
    );
    assert!(figures.starts_with(&expect), "{figures}\nshould be\n{expect}");
    let named: BTreeSet<_> = ended.out.iter().filter_map(|line| named_as_lost(line)).collect();
    // It names the first ten.
    assert_eq!(named.len(), lost.len().min(10), "{:#?}", ended.out);
    assert!(named.is_subset(&lost), "{named:?} of {lost:?}");
}

/// `message 7 in geral, place 8: was acknowledged and not heard by s1, s2`
fn named_as_lost(line: &str) -> Option<(String, u64)> {
    let (message, _) = line.split_once(": was acknowledged and not heard by ")?;
    let (_, place) = message.split_once(" in ")?;
    let (topic, place) = place.split_once(", place ")?;
    Some((topic.to_owned(), place.parse().ok()?))
}
