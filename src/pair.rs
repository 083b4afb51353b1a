//! A broker and a server in this process, as `recado up` and `recado` alone run them.

use std::net::{IpAddr, Ipv4Addr};

use anyhow::{Context, anyhow};
use recado_broker::Broker;
use recado_client::keys::{JoinLink, installation, installation_path, load_keys};
use recado_proto::UserName;
use recado_server::{Protection, Server, StoreUrl, store::was_secured};
use recado_zmtp::curve::{KeyPair, PublicKey};
use recado_zmtp::{Endpoint, Host};
use tokio_util::sync::CancellationToken;

use crate::{
    Failure,
    cli::{SecurityArgs, UpArgs},
    welcome,
};

/// A broker and a server that publishes to it, both listening.
pub(crate) struct Pair {
    broker: Broker,
    server: Server,
    /// The installation's, where security is on.
    key: Option<PublicKey>,
    public_address: Option<Host>,
}

impl Pair {
    /// Binds both. The server publishes to this broker, and to those of `--broker` where `broker_is_given`.
    pub(crate) async fn bind(args: UpArgs, broker_is_given: bool) -> Result<Pair, Failure> {
        let security = args.security();
        let UpArgs { broker, mut server, .. } = args;
        let keys = installation_keys(&security, server.store.as_ref())?;
        server.plain_subscribers = broker.plain_subscribers.iter().map(|plain| plain.name.clone()).collect();
        let broker = bind_broker(broker, &security, keys.as_ref()).await?;
        let own = reachable(broker.publishers_endpoint());
        if !broker_is_given {
            server.broker.clear();
        }
        if !server.broker.contains(&own) {
            server.broker.insert(0, own);
        }
        let public_address = server.public_address.clone();
        let server = bind_server(server, &security, keys.as_ref()).await?;
        Ok(Pair { broker, server, key: keys.map(|keys| keys.public()), public_address })
    }

    /// Says how it is secured, if it is.
    pub(crate) fn welcome(&self, qr: bool) {
        if let Some(key) = self.key {
            let manner = welcome::Manner {
                subscribers: Some(self.broker.subscribers_endpoint()),
                public_address: self.public_address.as_ref(),
                qr,
            };
            welcome::first(&self.server, key, &manner);
        }
    }

    /// With what the first administrator joins, if there is none yet.
    pub(crate) fn first_link(&self) -> Option<JoinLink> {
        welcome::link(&self.server, self.key?, Some(self.broker.subscribers_endpoint()))
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
pub(crate) async fn bind_broker(
    mut options: recado_broker::Options,
    security: &SecurityArgs,
    keys: Option<&KeyPair>,
) -> Result<Broker, Failure> {
    // To a broker a name is any text; servers know it as a user's, and both have to make the same key of it.
    for plain in &mut options.plain_subscribers {
        let user = UserName::parse(&plain.name).map_err(|why| {
            Failure::Usage(anyhow!("a plain listener lets in as a user, and {:?} is none: {why}", plain.name))
        })?;
        user.as_str().clone_into(&mut plain.name);
    }
    let config = options.into_config(security.open, keys.cloned());
    Ok(Broker::bind(config.map_err(|error| Failure::Usage(error.into()))?).await?)
}

/// Binds a server by itself.
pub(crate) async fn bind_server(
    options: recado_server::Options,
    security: &SecurityArgs,
    keys: Option<&KeyPair>,
) -> Result<Server, Failure> {
    let protection = match keys {
        Some(keys) => Protection::Secured(keys.clone()),
        None if security.open => Protection::Open,
        None => Protection::Loopback,
    };
    let config = options.into_config(protection).map_err(|error| Failure::Usage(error.into()))?;
    Ok(Server::bind(config).await?)
}

/// The installation's keys, made if there are none; none if security is not asked for. Where the store, the usual one if none is named, was
/// used with keys that are not there any more, new ones are not made unasked.
pub(crate) fn installation_keys(
    security: &SecurityArgs,
    store: Option<&StoreUrl>,
) -> Result<Option<KeyPair>, Failure> {
    match (security.secure, security.open) {
        (false, _) => return Ok(None),
        (true, true) => {
            return Err(Failure::Usage(anyhow!(
                "--open lets in anybody and --secure only those with a key: take one of them"
            )));
        }
        (true, false) => {}
    }
    let key = installation_path(security.key.as_deref())?;
    if !security.takes_new_key && load_keys(&key)?.is_none() {
        let store = store.cloned().unwrap_or_default().path()?;
        if was_secured(&store)? {
            return Err(Failure::Failed(anyhow!(
                "there is no {}, which has this installation's key, and {} was used with one: with a new key every client would \
                 warn that the server is another one, and send it nothing; put the file back or name it with --key FILE, or, if \
                 the key is lost, make a new one with --new-key: then everybody has to accept it with `recado keys forget`",
                key.display(),
                store.display()
            )));
        }
    }
    Ok(Some(installation(&key)?))
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
