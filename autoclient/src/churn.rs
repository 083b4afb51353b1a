//! Subscribers who leave a channel for a while and come back to where they left: nothing that was said meanwhile may be missing.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};
use recado_client::RequestError;
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    limits::{CHURN_AWAY, CHURN_RETRY_PAUSE},
    stage::{Stage, Target},
};

/// Lets one subscriber after the other leave a channel, as often as `interval` says, until told to end; then all come back at once. Ends when they have.
pub(crate) async fn run(stage: Arc<Stage>, interval: Duration, seed: u64, end: CancellationToken) {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let (mut away, mut leaving) = (BTreeSet::new(), JoinSet::new());
    while timeout(interval, end.cancelled()).await.is_err() {
        while let Some(back) = leaving.try_join_next() {
            away.remove(&back.expect("leaving does not panic and is not aborted"));
        }
        let pair = (random.random_range(0..stage.listeners), random.random_range(0..stage.channels));
        let pause = random.random_range(CHURN_AWAY);
        if away.insert(pair) {
            let (stage, end) = (Arc::clone(&stage), end.clone());
            leaving.spawn(async move {
                if let Err(error) = leave(&stage, pair, pause, &end).await {
                    tracing::warn!(subscriber = pair.0, %error, "a subscriber that left does not come back");
                }
                pair
            });
        }
    }
    while leaving.join_next().await.is_some() {}
}

async fn leave(
    stage: &Stage,
    (subscriber, channel): (usize, usize),
    pause: Duration,
    end: &CancellationToken,
) -> Result<(), RequestError> {
    let (Some(session), Some(Target::Channel(channel))) =
        (stage.sessions.get(subscriber), stage.targets.get(channel))
    else {
        return Ok(());
    };
    let Some(start) = session.leave_channel(channel).await? else { return Ok(()) };
    // Told to come back or time to: either way it does.
    let _ = timeout(pause, end.cancelled()).await;
    loop {
        match session.subscribe_channel_from(channel, start).await {
            Err(error) if error.is_passing() => sleep(CHURN_RETRY_PAUSE).await,
            result => return result,
        }
    }
}
