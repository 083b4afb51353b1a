//! `recado check`: do a server and a broker answer?

use std::{process::ExitCode, time::Duration};

use anyhow::Context;
use recado_client::{
    Presence,
    keys::{DeviceArgs, Trust, secure_in_passing},
    probe, probe_broker,
};
use recado_zmtp::Endpoint;

const SERVER: &str = "tcp://127.0.0.1:5555";
const BROKER: &str = "tcp://127.0.0.1:5558";

/// What to ask, and how long to wait.
#[derive(Debug, clap::Args)]
pub(crate) struct CheckArgs {
    /// Server that has to answer a request; may be given more than once
    #[arg(long, value_name = "ENDPOINT", value_delimiter = ',')]
    server: Vec<Endpoint>,

    /// Broker that has to accept a subscriber; may be given more than once
    #[arg(long, value_name = "ENDPOINT", value_delimiter = ',')]
    broker: Vec<Endpoint>,

    #[command(flatten)]
    device: DeviceArgs,

    /// How long each of them may take, as 500ms or 3s
    #[arg(long, value_name = "DURATION", default_value = "3s", value_parser = recado_client::duration::parse)]
    wait: Duration,
}

/// Asks each endpoint that is given, or server and broker on loopback if none is; prints a line for each.
pub(crate) async fn run(args: CheckArgs) -> anyhow::Result<ExitCode> {
    let CheckArgs { mut server, mut broker, device, wait } = args;
    if server.is_empty() && broker.is_empty() {
        server.push(SERVER.parse().expect("the usual endpoint is one"));
        broker.push(BROKER.parse().expect("the usual endpoint is one"));
    }
    let asked: Vec<Endpoint> = server.iter().chain(&broker).cloned().collect();
    let security = secure_in_passing(&asked, &Trust::from(device)).await.context("cannot ask")?;
    let mut all_answer = true;
    for endpoint in &server {
        all_answer &= report("server", endpoint, &probe(endpoint, &security, wait).await);
    }
    for endpoint in &broker {
        all_answer &= report("broker", endpoint, &probe_broker(endpoint, &security, wait).await);
    }
    Ok(if all_answer { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn report(part: &str, endpoint: &Endpoint, presence: &Presence) -> bool {
    match presence {
        Presence::Recado => println!("{part} {endpoint}: answers"),
        Presence::Full { reason } => println!("{part} {endpoint}: is there: {reason}"),
        Presence::Nobody { reason } => println!("{part} {endpoint}: nobody answers: {reason}"),
        Presence::Other { reason } => println!("{part} {endpoint}: something else answers: {reason}"),
    }
    presence.is_recado()
}
