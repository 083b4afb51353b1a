//! A few rounds of kills, stops and cuts under load; `make chaos ROUNDS=200` runs more of them.

use std::env;

use recado_tests::chaos::{Settings, Summary, run};

/// A number from the environment, where `make chaos` puts it.
fn setting(name: &str, usual: u64) -> u64 {
    match env::var(name) {
        Ok(number) => number.parse().unwrap_or_else(|error| panic!("{name}={number}: {error}")),
        Err(_) => usual,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_whatever_befalls_server_and_broker() {
    let settings = Settings { rounds: setting("CHAOS_ROUNDS", 6), seed: setting("CHAOS_SEED", 1) };
    match run(settings).await {
        Ok(Summary { rounds, acknowledged, heard, repaired }) => {
            assert_eq!(rounds, settings.rounds);
            assert!(acknowledged > 0 && heard >= acknowledged, "there was traffic");
            eprintln!(
                "{rounds} rounds: {acknowledged} acknowledged = {acknowledged} stored; {heard} heard ({repaired} by repair); \
                 0 lost, 0 repeated, 0 out of order"
            );
        }
        Err(failure) => panic!("{failure}"),
    }
}
