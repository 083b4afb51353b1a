//! What `recado keys` and `recado admin` have in common: where the server is, with which key one comes, and links for others.

use std::io::{self, IsTerminal};
use std::time::Duration;

use recado_proto::{DeviceKey, JoinCode, UserName};
use recado_zmtp::Endpoint;
use recado_zmtp::curve::{PublicKey, Security};
use tokio_util::sync::CancellationToken;

use super::shared::Printer;
use crate::config::ConfigError;
use crate::duration;
use crate::entry::{Entry, unanswered};
use crate::error::Error;
use crate::keys::{DeviceArgs, JoinLink};
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
        Ok(Self { entry, json: args.json, broker, qr: !args.no_qr && !args.json })
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
                return Err(Error::NotSecured { endpoint: self.entry.server().clone() });
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

    /// What to show to somebody who joins with this code.
    pub(crate) fn invitation(&self, code: JoinCode) -> String {
        let Some(link) = self.link(code.clone()) else {
            return match self.json {
                true => serde_json::json!({ "code": code.as_str() }).to_string(),
                false => format!("code  {code}"),
            };
        };
        if self.json {
            return serde_json::json!({ "link": link.to_string(), "code": code.as_str() }).to_string();
        }
        let text = format!("recado join '{link}'");
        match self.qr.then(|| fitting_qr(&link)).flatten() {
            Some(code) => format!("{text}\n\n{}", code.trim_end_matches('\n')),
            None => text,
        }
    }

    fn link(&self, code: JoinCode) -> Option<JoinLink> {
        let (server_key, _) = self.keys()?;
        JoinLink::to(self.entry.server(), self.broker.as_ref(), server_key, code)
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
