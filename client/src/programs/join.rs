//! `recado join` and `recado leave`: this device becomes a user's at a secured server, and ceases to be.

use std::io::{self, Write};
use std::time::Duration;

use recado_proto::{AdminAct, Code, DeviceLabel, JoinCode, Role, UserName};
use recado_zmtp::Endpoint;
use recado_zmtp::curve::{KeyPair, PublicKey, Security};
use thiserror::Error as ThisError;
use tokio_util::sync::CancellationToken;

use super::account::print;
use crate::asking;
use crate::duration;
use crate::entry::{is_unknown_key, refused, unanswered};
use crate::error::Error;
use crate::keys::{
    DeviceArgs, Distrust, JoinLink, KnownServers, LinkError, Profile, SecurityError, Trust, remember,
};
use crate::paths;
use crate::session::{RequestError, Session, SessionConfig, device_key};

/// What `recado join` takes.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = JOIN_EXAMPLES)]
pub struct JoinArgs {
    /// Link that somebody gave you; asked for if neither it nor --code is given
    #[arg(value_name = "LINK", conflicts_with = "code")]
    link: Option<String>,

    /// Code alone, where the server is known already or --server-key says its key
    #[arg(long, value_name = "CODE", requires = "server")]
    code: Option<String>,

    /// Server, for --code
    #[arg(long, value_name = "ENDPOINT", env = "RECADO_SERVER")]
    server: Option<Endpoint>,

    /// Broker to receive messages from [default: the link's, otherwise port 5558 of the server's machine]
    #[arg(long, value_name = "ENDPOINT", env = "RECADO_BROKER")]
    broker: Option<Endpoint>,

    /// Who you want to be, if the invitation leaves that open; asked for on a terminal
    #[arg(short, long, value_name = "NAME", env = "RECADO_USER", value_parser = UserName::parse)]
    user: Option<UserName>,

    /// What this device is called among your own [default: the machine's name]
    #[arg(long, value_name = "LABEL", value_parser = DeviceLabel::parse)]
    device: Option<DeviceLabel>,

    #[command(flatten)]
    key: DeviceArgs,

    /// How long one attempt of a request waits for its answer
    #[arg(long, value_name = "DURATION", env = "RECADO_REQUEST_TIMEOUT", default_value = "3s", value_parser = duration::parse)]
    request_timeout: Duration,
}

const JOIN_EXAMPLES: &str = "\
Examples:
  recado join 'recado://192.168.1.20:5555,5558/KEY/CODE' --user ana
  recado join --code ABCD-EFGH-JKMN-PQRS --server tcp://192.168.1.20:5555

The first administrator's link stands where the server was started. Others get
theirs from an administrator (recado admin invite), and for further devices
from themselves (recado keys device). A link is good for one device, and not
for long. Afterwards recado, recado client, recado send and the others go to
that server by themselves; recado leave ends that.";

/// What `recado leave` takes.
#[derive(Clone, Debug, clap::Args)]
pub struct LeaveArgs {
    /// Leave this device's key with the server: it only is not gone to any more
    #[arg(long)]
    keep: bool,

    #[command(flatten)]
    key: DeviceArgs,
}

/// Why one has not joined, or not left.
#[derive(Debug, ThisError)]
pub enum JoinError {
    /// The link is none. Bad usage.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The code is none. Bad usage.
    #[error("that is no code: it has 16 letters and digits, as in ABCD-EFGH-JKMN-PQRS")]
    Code,
    /// Nobody said with what. Bad usage.
    #[error("say with what to join: recado join LINK")]
    Nothing,
    /// The key of the server must be known before it is told a code. Bad usage.
    #[error(
        "the key of {endpoint} is not known here: join with a whole link, or say its key with --server-key KEY"
    )]
    UnknownServer {
        /// Where.
        endpoint: Endpoint,
    },
    /// Its address leaves open where the broker is. Bad usage.
    #[error("say where its broker is: --broker tcp://HOST:5558")]
    NoBroker,
    /// What answers is not the server of the link.
    #[error(
        "what answers at {endpoint} is not the server that the link names; nothing was sent. Ask for a new link, and through which network to go"
    )]
    OtherServer {
        /// Where.
        endpoint: Endpoint,
    },
    /// The server says so.
    #[error("the code is not valid: it was used, has expired, or was mistyped; ask for a new one")]
    BadCode,
    /// Somebody has the name.
    #[error(
        "{user} is taken; choose another name with --user NAME, or if it is you: recado keys device on a device of yours"
    )]
    NameTaken {
        /// The name.
        user: UserName,
    },
    /// The key cannot be used there.
    #[error(
        "this device's key was revoked there, or is another user's: join with a new one, --device-key FILE"
    )]
    KeyTaken,
    /// The invitation leaves the name open.
    #[error("say who you want to be: --user NAME (without a terminal it cannot be asked for)")]
    NoName,
    /// One has joined nowhere.
    #[error("you have not joined anywhere")]
    NotJoined,
    /// What one has joined cannot be told.
    #[error("{0}\nTo leave without telling the server: recado leave --keep")]
    NotTold(Box<Error>),
    /// There is no folder for the user's data.
    #[error("there is no HOME and no XDG_DATA_HOME to keep in where you have joined")]
    NoDataFolder,
}

impl JoinError {
    /// Whether the program was used wrongly.
    pub(crate) fn is_usage(&self) -> bool {
        match self {
            JoinError::Link(_)
            | JoinError::Code
            | JoinError::Nothing
            | JoinError::UnknownServer { .. }
            | JoinError::NoBroker => true,
            JoinError::OtherServer { .. }
            | JoinError::BadCode
            | JoinError::NameTaken { .. }
            | JoinError::KeyTaken
            | JoinError::NoName
            | JoinError::NotJoined
            | JoinError::NotTold(_)
            | JoinError::NoDataFolder => false,
        }
    }
}

/// Where to join, and with what.
struct Goal {
    server: Endpoint,
    broker: Endpoint,
    key: PublicKey,
    code: JoinCode,
}

/// Joins, and keeps where.
///
/// # Errors
/// What was given is no link, the server is not the one that it names, or it refuses.
pub async fn run_join(args: JoinArgs, shutdown: CancellationToken) -> Result<(), Error> {
    let folder = paths::data_folder().ok_or(JoinError::NoDataFolder)?;
    let trust = Trust::from(args.key.clone());
    let goal = tokio::select! {
        goal = goal(&args, &trust) => goal?,
        () = shutdown.cancelled() => return Err(Error::Interrupted),
    };
    let known = KnownServers::load(&folder.join(paths::KNOWN_SERVERS)).map_err(SecurityError::Known)?;
    if let Some(server) = known.find(&goal.server).filter(|server| server.key != goal.key) {
        let (endpoint, known, found) = (goal.server, server.key, goal.key);
        return Err(Error::Distrusted(Box::new(Distrust::Changed { endpoint, known, found })));
    }
    let keys = trust.device_keys().map_err(SecurityError::Key)?;
    let label = args.device.clone().or_else(machine);
    let joined = async {
        let mut config = SessionConfig::new(vec![goal.server.clone()], Vec::new());
        config.request_timeout = args.request_timeout;
        config.security = Security::CurveClient { keys: keys.clone(), server: goal.key };
        let (session, _events) = Session::connect(config.clone())?;
        ask(&session, &config, &goal, args.user.clone(), label).await
    };
    let (user, role) = tokio::select! {
        joined = joined => joined?,
        () = shutdown.cancelled() => return Err(Error::Interrupted),
    };
    remember(&goal.server, goal.key)?;
    let profile = Profile { server: goal.server, broker: goal.broker, user };
    profile.save(&folder.join(paths::JOINED)).map_err(Error::Profile)?;
    print(welcome(&profile, role, &keys)).await
}

fn welcome(profile: &Profile, role: Role, keys: &KeyPair) -> String {
    format!(
        "You are {} at {}, {role}.\nThis device: {}\n`recado` opens the chat; `recado keys` lists your devices.",
        profile.user,
        profile.server,
        keys.public().fingerprint()
    )
}

/// What the arguments come to, or what is asked for.
async fn goal(args: &JoinArgs, trust: &Trust) -> Result<Goal, Error> {
    if let Some(code) = &args.code {
        let code = JoinCode::parse(code).map_err(|_| JoinError::Code)?;
        let server = args.server.clone().ok_or(JoinError::Nothing)?;
        let key = trust.server_key(std::slice::from_ref(&server))?;
        let key = key.ok_or_else(|| JoinError::UnknownServer { endpoint: server.clone() })?;
        let broker = args.broker.clone().or_else(|| usual_broker(&server)).ok_or(JoinError::NoBroker)?;
        return Ok(Goal { server, broker, key, code });
    }
    let text = match &args.link {
        Some(link) => link.clone(),
        None => {
            asking::line("Link to join with: ").await.map_err(Error::Terminal)?.ok_or(JoinError::Nothing)?
        }
    };
    let link: JoinLink = text.parse().map_err(JoinError::Link)?;
    let server = link.server();
    let broker = args.broker.clone().or_else(|| link.broker()).or_else(|| usual_broker(&server));
    let broker = broker.ok_or(JoinError::NoBroker)?;
    Ok(Goal { server, broker, key: link.key(), code: link.code().clone() })
}

/// Port 5558 of the same machine.
fn usual_broker(server: &Endpoint) -> Option<Endpoint> {
    match server {
        Endpoint::Tcp { .. } => Some(server.with_port(USUAL_SUBSCRIBERS_PORT)),
        Endpoint::Ipc(_) => None,
    }
}

const USUAL_SUBSCRIBERS_PORT: u16 = 5558;

/// Joins; where the invitation leaves the name open, with one that is asked for.
async fn ask(
    session: &Session,
    config: &SessionConfig,
    goal: &Goal,
    mut user: Option<UserName>,
    label: Option<DeviceLabel>,
) -> Result<(UserName, Role), Error> {
    loop {
        let error = match session.join(Some(goal.code.clone()), user.clone(), label.clone()).await {
            Ok(joined) => return Ok(joined),
            Err(error) => error,
        };
        match (&user, error.code()) {
            (_, Some(Code::BadCode)) => return Err(JoinError::BadCode.into()),
            (_, Some(Code::KeyTaken)) => return Err(JoinError::KeyTaken.into()),
            // Nothing but the name is missing.
            (None, Some(Code::BadRequest)) => {
                user = Some(asked_name().await?);
            }
            (Some(user), Some(Code::NameTaken)) => {
                return Err(JoinError::NameTaken { user: user.clone() }.into());
            }
            (_, _) => return Err(not_joined(error, config, goal).await),
        }
    }
}

async fn not_joined(error: RequestError, config: &SessionConfig, goal: &Goal) -> Error {
    match unanswered(error, config).await {
        Error::Distrusted(_) => JoinError::OtherServer { endpoint: goal.server.clone() }.into(),
        error => error,
    }
}

/// Who one wants to be.
async fn asked_name() -> Result<UserName, Error> {
    if !asking::is_somebody_there() {
        return Err(JoinError::NoName.into());
    }
    loop {
        let name = asking::line("Your name: ").await.map_err(Error::Terminal)?.ok_or(JoinError::NoName)?;
        match UserName::parse(&name) {
            Ok(user) => return Ok(user),
            // Nobody is there to read it if standard error is closed.
            Err(error) => drop(writeln!(io::stderr(), "{error}")),
        }
    }
}

/// The machine's name, as far as it is a label.
fn machine() -> Option<DeviceLabel> {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    DeviceLabel::parse(&name).ok()
}

/// Leaves: the server forgets this device, and this device the server.
///
/// # Errors
/// One has not joined, or the server cannot be told.
pub async fn run_leave(args: LeaveArgs, shutdown: CancellationToken) -> Result<(), Error> {
    let folder = paths::data_folder().ok_or(JoinError::NoDataFolder)?;
    let joined = folder.join(paths::JOINED);
    let profile = match Profile::load(&joined) {
        // What is damaged says nothing of where one was, and goes all the same.
        Err(error @ crate::keys::ProfileError::Damaged { .. }) if args.keep => {
            tracing::warn!(%error, "removed");
            Profile::remove(&joined).map_err(Error::Profile)?;
            return Ok(());
        }
        profile => profile.map_err(Error::Profile)?.ok_or(JoinError::NotJoined)?,
    };
    let trust = Trust::from(args.key);
    let servers = [profile.server.clone()];
    let server_key = if args.keep { None } else { trust.server_key(&servers)? };
    if let Some(server) = server_key {
        let keys = trust.device_keys().map_err(SecurityError::Key)?;
        let told = tokio::select! {
            told = revoke(&profile, keys, server) => told,
            () = shutdown.cancelled() => return Err(Error::Interrupted),
        };
        told.map_err(|error| JoinError::NotTold(Box::new(error)))?;
    }
    Profile::remove(&joined).map_err(Error::Profile)?;
    let path = folder.join(paths::KNOWN_SERVERS);
    let mut known = KnownServers::load(&path).map_err(SecurityError::Known)?;
    known.forget(&profile.server).map_err(SecurityError::Known)?;
    if server_key.is_some() && known.all().is_empty() {
        // A key that was revoked is of no use there any more, and no other server knows it.
        trust.forget_device_keys().map_err(SecurityError::Key)?;
    }
    print(format!("You have left {}.", profile.server)).await
}

/// Has the server forget this device. It may have done so before.
async fn revoke(profile: &Profile, keys: KeyPair, server: PublicKey) -> Result<(), Error> {
    let key = device_key(&keys.public());
    let mut config = SessionConfig::new(vec![profile.server.clone()], Vec::new());
    config.security = Security::CurveClient { keys, server };
    let (session, _events) = Session::connect(config.clone())?;
    match session.administer(AdminAct::RevokeKey { key }).await {
        Ok(()) => Ok(()),
        Err(error) if error.code().is_some_and(is_unknown_key) => Ok(()),
        Err(error @ RequestError::Unanswered { .. }) => Err(unanswered(error, &config).await),
        Err(error) => Err(refused(error)),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use recado_proto::JoinCode;
    use recado_zmtp::curve::KeyPair;

    use super::{Goal, JoinArgs, JoinError, goal, machine, usual_broker};
    use crate::error::Error;
    use crate::keys::{JoinLink, Trust};

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: JoinArgs,
    }

    fn args(words: &[&str]) -> JoinArgs {
        Cli::try_parse_from([&["join"], words].concat()).unwrap().args
    }

    /// Where arguments that say it all lead: nobody is asked, so that it is known at once.
    fn reached(args: &JoinArgs, trust: &Trust) -> Result<Goal, Error> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(goal(args, trust))
    }

    fn link(subscribers: Option<u16>) -> JoinLink {
        let code = JoinCode::parse("0123456789ABCDEF").unwrap();
        JoinLink::new("chat.example.org", 6001, subscribers, KeyPair::generate().public(), code)
    }

    #[test]
    fn a_link_says_all_but_what_the_command_line_says_otherwise() {
        let trust = Trust::default();
        let broker = |subscribers, words: &[&str]| {
            let text = link(subscribers).to_string();
            reached(&args(&[&[text.as_str()], words].concat()), &trust).unwrap().broker.to_string()
        };
        assert_eq!(broker(Some(6002), &[]), "tcp://chat.example.org:6002");
        assert_eq!(broker(None, &[]), "tcp://chat.example.org:5558");
        assert_eq!(broker(Some(6002), &["--broker", "tcp://b:1"]), "tcp://b:1");
    }

    #[test]
    fn a_code_alone_needs_a_server_whose_key_is_known() {
        let key = KeyPair::generate().public();
        let line = ["--code", "0123-4567-89ab-cdef", "--server", "tcp://a.example:1"];
        let trust = Trust { server_key: Some(key), ..Trust::default() };
        let goal = reached(&args(&line), &trust).unwrap();
        assert_eq!((goal.key, goal.broker.to_string()), (key, "tcp://a.example:5558".to_owned()));
        let short = ["--code", "0123", "--server", "tcp://a.example:1"];
        assert!(matches!(reached(&args(&short), &trust), Err(Error::Join(JoinError::Code))));
        assert!(Cli::try_parse_from(["join", "--code", "0123-4567-89ab-cdef"]).is_err());
    }

    #[test]
    fn a_link_that_is_cut_short_is_bad_usage() {
        let text = link(None).to_string();
        for end in 1..text.len() {
            match reached(&args(&[&text[..end]]), &Trust::default()) {
                Err(error @ Error::Join(JoinError::Link(_))) => assert!(error.is_usage()),
                other => panic!("{end}: {:?}", other.err()),
            }
        }
    }

    #[test]
    fn a_device_is_called_as_the_machine_is() {
        assert!(machine().is_some());
        assert_eq!(usual_broker(&"ipc:///run/recado".parse().unwrap()), None);
    }
}
