//! The thread that has the index for search follow the log, at a pace that leaves the processor and the disk to those who publish.

use std::time::{Duration, Instant};

use tracing::error;

use super::searches::Searches;
use crate::limits::{
    BUSY_ENTRIES_A_SECOND, INDEX_PAUSE, INDEX_REST_FACTOR, INDEX_RETRY, INDEXED_AT_ONCE_ROWS_MAX,
};
use crate::store::Indexer;

/// Follows until everything ends. An index that fails is made anew after a while, and nothing else stops for it.
pub(super) fn run(mut indexer: Box<dyn Indexer>, searches: &Searches) {
    let mut looked = (Instant::now(), indexer.log_end());
    loop {
        let begun = Instant::now();
        let followed = indexer.follow(INDEXED_AT_ONCE_ROWS_MAX);
        let rest = match &followed {
            Ok(through) => {
                let end = indexer.log_end();
                let (since, grown) = (looked.0.elapsed(), end.0.saturating_sub(looked.1.0));
                looked = (Instant::now(), end);
                rest_after(begun.elapsed(), end.0.saturating_sub(through.0), grown, since)
            }
            Err(failure) => {
                error!(%failure, "a search finds nothing new for now");
                INDEX_RETRY
            }
        };
        if !searches.rest(rest) {
            return;
        }
        let Ok(through) = followed else { continue };
        if indexer.log_end() == through && !searches.sleep(|| indexer.log_end() > through) {
            return;
        }
    }
}

/// How long to rest after a batch that took so long, with so many entries left, and when the log grew by so many entries within
/// a time: while much comes, publishing goes first.
fn rest_after(took: Duration, left: u64, grown: u64, since: Duration) -> Duration {
    if left == 0 {
        return INDEX_PAUSE;
    }
    let is_busy = grown as f64 >= since.as_secs_f64() * BUSY_ENTRIES_A_SECOND as f64;
    if is_busy { took * INDEX_REST_FACTOR } else { Duration::ZERO }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::rest_after;
    use crate::limits::{INDEX_PAUSE, INDEX_REST_FACTOR};

    const TOOK: Duration = Duration::from_millis(20);
    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn who_has_caught_up_pauses() {
        assert_eq!(rest_after(TOOK, 0, 0, SECOND), INDEX_PAUSE);
        assert_eq!(rest_after(TOOK, 0, 50_000, SECOND), INDEX_PAUSE);
    }

    #[test]
    fn an_old_log_is_taken_up_without_a_rest_unless_much_comes() {
        assert_eq!(rest_after(TOOK, 9, 0, SECOND), Duration::ZERO);
        assert_eq!(rest_after(TOOK, 9, 20, SECOND), Duration::ZERO);
        assert_eq!(rest_after(TOOK, 9, 50_000, SECOND), TOOK * INDEX_REST_FACTOR);
        assert_eq!(rest_after(TOOK, 9, 500, SECOND / 10), TOOK * INDEX_REST_FACTOR);
    }
}
