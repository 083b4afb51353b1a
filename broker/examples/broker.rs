//! The broker alone, for benchmarks: `cargo run --release -p recado-broker --example broker -- --publishers tcp://127.0.0.1:7557`.

use clap::Parser;
use recado_broker::{Args, Broker, Config};
use tokio_util::sync::CancellationToken;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    args: Args,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let broker = Broker::bind(Config::try_from(Cli::parse().args)?).await?;
    println!("{} {}", broker.publishers_endpoint(), broker.subscribers_endpoint());
    let counters = broker.counters();
    let shutdown = CancellationToken::new();
    let stop = shutdown.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            stop.cancel();
        }
    });
    broker.run(shutdown).await?;
    eprintln!("{}", counters.figures());
    Ok(())
}
