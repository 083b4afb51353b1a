//! A broker and a server in this process, as `recado up` and `recado` alone run them.

use std::net::{IpAddr, Ipv4Addr};

use anyhow::Context;
use recado_broker::Broker;
use recado_server::Server;
use recado_zmtp::{Endpoint, Host};
use tokio_util::sync::CancellationToken;

use crate::{Failure, cli::UpArgs};

/// A broker and a server that publishes to it, both listening.
pub(crate) struct Pair {
    broker: Broker,
    server: Server,
}

impl Pair {
    /// Binds both. The server publishes to this broker, and to those of `--broker` where `broker_is_given`.
    pub(crate) async fn bind(args: UpArgs, broker_is_given: bool) -> Result<Pair, Failure> {
        let UpArgs { broker, mut server, open } = args;
        let broker = recado_broker::Args { options: broker, open };
        let broker = bind_broker(broker).await?;
        let own = reachable(broker.publishers_endpoint());
        if !broker_is_given {
            server.broker.clear();
        }
        if !server.broker.contains(&own) {
            server.broker.insert(0, own);
        }
        let server = bind_server(recado_server::Args { options: server, open }).await?;
        Ok(Pair { broker, server })
    }

    /// Runs both until `shutdown`. The server ends first, so that what it has answered still goes out through the broker.
    pub(crate) async fn run(self, shutdown: CancellationToken) -> anyhow::Result<()> {
        let broker_shutdown = CancellationToken::new();
        let mut broker = tokio::spawn(self.broker.run(broker_shutdown.clone()));
        let server = self.server.run(shutdown.clone());
        tokio::pin!(server);
        tokio::select! {
            ended = &mut server => {
                broker_shutdown.cancel();
                broker.await.context("the broker panicked")?.context("the broker failed")?;
                ended.context("the server failed")
            }
            ended = &mut broker => {
                shutdown.cancel();
                let server = server.await;
                ended.context("the broker panicked")?.context("the broker failed")?;
                server.context("the server failed")
            }
        }
    }
}

/// Binds a broker by itself.
pub(crate) async fn bind_broker(args: recado_broker::Args) -> Result<Broker, Failure> {
    let config = recado_broker::Config::try_from(args).map_err(|error| Failure::Usage(error.into()))?;
    Ok(Broker::bind(config).await?)
}

/// Binds a server by itself.
pub(crate) async fn bind_server(args: recado_server::Args) -> Result<Server, Failure> {
    let config = recado_server::Config::try_from(args).map_err(|error| Failure::Usage(error.into()))?;
    Ok(Server::bind(config).await?)
}

/// How this machine reaches an endpoint that it listens on, every address included.
pub(crate) fn reachable(endpoint: &Endpoint) -> Endpoint {
    let loopback = Host::Ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    match endpoint {
        Endpoint::Tcp { host: Host::Any, port } => Endpoint::Tcp { host: loopback, port: *port },
        Endpoint::Tcp { host: Host::Ip(IpAddr::V4(address)), port } if address.is_unspecified() => {
            Endpoint::Tcp { host: loopback, port: *port }
        }
        Endpoint::Tcp { .. } | Endpoint::Ipc(_) => endpoint.clone(),
    }
}
