//! What `recado keys` and `recado admin` have in common: where the server is, with which key one comes, and links for others.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use recado_proto::{DeviceKey, JoinCode, UserName};
use recado_zmtp::curve::{Asked, PublicKey, Security, ask_key};
use recado_zmtp::{Endpoint, Host};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::shared::Printer;
use crate::config::ConfigError;
use crate::duration;
use crate::entry::{Entry, unanswered};
use crate::error::Error;
use crate::keys::{DeviceArgs, JoinLink, outward};
use crate::limits;
use crate::probe::{Presence, probe};
use crate::session::{RequestError, Session, SessionConfig};
use crate::view::plain::Stream;

/// Where the server is, and with which key one comes; also behind the subcommand's own subcommands.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct AccountArgs {
    /// Server to send requests to; may be given more than once
    #[arg(
        long,
        global = true,
        value_name = "ENDPOINT",
        env = "RECADO_SERVER",
        value_delimiter = ',',
        default_value = "tcp://127.0.0.1:5555"
    )]
    server: Vec<Endpoint>,

    /// Broker that links for others name
    #[arg(
        long,
        global = true,
        value_name = "ENDPOINT",
        env = "RECADO_BROKER",
        value_delimiter = ',',
        default_value = "tcp://127.0.0.1:5558"
    )]
    broker: Vec<Endpoint>,

    /// Name or address of the server's machine that links for others name [default: as you go there yourself]
    #[arg(long, global = true, value_name = "HOST", env = "RECADO_PUBLIC_ADDRESS", value_parser = Host::parse)]
    public_address: Option<Host>,

    // Its name within the program is not `user`, which is that of an option before all subcommands.
    /// Who you are, which the server knows by this device's key; another name is an error
    #[arg(
        short = 'u',
        long = "user",
        global = true,
        value_name = "NAME",
        env = "RECADO_USER",
        value_parser = UserName::parse
    )]
    named: Option<UserName>,

    #[command(flatten)]
    device: DeviceArgs,

    /// How long one attempt of a request waits for its answer
    #[arg(long, global = true, value_name = "DURATION", env = "RECADO_REQUEST_TIMEOUT", default_value = "3s", value_parser = duration::parse)]
    request_timeout: Duration,

    /// Print JSON
    #[arg(long, global = true, env = "RECADO_JSON")]
    json: bool,

    /// Show links as text alone, without a QR code
    #[arg(long, global = true, env = "RECADO_NO_QR")]
    no_qr: bool,
}

/// The same, validated.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) entry: Entry,
    pub(crate) json: bool,
    broker: Option<Endpoint>,
    public_address: Option<Host>,
    qr: bool,
}

impl TryFrom<AccountArgs> for Account {
    type Error = ConfigError;

    fn try_from(args: AccountArgs) -> Result<Self, ConfigError> {
        if args.server.is_empty() {
            return Err(ConfigError::NoServer);
        }
        if args.request_timeout.is_zero() {
            return Err(ConfigError::NoTime);
        }
        let mut session = SessionConfig::new(args.server, Vec::new());
        session.request_timeout = args.request_timeout;
        let entry = Entry { session, trust: args.device.into(), named: args.named };
        let broker = args.broker.into_iter().next();
        Ok(Self {
            entry,
            json: args.json,
            broker,
            public_address: args.public_address,
            qr: !args.no_qr && !args.json,
        })
    }
}

impl Account {
    /// Has `act` ask a secured server what it wants to, and prints what it says.
    pub(crate) async fn with_server(
        mut self,
        shutdown: CancellationToken,
        act: impl AsyncFnOnce(&Self, &Session) -> Result<String, Error>,
    ) -> Result<(), Error> {
        let acted = async {
            let (session, _events) = self.entry.connect().await?;
            if !self.entry.is_secured() {
                return Err(not_secured(self.entry.server()).await);
            }
            self.entry.introduce(&session).await?;
            act(&self, &session).await
        };
        let said = tokio::select! {
            said = acted => said?,
            () = shutdown.cancelled() => return Err(Error::Interrupted),
        };
        print(said).await
    }

    /// Why a request failed.
    pub(crate) async fn failed(&self, error: RequestError) -> Error {
        unanswered(error, &self.entry.session).await
    }

    /// The server's key and this device's, of a session that has begun.
    pub(crate) fn keys(&self) -> Option<(PublicKey, PublicKey)> {
        match &self.entry.session.security {
            Security::CurveClient { keys, server } => Some((*server, keys.public())),
            Security::Null | Security::NullAs(_) | Security::CurveServer(_) => None,
        }
    }

    /// What to show to somebody who joins with this code, which is good for so long.
    pub(crate) async fn invitation(&self, code: JoinCode, lasting: Duration) -> String {
        let until = Timestamp::now().saturating_add(lasting).unwrap_or(Timestamp::MAX);
        let Some(link) = self.link(code.clone()).await else {
            return match self.json {
                true => json!({ "code": code.as_str(), "until": format!("{until:.0}") }).to_string(),
                false => {
                    say_until(until);
                    format!("code  {code}")
                }
            };
        };
        if self.json {
            let (link, until) = (link.to_string(), format!("{until:.0}"));
            return json!({ "link": link, "code": code.as_str(), "until": until }).to_string();
        }
        say_until(until);
        let text = format!("recado join '{link}'");
        match self.qr.then(|| fitting_qr(&link)).flatten() {
            Some(code) => format!("{text}\n\n{}", code.trim_end_matches('\n')),
            None => text,
        }
    }

    /// A link that leads others to the server, as far as can be told from here; where it leads nobody else there, a word about it.
    async fn link(&self, code: JoinCode) -> Option<JoinLink> {
        let (server_key, _) = self.keys()?;
        let server = self.entry.server();
        let host = match &self.public_address {
            Some(host) => Some(host.clone()),
            None if is_loopback_port(server) => {
                let outward = answering_outward(server, server_key).await;
                if outward.is_none() {
                    warn(&format!(
                        "the link names {server}, which is each machine for itself, so that it works on this machine alone. For others name \
                         the server's machine: --public-address HOST; it has to listen there, as with --requests 'tcp://*:5555'"
                    ));
                }
                outward
            }
            None => None,
        };
        let Some(host) = host else {
            return JoinLink::to(server, self.broker.as_ref(), server_key, code);
        };
        // The broker is on the same machine, or is not named.
        let beside = self.broker.as_ref().filter(|broker| host_of(broker) == host_of(server));
        let broker = beside.map(|broker| broker.with_host(host.clone()));
        JoinLink::to(&server.with_host(host), broker.as_ref(), server_key, code)
    }
}

fn host_of(endpoint: &Endpoint) -> Option<&Host> {
    match endpoint {
        Endpoint::Tcp { host, .. } => Some(host),
        Endpoint::Ipc(_) => None,
    }
}

fn is_loopback_port(endpoint: &Endpoint) -> bool {
    host_of(endpoint).is_some() && endpoint.is_loopback()
}

/// This machine's address towards others, if the very server that one reaches by loopback answers there as well.
async fn answering_outward(server: &Endpoint, key: PublicKey) -> Option<Host> {
    let host = Host::Ip(outward(|_| true)?);
    match ask_key(&server.with_host(host.clone()), limits::ASK_KEY_PATIENCE).await {
        Ok(Asked::Secured(found)) if found == key => Some(host),
        Ok(Asked::Secured(_) | Asked::Open | Asked::Other(_)) | Err(_) => None,
    }
}

/// Beside what was asked for, as that may be read by a program.
fn say_until(until: Timestamp) {
    let until = until.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M");
    // Whoever has closed standard error does not want it.
    let _ = writeln!(io::stderr(), "for one device, once, until {until}:");
}

fn warn(what: &str) {
    // As above.
    let _ = writeln!(io::stderr(), "recado: warning: {what}");
}

/// Why a server is of no use to whoever needs a secured one: it is open, or not there at all.
pub(super) async fn not_secured(endpoint: &Endpoint) -> Error {
    match probe(endpoint, &Security::Null, limits::PROBE_TIMEOUT).await {
        Presence::Recado => Error::NotSecured { endpoint: endpoint.clone() },
        Presence::Nobody { reason } | Presence::Full { reason } => {
            // What `recado up` starts is open, and of no use here either.
            Error::NoServer { endpoint: endpoint.clone(), reason, is_startable: false }
        }
        Presence::Other { reason } => Error::NotAServer { endpoint: endpoint.clone(), reason },
        Presence::NotAdmitted => Error::NotAdmitted,
    }
}

/// The link as a QR code, where there is a terminal that has room for it.
pub(crate) fn fitting_qr(link: &JoinLink) -> Option<String> {
    if !io::stdout().is_terminal() {
        return None;
    }
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    let code = link.qr();
    (!code.is_empty() && crate::keys::qr_columns(&code) <= usize::from(size.ws_col)).then_some(code)
}

/// The wire's form of a key, as sockets know it.
pub(crate) fn public_key(key: &DeviceKey) -> PublicKey {
    PublicKey::from_bytes(*key.as_bytes())
}

/// Prints lines that were asked for.
pub(crate) async fn print(lines: String) -> Result<(), Error> {
    let mut printer = Printer::new(false, None)?;
    if !lines.is_empty() {
        printer.write(Stream::Output, lines).await?;
    }
    printer.finish().await
}
