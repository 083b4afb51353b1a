//! `recado join`: this device becomes a user's at a secured server.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::tz::TimeZone;
use recado_proto::{Code, DeviceLabel, JoinCode, Password, Role, UserName};
use recado_zmtp::Endpoint;
use recado_zmtp::curve::{Asked, KeyPair, PublicKey, Security, ask_key};
use tokio_util::sync::CancellationToken;

use super::JoinError;
use super::account::{not_secured, print};
use super::keys::moment;
use crate::config::Config;
use crate::entry::{is_unknown_key, refused, unanswered};
use crate::error::Error;
use crate::keys::{
    DeviceArgs, Distrust, JoinLink, Profile, ProfileError, Profiles, SecurityError, Trust, read_secret,
    remember, secure, set_keys_aside,
};
use crate::session::{RequestError, Session, SessionConfig, device_key};
use crate::{asking, duration, limits};

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

    /// Server, for --code and --password
    #[arg(long, value_name = "ENDPOINT", env = "RECADO_SERVER")]
    server: Option<Endpoint>,

    /// Broker to receive messages from [default: the link's, otherwise port 5558 of the server's machine]
    #[arg(long, value_name = "ENDPOINT", env = "RECADO_BROKER")]
    broker: Option<Endpoint>,

    /// Come in by the user's password instead of a code: asked for, or read from standard input without a terminal; the link's code is left as it is
    #[arg(long, conflicts_with = "code")]
    password: bool,

    /// The same, with the password from a file that only you may read
    #[arg(long, value_name = "FILE", conflicts_with_all = ["code", "password"])]
    password_file: Option<PathBuf>,

    /// Have all programs go to the new server where you have joined another one
    #[arg(long)]
    replace: bool,

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
  recado join --password --user ana --server tcp://192.168.1.20:5555
  recado join 'recado://…' --device-key ci.key         a bot beside yourself

The first administrator's link stands where the server was started. Others get
theirs from an administrator (recado admin invite), and for further devices
from themselves (recado keys device). A link is good for one device, and not
for long. Afterwards recado, recado client, recado send and the others go to
that server by themselves; recado leave ends that. A key that was revoked is
put aside, and a new one made. docs/client.md has more.";

/// Where to join, and with what.
struct Goal {
    server: Endpoint,
    broker: Endpoint,
    key: PublicKey,
    ticket: Ticket,
}

/// What lets one in.
enum Ticket {
    Code(JoinCode),
    Password,
}

/// Joins, and keeps where.
///
/// # Errors
/// What was given is no link, the server is not the one that it names, or it refuses.
pub async fn run_join(args: JoinArgs, shutdown: CancellationToken) -> Result<(), Error> {
    let said = tokio::select! {
        joined = join(&args) => joined?,
        () = shutdown.cancelled() => return Err(Error::Interrupted),
    };
    print(said).await
}

async fn join(args: &JoinArgs) -> Result<String, Error> {
    let profiles = Profiles::of_user().ok_or(JoinError::NoDataFolder)?;
    let path = profiles.key(args.key.device_key.as_deref());
    let trust = Trust { device_key: Some(path.clone()), server_key: args.key.server_key };
    let former = former(&profiles, &path)?;
    let goal = goal(args, &trust, former.as_ref()).await?;
    must_be_known_so(&trust, &goal).await?;
    if let Some(former) = former.as_ref().filter(|former| is_elsewhere(former, &goal)) {
        may_be_replaced(former, &goal, args.replace).await?;
    }
    let mut wanted = args.user.clone().or_else(|| {
        let again = former.as_ref().filter(|former| former.server == goal.server);
        again.filter(|_| matches!(goal.ticket, Ticket::Password)).map(|former| former.user.clone())
    });
    let password = match goal.ticket {
        Ticket::Code(_) => None,
        Ticket::Password => {
            if wanted.is_none() {
                wanted = Some(asked_name().await?);
            }
            Some(password(args).await?)
        }
    };
    let request_timeout = args.request_timeout;
    let label = args.device.clone().or_else(machine);
    let came = come_in(&trust, &path, &goal, wanted, password.as_ref(), label, request_timeout).await?;
    let Came { joined, aside } = came;
    let (profile, kept) = keep(&profiles, &path, goal, &joined)?;
    let mut said = welcome(&profile, &joined);
    if let Some(aside) = aside {
        said.push_str(&format!(
            "\nThe key that this device had is good there no more; it lies in {}, and this is a new one.",
            aside.display()
        ));
    }
    if !profiles.is_usual(&kept) {
        let key = args.key.device_key.as_deref().unwrap_or(&path).display();
        said.push_str(&format!("\nThat is so with --device-key {key}"));
        if let Ok(Some(usual)) = profiles.usual() {
            said.push_str(&format!("; without it you are {} at {} as before", usual.user, usual.server));
        }
        said.push('.');
    }
    Ok(said)
}

/// Makes this device the first administrator's at a server that was just started for its own chat, and keeps where, as
/// [`run_join`] does. `link` has the server's key and the code; where it is said to be is not looked at.
///
/// # Errors
/// The server refuses, or nobody says who one is.
pub async fn found(
    config: &Config,
    (server, broker): (Endpoint, Endpoint),
    link: &JoinLink,
    shutdown: &CancellationToken,
) -> Result<UserName, Error> {
    let profiles = Profiles::of_user().ok_or(JoinError::NoDataFolder)?;
    let path = profiles.key(config.trust.device_key.as_deref());
    let trust = Trust { device_key: Some(path.clone()), server_key: None };
    let goal = Goal { server, broker, key: link.key(), ticket: Ticket::Code(link.code().clone()) };
    let (user, request_timeout) = (config.user.clone(), config.session.request_timeout);
    let Came { joined, .. } = tokio::select! {
        came = come_in(&trust, &path, &goal, user, None, machine(), request_timeout) => came?,
        () = shutdown.cancelled() => return Err(Error::Interrupted),
    };
    keep(&profiles, &path, goal, &joined).map(|(profile, _)| profile.user)
}

/// Who came in, and where the key lies that could not be used for it.
struct Came {
    joined: Joined,
    aside: Option<PathBuf>,
}

/// Asks the server, with a new key if the one that is there was revoked.
async fn come_in(
    trust: &Trust,
    path: &Path,
    goal: &Goal,
    mut wanted: Option<UserName>,
    password: Option<&Password>,
    label: Option<DeviceLabel>,
    request_timeout: Duration,
) -> Result<Came, Error> {
    let mut aside = None;
    loop {
        let keys = trust.device_keys().map_err(SecurityError::Key)?;
        let mut config = SessionConfig::new(vec![goal.server.clone()], Vec::new());
        config.request_timeout = request_timeout;
        config.security = Security::CurveClient { keys: keys.clone(), server: goal.key };
        let (session, _events) = Session::connect(config.clone())?;
        let asking = Asking { session: &session, config: &config, goal, key: path };
        match asking.come_in(&mut wanted, password, label.clone()).await? {
            Outcome::In(user, role) => {
                let joined = Joined { user, role, until: asking.until().await, keys };
                return Ok(Came { joined, aside });
            }
            Outcome::Revoked(_) if aside.is_none() => {
                aside = set_keys_aside(path, &keys.public()).map_err(SecurityError::Key).map(Some)?;
            }
            Outcome::Revoked(error) => return Err(refused(error, &config.servers)),
        }
    }
}

/// Keeps where one has joined, and says in which file.
fn keep(profiles: &Profiles, path: &Path, goal: Goal, joined: &Joined) -> Result<(Profile, PathBuf), Error> {
    remember(&goal.server, goal.key)?;
    let user = joined.user.clone();
    let profile = Profile { server: goal.server, broker: goal.broker, user, device_key: None };
    let kept = profiles.save(path, profile.clone()).map_err(Error::Profile)?;
    Ok((profile, kept))
}

/// Who came in.
struct Joined {
    user: UserName,
    role: Role,
    /// When that ends, in Unix milliseconds, if it is by a password.
    until: Option<u64>,
    keys: KeyPair,
}

fn welcome(profile: &Profile, joined: &Joined) -> String {
    let until = joined.until.map_or_else(String::new, |until| {
        let until = moment(until).to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M");
        format!(" (until {until}: then join by the password again, or by a link)")
    });
    format!(
        "You are {} at {}, {}.\nThis device: {}{until}\n`recado` opens the chat; `recado keys` lists your devices.",
        profile.user,
        profile.server,
        joined.role,
        joined.keys.public().fingerprint()
    )
}

/// Where one has joined with this key file.
fn former(profiles: &Profiles, key: &Path) -> Result<Option<Profile>, Error> {
    match profiles.find(Some(key)) {
        Ok(found) => Ok(found.filter(|found| found.is_own).map(|found| found.profile)),
        // It says nothing, and is written anew.
        Err(ProfileError::Damaged { .. }) => Ok(None),
        Err(error) => Err(Error::Profile(error)),
    }
}

/// Whether that was another system: one may have several addresses.
fn is_elsewhere(former: &Profile, goal: &Goal) -> bool {
    let known = Trust::default().server_key(std::slice::from_ref(&former.server));
    former.server != goal.server && known.ok().flatten() != Some(goal.key)
}

/// What is not gone to any more is not lost in passing.
async fn may_be_replaced(former: &Profile, goal: &Goal, is_said: bool) -> Result<(), Error> {
    if is_said {
        return Ok(());
    }
    let (server, user) = (former.server.clone(), former.user.clone());
    if !asking::is_somebody_there() {
        return Err(JoinError::JoinedElsewhere { server, user }.into());
    }
    let question = format!(
        "You have joined {server} as {user}. All programs go to {} instead from now on, though the former still knows this device\n\
         (`recado leave` would have it forget the device first). Go on (yes or no)? ",
        goal.server
    );
    match asking::is_yes(&question).await.map_err(Error::Terminal)? {
        true => Ok(()),
        false => Err(JoinError::NotReplaced { server, user }.into()),
    }
}

/// A server that is known has to be the one that the link names.
async fn must_be_known_so(trust: &Trust, goal: &Goal) -> Result<(), Error> {
    let unsaid = Trust { server_key: None, ..trust.clone() };
    let known = unsaid.server_key(std::slice::from_ref(&goal.server))?;
    let Some(known) = known.filter(|known| *known != goal.key) else { return Ok(()) };
    let (endpoint, named) = (goal.server.clone(), goal.key);
    // Its key is no secret, and asking for it says nothing of oneself.
    let known_answers = match ask_key(&endpoint, limits::ASK_KEY_PATIENCE).await {
        Ok(Asked::Secured(found)) if found == named => {
            return Err(Error::Distrusted(Box::new(Distrust::Changed { endpoint, known, found })));
        }
        Ok(Asked::Secured(found)) => found == known,
        Ok(Asked::Open | Asked::Other(_)) | Err(_) => false,
    };
    Err(JoinError::OtherKey { endpoint, known, named, known_answers }.into())
}

/// What the arguments come to, or what is asked for.
async fn goal(args: &JoinArgs, trust: &Trust, former: Option<&Profile>) -> Result<Goal, Error> {
    if let Some(code) = &args.code {
        let code = JoinCode::parse(code).map_err(|_| JoinError::Code)?;
        let server = args.server.clone().ok_or(JoinError::Nothing)?;
        let key = trust.server_key(std::slice::from_ref(&server))?;
        let key = key.ok_or_else(|| JoinError::UnknownServer { endpoint: server.clone() })?;
        let broker = args.broker.clone().or_else(|| usual_broker(&server)).ok_or(JoinError::NoBroker)?;
        return Ok(Goal { server, broker, key, ticket: Ticket::Code(code) });
    }
    let by_password = args.password || args.password_file.is_some();
    let text = match &args.link {
        Some(link) => link.clone(),
        None if by_password => return by_password_alone(args, trust, former).await,
        None => {
            asking::line("Link to join with: ").await.map_err(Error::Terminal)?.ok_or(JoinError::Nothing)?
        }
    };
    let link: JoinLink = text.parse().map_err(JoinError::Link)?;
    let server = link.server();
    let broker = args.broker.clone().or_else(|| link.broker()).or_else(|| usual_broker(&server));
    let broker = broker.ok_or(JoinError::NoBroker)?;
    let ticket = if by_password { Ticket::Password } else { Ticket::Code(link.code().clone()) };
    Ok(Goal { server, broker, key: link.key(), ticket })
}

/// Where a password is good, without a link: at the server that is named, or where one had joined before.
async fn by_password_alone(args: &JoinArgs, trust: &Trust, former: Option<&Profile>) -> Result<Goal, Error> {
    let server = args.server.clone().or_else(|| former.map(|former| former.server.clone()));
    let server = server.ok_or(JoinError::Nothing)?;
    let same = former.filter(|former| former.server == server).map(|former| former.broker.clone());
    let broker = args.broker.clone().or(same).or_else(|| usual_broker(&server)).ok_or(JoinError::NoBroker)?;
    match secure(std::slice::from_ref(&server), trust).await? {
        Security::CurveClient { server: key, .. } => {
            Ok(Goal { server, broker, key, ticket: Ticket::Password })
        }
        Security::Null | Security::NullAs(_) | Security::CurveServer(_) => Err(not_secured(&server).await),
    }
}

/// The password, as whoever it is gives it.
async fn password(args: &JoinArgs) -> Result<Password, Error> {
    let given = match &args.password_file {
        Some(file) => read_secret(file).map_err(|error| SecurityError::Key(error.into()))?,
        None => asking::secret("Password: ").await.map_err(Error::Terminal)?,
    };
    let given = given.ok_or(JoinError::NoPassword)?;
    Ok(Password::parse(&given).map_err(|_| JoinError::NoPassword)?)
}

/// Port 5558 of the same machine.
fn usual_broker(server: &Endpoint) -> Option<Endpoint> {
    match server {
        Endpoint::Tcp { .. } => Some(server.with_port(USUAL_SUBSCRIBERS_PORT)),
        Endpoint::Ipc(_) => None,
    }
}

const USUAL_SUBSCRIBERS_PORT: u16 = 5558;

/// A session that asks to be let in.
struct Asking<'a> {
    session: &'a Session,
    config: &'a SessionConfig,
    goal: &'a Goal,
    key: &'a Path,
}

/// What came of it.
enum Outcome {
    In(UserName, Role),
    /// This device's key is nobody's there any more, and never will be.
    Revoked(RequestError),
}

impl Asking<'_> {
    /// Joins; where the invitation leaves the name open, with one that is asked for.
    async fn come_in(
        &self,
        wanted: &mut Option<UserName>,
        password: Option<&Password>,
        label: Option<DeviceLabel>,
    ) -> Result<Outcome, Error> {
        loop {
            let asked = async {
                match (&self.goal.ticket, password, &*wanted) {
                    (Ticket::Password, Some(password), Some(user)) => {
                        self.session.log_in_by_password(user, password.clone()).await
                    }
                    (Ticket::Password, _, _) => unreachable!("both were asked for"),
                    (Ticket::Code(code), _, user) => {
                        self.session.join(Some(code.clone()), user.clone(), label.clone()).await
                    }
                }
            };
            let error = match said_after_a_while(&self.goal.server, asked).await {
                Ok((user, role)) => return Ok(Outcome::In(user, role)),
                Err(error) => error,
            };
            match (&*wanted, error.code()) {
                (_, Some(Code::BadCode)) => return Err(JoinError::BadCode.into()),
                (_, Some(Code::BadPassword)) => return Err(JoinError::BadPassword.into()),
                (_, Some(Code::KeyTaken)) => return self.whose(error).await,
                // Nothing but the name is missing.
                (None, Some(Code::BadRequest)) => *wanted = Some(asked_name().await?),
                (Some(user), Some(Code::NameTaken)) => {
                    return Err(JoinError::NameTaken { user: user.clone() }.into());
                }
                (_, _) => return Err(not_joined(error, self.config, self.goal).await),
            }
        }
    }

    /// Whose the key is that cannot be used: one that was revoked is nobody's.
    async fn whose(&self, taken: RequestError) -> Result<Outcome, Error> {
        match self.session.identify().await {
            Ok(owner) => Err(JoinError::KeyTaken { owner, path: self.key.to_owned() }.into()),
            Err(error) if error.code().is_some_and(is_unknown_key) => Ok(Outcome::Revoked(taken)),
            Err(error) => Err(not_joined(error, self.config, self.goal).await),
        }
    }

    /// When the key ceases to be one's own, in Unix milliseconds. What cannot be found out is not said.
    async fn until(&self) -> Option<u64> {
        if matches!(self.goal.ticket, Ticket::Code(_)) {
            return None;
        }
        let Security::CurveClient { keys, .. } = &self.config.security else { return None };
        let own = device_key(&keys.public());
        let listed = self.session.keys(None).await.ok()?;
        listed.into_iter().find(|entry| entry.key == own)?.expires_ms
    }
}

/// Waits, and says so if it takes a while: nothing else shows then that something is done.
async fn said_after_a_while<T>(server: &Endpoint, waits: impl Future<Output = T>) -> T {
    tokio::pin!(waits);
    tokio::select! {
        done = &mut waits => return done,
        () = tokio::time::sleep(limits::TRYING_SAID_AFTER) => {}
    }
    // Whoever has closed standard error does not want to know.
    let _ = writeln!(io::stderr(), "waiting for {server} to answer …");
    waits.await
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
        runtime.block_on(goal(args, trust, None))
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
