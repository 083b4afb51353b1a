//! The command line: subcommands, the settings file beneath them, and what both come to.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, parser::ValueSource};
use recado_client::keys::{Found, ProfileError, Profiles};

use crate::{
    check::CheckArgs,
    doctor::{self, DoctorArgs},
    generated::{CompletionsArgs, ManArgs},
    logging::LogFormat,
    settings::{Settings, SettingsError},
    status::StatusArgs,
    transfer::TransferArgs,
};

/// Team chat for the terminal over plain ZeroMQ.
///
/// Without a subcommand: starts a broker and a server on loopback in this process if none answers there, and opens the chat.
#[derive(Debug, Parser)]
#[command(name = "recado", version, after_help = EXAMPLES, arg_required_else_help = false, disable_help_subcommand = true)]
pub(crate) struct Cli {
    /// Settings file; without it ./recado.toml, then recado/recado.toml in the user's configuration folder
    #[arg(long, global = true, value_name = "FILE", env = "RECADO_CONFIG")]
    config: Option<PathBuf>,

    /// Print the settings in force, with their origins, as a recado.toml, and end
    #[arg(long, global = true)]
    print_config: bool,

    /// Form of the log lines on standard error; RUST_LOG sets what is logged
    #[arg(
        long,
        global = true,
        value_name = "FORMAT",
        value_enum,
        default_value = "text",
        env = "RECADO_LOG_FORMAT"
    )]
    pub(crate) log_format: LogFormat,

    /// Who you are, for the chat that opens without a subcommand
    #[arg(long, value_name = "NAME")]
    user: Option<String>,

    /// Print one line after the other instead of taking the whole screen, in the chat that opens without a subcommand
    #[arg(long)]
    plain: bool,

    #[command(subcommand)]
    command: Option<Part>,
}

/// What to run.
#[derive(Debug, Subcommand)]
pub(crate) enum Part {
    /// Run broker and server, without the chat
    Up(UpArgs),
    /// Run the broker: forwards publications to whoever subscribed (XSUB/XPUB)
    Broker(recado_broker::Args),
    /// Run the server: answers requests, stores messages, publishes them
    Server(recado_server::Args),
    /// Chat: on the whole screen, line by line with --plain, for scripts without a terminal
    Client(recado_client::Args),
    /// Send a message, or what stands on standard input; exit code 0 if the server has it
    Send(recado_client::programs::SendArgs),
    /// Print what was said before, oldest first
    History(recado_client::programs::HistoryArgs),
    /// Find messages by their words, in channels and in your own conversations, best first
    Search(recado_client::programs::SearchArgs),
    /// Print what is said in channels as it is said, each message once
    Tail(recado_client::programs::TailArgs),
    /// Print all users, each on a line
    Users(recado_client::programs::ListArgs),
    /// Print all channels, each on a line
    Channels(recado_client::programs::ListArgs),
    /// Print who is here, each on a line: online or away, and the name
    Who(recado_client::programs::ListArgs),
    /// Join a secured server with a link or a code; the other commands go there from then on
    Join(recado_client::programs::JoinArgs),
    /// Leave the server that was joined: this device is no longer known to it
    Leave(recado_client::programs::LeaveArgs),
    /// List the devices that a secured server knows you by; show, add and revoke keys
    Keys(recado_client::programs::KeysArgs),
    /// Look after a secured server: invitations, roles, bans, private channels, its log
    Admin(recado_client::programs::AdminArgs),
    /// Make traffic and prove that nothing acknowledged is lost
    Autoclient(recado_autoclient::Command),
    /// Write all users, channels and messages to a server_data.json; a server may be running
    Export(TransferArgs),
    /// Read a server_data.json into the store; what is there already is left as it is
    Import(TransferArgs),
    /// Ask whether server and broker answer; exit code 0 if they do
    Check(CheckArgs),
    /// Look whether an installation is well: settings, keys, store, listeners, clock, disk
    Doctor(DoctorArgs),
    /// Ask a broker for its figures; as a table, as JSON, and again and again
    Status(StatusArgs),
    /// Print what completes command lines of this program in a shell
    Completions(CompletionsArgs),
    /// Print the manual page, or write one for each subcommand to a folder
    Man(ManArgs),
}

/// All that broker and server take.
#[derive(Debug, clap::Args)]
#[command(after_help = UP_EXAMPLES)]
pub(crate) struct UpArgs {
    #[command(flatten)]
    pub(crate) broker: recado_broker::Options,

    #[command(flatten)]
    pub(crate) server: recado_server::Options,

    /// Listen on addresses that other machines can reach, without encryption and without asking who connects
    #[arg(long, env = "RECADO_OPEN")]
    pub(crate) open: bool,

    /// Encrypt all, and let in only whose key is known
    #[arg(long, env = "RECADO_SECURE")]
    pub(crate) secure: bool,

    /// File with the key pair of this installation, for --secure; made if there is none [default: installation.key in recado's folder among the user's data]
    #[arg(long, value_name = "FILE", env = "RECADO_KEY")]
    pub(crate) key: Option<PathBuf>,

    /// With --secure, make a new key pair where the file of --key is missing, although the store was used with another one: every client warns of it
    #[arg(long)]
    pub(crate) new_key: bool,

    /// Show the first administrator's link as text alone
    #[arg(long, env = "RECADO_NO_QR")]
    pub(crate) no_qr: bool,
}

impl UpArgs {
    pub(crate) fn security(&self) -> SecurityArgs {
        SecurityArgs {
            open: self.open,
            secure: self.secure,
            key: self.key.clone(),
            takes_new_key: self.new_key,
        }
    }
}

/// How a part that listens protects itself, as it was asked for.
#[derive(Clone, Debug)]
pub(crate) struct SecurityArgs {
    pub(crate) open: bool,
    pub(crate) secure: bool,
    pub(crate) key: Option<PathBuf>,
    /// Whether a store that was used with another key may have a new one.
    pub(crate) takes_new_key: bool,
}

const UP_EXAMPLES: &str = "\
Examples:
  recado up                                                    on this machine, for whoever uses it
  recado up --secure --requests 'tcp://*:5555' --subscribers 'tcp://*:5558'
                                                               for a team; prints a link for the first administrator
  recado up --secure --plain-requests ci=ipc://ci.requests --plain-subscribers ci=ipc://ci.subscribers
                                                               and a script without CURVE comes in as the bot ci";

const EXAMPLES: &str = "\
Examples:
  recado                                     chat here and now
  recado --user ana                          the same, as ana
  recado up                                  broker and server for a team
  recado client --user ana                   join them
  echo 'hello' | recado client --user bot --channel geral
  recado send geral the build is green --user ci
  recado history geral --since 1h --json --user ana
  recado join 'recado://HOST:PORT/KEY/CODE' --user ana
  recado autoclient --users 20 --rate 500 --duration 30s

Documents: README.md, docs/PROTOCOL.md, docs/configuration.md";

/// What the command line asks for.
#[derive(Debug)]
pub(crate) enum Invocation {
    /// `recado` with no subcommand: the chat, and what it needs where nobody provides it.
    Alone { up: Box<UpArgs>, client: Box<recado_client::Args>, log_format: LogFormat },
    /// One subcommand.
    Part { part: Box<Part>, log_format: LogFormat, broker_is_given: bool },
    /// `--print-config`: the text to print.
    PrintConfig(String),
}

/// Why a command line leads nowhere.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// clap's own complaint, or its help and version texts.
    #[error(transparent)]
    Usage(#[from] clap::Error),
    /// The settings file is at fault.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The file that says where one has joined is at fault.
    #[error(transparent)]
    Joined(#[from] ProfileError),
}

/// Reads the command line, with the settings file and the environment beneath it.
pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Invocation, CliError> {
    let args: Vec<OsString> = args.into_iter().collect();
    let joined = Profiles::of_user();
    let parsed = Settings::load(named_file(&args).as_deref())
        .map_err(CliError::from)
        .and_then(|settings| parse_over(&settings, joined.as_ref(), &args));
    match parsed {
        // To say what is wrong with the file is what it was called for.
        Err(CliError::Settings(error)) if is_for_doctor(&args) => {
            let mut invocation = parse_over(&Settings::default(), joined.as_ref(), &args)?;
            tell_doctor(&mut invocation, |args| args.settings = doctor::Settings::Refused(error.to_string()));
            Ok(invocation)
        }
        parsed => parsed,
    }
}

fn is_for_doctor(args: &[OsString]) -> bool {
    let matches = Cli::command().ignore_errors(true).try_get_matches_from(args);
    matches.is_ok_and(|matches| matches.subcommand_name() == Some("doctor"))
}

fn tell_doctor(invocation: &mut Invocation, tell: impl FnOnce(&mut DoctorArgs)) {
    if let Invocation::Part { part, .. } = invocation
        && let Part::Doctor(args) = part.as_mut()
    {
        tell(args);
    }
}

/// What clap made of a subcommand, and of its own subcommands: what is said behind one of these is known there alone.
fn levels(of_part: &clap::ArgMatches) -> impl DoubleEndedIterator<Item = &clap::ArgMatches> {
    let levels: Vec<_> =
        std::iter::successors(Some(of_part), |level| level.subcommand().map(|(_, deeper)| deeper)).collect();
    levels.into_iter()
}

/// Whether the command line, the environment or the settings file says it.
fn is_said(settings: &Settings, subcommand: &str, of_part: &clap::ArgMatches, key: &str) -> bool {
    let is_given = levels(of_part).any(|level| {
        level.try_contains_id(key).unwrap_or(false)
            && level.value_source(key) != Some(ValueSource::DefaultValue)
    });
    is_given || settings.has(subcommand, key)
}

/// The key file that is named, if one is.
fn named_key(of_part: &clap::ArgMatches) -> Option<&Path> {
    levels(of_part)
        .rev()
        .find_map(|level| level.try_get_one::<PathBuf>("device_key").ok().flatten().map(PathBuf::as_path))
}

/// `joined` says where one has joined.
fn parse_over(
    settings: &Settings,
    joined: Option<&Profiles>,
    args: &[OsString],
) -> Result<Invocation, CliError> {
    let command = settings.apply(Cli::command())?;
    let matches = command.clone().try_get_matches_from(args)?;
    let cli = Cli::from_arg_matches(&matches)?;
    if cli.command.is_none() {
        return alone(settings, joined, &command, &cli);
    }
    let Parsed { settings, command, matches } = Parsed::of(settings, joined, command, matches, args)?;
    let cli = Cli::from_arg_matches(&matches)?;
    let part = cli.command.expect("the same words have the same subcommand");
    for (option, is_given) in [("--user", cli.user.is_some()), ("--plain", cli.plain)] {
        if is_given {
            let why = format!("{option} goes behind the subcommand that it is for");
            return Err(Cli::command().error(clap::error::ErrorKind::ArgumentConflict, why).into());
        }
    }
    let (name, of_part) = matches.subcommand().expect("clap found a subcommand");
    if cli.print_config {
        return Ok(Invocation::PrintConfig(settings.render(name, &command, of_part)));
    }
    let broker_is_given = is_said(&settings, name, of_part, "broker");
    let mut invocation =
        Invocation::Part { part: Box::new(part), log_format: cli.log_format, broker_is_given };
    if let Some(file) = settings.file() {
        tell_doctor(&mut invocation, |args| args.settings = doctor::Settings::Read(file.to_owned()));
    }
    let goes_elsewhere =
        ["requests", "publishers", "subscribers"].iter().any(|key| is_said(&settings, name, of_part, key));
    if let (false, Some(joined)) = (goes_elsewhere, joined) {
        let found = joined.find(named_key(of_part)).map(|found| found.map(|found| found.profile));
        tell_doctor(&mut invocation, |args| args.look_where_joined(found));
    }
    Ok(invocation)
}

/// A command line that was read, and what it was read over.
struct Parsed {
    settings: Settings,
    command: clap::Command,
    matches: clap::ArgMatches,
}

impl Parsed {
    /// Where one has joined goes beneath all settings, unless these say where to go: then it says nothing of that place.
    fn of(
        settings: &Settings,
        joined: Option<&Profiles>,
        command: clap::Command,
        matches: clap::ArgMatches,
        args: &[OsString],
    ) -> Result<Parsed, CliError> {
        let as_they_are = |command, matches| Parsed { settings: settings.clone(), command, matches };
        let Some((name, of_part)) = matches.subcommand() else { return Ok(as_they_are(command, matches)) };
        let device_key = named_key(of_part);
        let goes_elsewhere = !Settings::reads_client(name)
            || ["server", "broker"].iter().any(|key| is_said(settings, name, of_part, key));
        let found = match joined {
            Some(joined) if !goes_elsewhere => joined.find(device_key)?,
            Some(_) | None => None,
        };
        let Some(Found { path, profile, is_own }) = found else {
            return Ok(as_they_are(command, matches));
        };
        let mut values = vec![("server", profile.server.to_string()), ("broker", profile.broker.to_string())];
        if is_own {
            values.push(("user", profile.user.as_str().to_owned()));
        }
        if let Some(key) = profile.device_key.filter(|_| device_key.is_none()) {
            values.push(("device-key", key.to_string_lossy().into_owned()));
        }
        let settings = settings.clone().over(&path, &values);
        let command = settings.apply_beneath(command);
        let matches = command.clone().try_get_matches_from(args)?;
        Ok(Parsed { settings, command, matches })
    }
}

/// `recado` alone is `recado up` and `recado client` in one, with their settings.
fn alone(
    settings: &Settings,
    joined: Option<&Profiles>,
    command: &clap::Command,
    cli: &Cli,
) -> Result<Invocation, CliError> {
    let mut rendered = String::new();
    let mut part = |name: &str| -> Result<Option<Part>, CliError> {
        let mut words = vec!["recado", name];
        if let Some(user) = cli.user.as_deref().filter(|_| name == "client") {
            words.extend(["--user", user]);
        }
        if cli.plain && name == "client" {
            words.push("--plain");
        }
        let words: Vec<OsString> = words.into_iter().map(OsString::from).collect();
        let matches = command.clone().try_get_matches_from(&words)?;
        let Parsed { settings, command, matches } =
            Parsed::of(settings, joined, command.clone(), matches, &words)?;
        if let Some((_, of_part)) = matches.subcommand() {
            rendered.push_str(&settings.render(name, &command, of_part));
            rendered.push('\n');
        }
        Ok(Cli::from_arg_matches(&matches)?.command)
    };
    match (part("up")?, part("client")?) {
        _ if cli.print_config => Ok(Invocation::PrintConfig(rendered)),
        (Some(Part::Up(up)), Some(Part::Client(client))) => {
            Ok(Invocation::Alone { up: Box::new(up), client: Box::new(client), log_format: cli.log_format })
        }
        _ => unreachable!("each subcommand parses to its own part"),
    }
}

/// The file of `--config` or RECADO_CONFIG. Other errors on the line are left for the real parse.
fn named_file(args: &[OsString]) -> Option<PathBuf> {
    let matches = Cli::command().ignore_errors(true).try_get_matches_from(args).ok()?;
    let deepest = matches.subcommand().map_or(&matches, |(_, of_part)| of_part);
    [deepest, &matches]
        .into_iter()
        .find_map(|found| found.try_get_one::<PathBuf>("config").ok().flatten().cloned())
}

#[cfg(test)]
mod tests {

    use recado_client::keys::Profile;

    use super::*;

    fn parse(file: &str, line: &str) -> Result<Invocation, String> {
        parse_joined(file, line, None)
    }

    fn parse_joined(file: &str, line: &str, joined: Option<&Profiles>) -> Result<Invocation, String> {
        let settings = Settings::parse("recado.toml".into(), file).map_err(|error| error.to_string())?;
        let words: Vec<OsString> =
            std::iter::once("recado").chain(line.split_whitespace()).map(OsString::from).collect();
        parse_over(&settings, joined, &words).map_err(|error| error.to_string())
    }

    fn printed(file: &str, line: &str) -> String {
        match parse(file, &format!("{line} --print-config")) {
            Ok(Invocation::PrintConfig(text)) => text,
            other => panic!("{line}: {other:?}"),
        }
    }

    fn refused(file: &str, part: &str) {
        let error = parse(file, "up").expect_err(file);
        assert!(error.contains("recado.toml") && error.contains(part), "{file}: {error}");
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let file = "[server]\nrequests = \"tcp://127.0.0.1:6001\"\nstore = \"sqlite:a.db\"";
        let text = printed(file, "server --store sqlite:b.db");
        assert!(text.contains("requests = \"tcp://127.0.0.1:6001\"  # recado.toml"), "{text}");
        assert!(text.contains("store = \"sqlite:b.db\"  # command line"), "{text}");
        assert!(text.contains("broker = [\"tcp://127.0.0.1:5557\"]  # default"), "{text}");
    }

    #[test]
    fn a_name_before_the_subcommand_is_for_the_chat_alone() {
        assert!(printed("", "--user ana").contains("user = \"ana\"  # command line"));
        assert!(printed("", "--plain").contains("plain = true  # command line"));
        assert!(parse("", "--user ana server").is_err());
        assert!(parse("", "--plain client").is_err());
        assert!(parse("", "--user _ana").is_err());
    }

    #[test]
    fn a_list_and_a_switch_come_from_the_file() {
        let file = "[server]\nbroker = [\"tcp://a:1\", \"tcp://b:2\"]\nopen = true";
        let text = printed(file, "server");
        assert!(text.contains("broker = [\"tcp://a:1\", \"tcp://b:2\"]  # recado.toml"), "{text}");
        assert!(text.contains("open = true  # recado.toml"), "{text}");
        assert!(
            printed(file, "server --broker tcp://c:3").contains("broker = [\"tcp://c:3\"]  # command line")
        );
    }

    #[test]
    fn what_is_printed_can_be_read_and_means_the_same() {
        let values = |text: &str| -> Vec<String> {
            let mut values: Vec<_> =
                text.lines().map(|line| line.split("  #").next().unwrap_or_default().to_owned()).collect();
            values.sort();
            values
        };
        for part in ["up", "broker", "server", "client", "autoclient"] {
            let first = printed("", part);
            assert_eq!(values(&printed(&first, part)), values(&first), "{part}");
        }
    }

    #[test]
    fn a_setting_that_conflicts_with_another_one_can_stand_in_the_file() {
        let flag = |name: &'static str| clap::Arg::new(name).long(name).action(clap::ArgAction::SetTrue);
        let conflicting = [flag("sweet"), flag("salty").conflicts_with("sweet")];
        let command = Cli::command().mut_subcommand("server", |server| server.args(conflicting));
        let settings = Settings::parse("recado.toml".into(), "[server]\nsalty = true").unwrap();
        settings.apply(command).unwrap();
    }

    #[test]
    fn each_part_reads_its_own_meaning_of_broker() {
        let file = "[server]\nbroker = \"tcp://a:1\"\n[client]\nbroker = \"tcp://b:2\"";
        assert!(printed(file, "up").contains("tcp://a:1"));
        assert!(printed(file, "client").contains("tcp://b:2"));
        let alone = printed(file, "");
        assert!(alone.contains("tcp://a:1") && alone.contains("tcp://b:2"), "{alone}");
    }

    #[test]
    fn a_file_that_cannot_be_meant_is_refused_with_what_would_do() {
        refused("[sever]\nrequests = 1", "no section [sever]");
        refused("[up]\nrequests = 1", "no section [up]");
        refused("[server]\nrequest = \"tcp://a:1\"", "`requests`");
        refused("[server]\nrequests = \"nonsense\"", "[server] requests: invalid value 'nonsense'");
        refused("[server]\nrequests = [\"tcp://a:1\", \"tcp://a:2\"]", "one value");
        refused("[server]\nrequests = { a = 1 }", "expected text");
        refused("requests = \"tcp://a:1\"", "outside a section");
        refused("[server", "not valid TOML");
    }

    #[test]
    fn where_one_has_joined_is_beneath_all_settings_and_holds_as_a_whole() {
        let folder = std::env::temp_dir().join(format!("recado-joined-{}", std::process::id()));
        let path = folder.join("joined.toml");
        let profiles = Profiles::in_folder(folder.clone());
        let profile = |user: &str| Profile {
            server: "tcp://far:1".parse().unwrap(),
            broker: "tcp://far:2".parse().unwrap(),
            user: recado_proto::UserName::parse(user).unwrap(),
            device_key: None,
        };
        profiles.save(&folder.join("device.key"), profile("ana")).unwrap();
        let printed = |file: &str, line: &str| match parse_joined(
            file,
            &format!("{line} --print-config"),
            Some(&profiles),
        ) {
            Ok(Invocation::PrintConfig(text)) => text,
            other => panic!("{line}: {other:?}"),
        };
        let origin = format!("# {}", path.display());
        for line in ["client", "send geral hi", "tail geral", "keys", "admin members geral", ""] {
            let text = printed("", line);
            assert!(text.contains(&format!("server = [\"tcp://far:1\"]  {origin}")), "{line}: {text}");
            assert!(text.contains(&format!("user = \"ana\"  {origin}")), "{line}: {text}");
        }
        let named = printed("[client]\nuser = \"bia\"", "client");
        assert!(named.contains("user = \"bia\"  # recado.toml") && named.contains("tcp://far:2"), "{named}");
        for (file, line) in
            [("", "client --server tcp://near:1"), ("[client]\nbroker = \"tcp://near:2\"", "client")]
        {
            let elsewhere = printed(file, line);
            assert!(!elsewhere.contains("far") && elsewhere.contains("# user is not set"), "{elsewhere}");
        }
        assert!(!printed("", "autoclient").contains("far"), "nobody loads a system by mistake");
        let elsewhere = printed("", "keys show --server tcp://near:1");
        assert!(!elsewhere.contains("far"), "{elsewhere}");
        let key = folder.join("ci.key");
        let by_key = format!("send geral hi --device-key {}", key.display());
        let unknown = printed("", &by_key);
        assert!(unknown.contains("tcp://far:1") && unknown.contains("# user is not set"), "{unknown}");
        profiles.save(&key, profile("ci")).unwrap();
        assert!(printed("", &by_key).contains("user = \"ci\""));
        assert!(printed("", &format!("keys show --device-key {}", key.display())).contains("user = \"ci\""));
        assert!(printed("", "send geral hi").contains("user = \"ana\""));
        std::fs::remove_file(&path).unwrap();
        profiles.save(&key, profile("ci")).unwrap();
        let usual = printed("", "send geral hi");
        assert!(usual.contains(&format!("device-key = \"{}\"  {origin}", key.display())), "{usual}");
        std::fs::write(&path, "server = 1").unwrap();
        let error = parse_joined("", "client", Some(&profiles)).unwrap_err();
        assert!(error.contains("recado leave --keep"), "{error}");
        assert!(parse_joined("", "leave --keep", Some(&profiles)).is_ok());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
