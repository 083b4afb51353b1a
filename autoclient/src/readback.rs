//! Reads the history of a run's topics, from where the run began, for the comparison with the books.

use std::{sync::Arc, time::Duration};

use recado_client::RequestError;
use recado_proto::{HistoryPage, Place, Publication, Range};
use tokio::{sync::mpsc, task::JoinSet};

use crate::{
    limits::{READ_BACK_ATTEMPTS_MAX, READ_BACK_PAGE_MESSAGES, READ_BACK_TOPICS_MAX},
    stage::Stage,
};

/// What comes of reading.
#[derive(Debug)]
pub(crate) enum Page {
    /// The next messages of a topic.
    Messages { target: usize, messages: Vec<Publication> },
    /// A topic was read to its end.
    End { target: usize },
    /// A topic could not be read.
    Failed { target: usize, error: RequestError },
}

/// Where each topic stands now: its last place.
///
/// # Errors
/// The server does not answer, or refuses.
pub(crate) async fn heads(stage: &Arc<Stage>) -> Result<Vec<u64>, RequestError> {
    let mut heads = vec![0; stage.targets.len()];
    let mut asking = JoinSet::new();
    let mut next = 0;
    loop {
        while asking.len() < READ_BACK_TOPICS_MAX && next < stage.targets.len() {
            let (stage, target) = (Arc::clone(stage), next);
            asking.spawn(async move { (target, stage.history(target, Range::Latest, 1).await) });
            next += 1;
        }
        let Some(asked) = asking.join_next().await else { return Ok(heads) };
        let (target, page) = asked.expect("asking does not panic and is not aborted");
        heads[target] = page?.last_seq.unwrap_or(0);
    }
}

/// Reads all topics from behind these places to where they stand now. The queue bounds how far reading is ahead of the comparison; it ends when
/// all were read, or when nobody takes the pages any more.
pub(crate) fn start(stage: &Arc<Stage>, after: Vec<u64>) -> mpsc::Receiver<Page> {
    let (pages, receiver) = mpsc::channel(READ_BACK_TOPICS_MAX);
    let stage = Arc::clone(stage);
    // Ends with its receiver.
    tokio::spawn(async move {
        let mut reading = JoinSet::new();
        for (target, after) in after.into_iter().enumerate() {
            while reading.len() >= READ_BACK_TOPICS_MAX {
                reading.join_next().await;
            }
            let (stage, pages) = (Arc::clone(&stage), pages.clone());
            reading.spawn(async move { read(&stage, target, after, &pages).await });
        }
        while reading.join_next().await.is_some() {}
    });
    receiver
}

/// Reads one topic. A receiver that is gone wants no more.
async fn read(stage: &Stage, target: usize, mut after: u64, pages: &mpsc::Sender<Page>) {
    let mut until = None;
    loop {
        let page = match page(stage, target, after).await {
            Ok(page) => page,
            Err(error) => {
                let _ = pages.send(Page::Failed { target, error }).await;
                return;
            }
        };
        // What others say meanwhile is none of the run's.
        let until = *until.get_or_insert(page.last_seq.unwrap_or(0));
        let last = page.messages.last().and_then(|message| message.seq);
        if !page.messages.is_empty()
            && pages.send(Page::Messages { target, messages: page.messages }).await.is_err()
        {
            return;
        }
        match last {
            Some(last) if last < until => after = last,
            _ => {
                let _ = pages.send(Page::End { target }).await;
                return;
            }
        }
    }
}

async fn page(stage: &Stage, target: usize, after: u64) -> Result<HistoryPage, RequestError> {
    let mut attempt = 1;
    loop {
        let range = Range::After(Place::Seq(after));
        match stage.history(target, range, READ_BACK_PAGE_MESSAGES).await {
            Err(error) if error.is_passing() && attempt < READ_BACK_ATTEMPTS_MAX => {
                attempt += 1;
                tokio::time::sleep(PAUSE).await;
            }
            result => return result,
        }
    }
}

/// Before a page is asked for again.
const PAUSE: Duration = Duration::from_secs(1);
