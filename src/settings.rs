//! Settings from `recado.toml`, laid under the environment and the flags.
//!
//! A value from the file becomes the *default* of its flag, so that clap itself applies the order of precedence
//! (flag, `RECADO_…`, file, built-in) and validates all four in the same way. Knows nothing of what a setting means.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

use clap::{Arg, ArgAction, ArgMatches, Command, parser::ValueSource};
use thiserror::Error;

/// The largest settings file that is read.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Which sections of the file a subcommand reads; each section has the name of the subcommand whose flags it sets.
const SECTIONS_OF: &[(&str, &[&str])] = &[
    ("broker", &["broker"]),
    ("server", &["server"]),
    ("up", &["broker", "server"]),
    ("client", &["client"]),
    ("send", &["client"]),
    ("history", &["client"]),
    ("search", &["client"]),
    ("tail", &["client"]),
    ("users", &["client"]),
    ("who", &["client"]),
    ("channels", &["client"]),
    ("autoclient", &["autoclient"]),
    ("export", &["server"]),
    ("import", &["server"]),
    ("check", &["client"]),
    ("keys", &["client"]),
    ("admin", &["client"]),
    ("status", &["broker"]),
    ("doctor", &["broker", "server"]),
];

/// The section that says where chats are and who chats.
const CLIENT: &str = "client";

/// Why a settings file was refused. The user's to mend.
#[derive(Debug, Error)]
pub(crate) enum SettingsError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}", path = path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    /// The file is larger than any settings are.
    #[error("{path} has more than {FILE_BYTES_MAX} bytes: that is no settings file", path = path.display())]
    TooLarge { path: PathBuf },
    /// The file is not TOML.
    #[error("{path} is not valid TOML: {detail}", path = path.display())]
    Malformed { path: PathBuf, detail: String },
    /// A section or key that no subcommand has, or a value of the wrong kind.
    #[error("{path}: {detail}", path = path.display())]
    Invalid { path: PathBuf, detail: String },
}

/// The settings of one file: section, flag's long name, values as the command line would spell them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    path: PathBuf,
    /// What the section `[client]` has where the file says nothing, and which file says so.
    beneath: Option<(PathBuf, BTreeMap<String, String>)>,
    sections: BTreeMap<String, BTreeMap<String, Vec<String>>>,
}

impl Settings {
    /// Reads the file named by the user, or else the first that exists of `./recado.toml` and
    /// `recado/recado.toml` in the user's configuration folder; no file is no settings.
    pub(crate) fn load(named: Option<&Path>) -> Result<Settings, SettingsError> {
        let path = match named {
            Some(path) => path.to_owned(),
            None => match default_paths().into_iter().find(|path| path.is_file()) {
                Some(path) => path,
                None => return Ok(Settings::default()),
            },
        };
        let unreadable = |source| SettingsError::Unreadable { path: path.clone(), source };
        if fs::metadata(&path).map_err(unreadable)?.len() > FILE_BYTES_MAX {
            return Err(SettingsError::TooLarge { path });
        }
        let text = fs::read_to_string(&path).map_err(unreadable)?;
        Settings::parse(path, &text)
    }

    pub(crate) fn parse(path: PathBuf, text: &str) -> Result<Settings, SettingsError> {
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| SettingsError::Malformed {
            path: path.clone(),
            detail: error.to_string().trim_end().to_owned(),
        })?;
        let invalid = |detail: String| SettingsError::Invalid { path: path.clone(), detail };
        let mut sections = BTreeMap::new();
        for (section, value) in table {
            let toml::Value::Table(entries) = value else {
                return Err(invalid(format!(
                    "`{section}` stands outside a section; write it under [broker], [server], [client] or [autoclient]"
                )));
            };
            let mut values = BTreeMap::new();
            for (key, value) in entries {
                let spelled = spell(&value).ok_or_else(|| {
                    invalid(format!(
                        "[{section}] {key}: expected text, a number, true or false, or a list of these"
                    ))
                })?;
                values.insert(key, spelled);
            }
            sections.insert(section, values);
        }
        Ok(Settings { path, beneath: None, sections })
    }

    /// Makes each value of the file the default of its flag, in every subcommand that reads its section.
    pub(crate) fn apply(&self, mut command: Command) -> Result<Command, SettingsError> {
        for (section, values) in &self.sections {
            let known = SECTIONS_OF.iter().any(|(_, sections)| *sections == [section.as_str()]);
            let Some(part) = command.find_subcommand(section).filter(|_| known) else {
                return Err(self.invalid(format!("there is no section [{section}]; sections are [broker], [server], [client] and [autoclient]")));
            };
            for (key, values) in values {
                let Some(arg) = part.get_arguments().find(|arg| arg.get_long() == Some(key)) else {
                    return Err(self.invalid(format!(
                        "[{section}] has no setting `{key}`; its settings are {}",
                        long_names(part)
                    )));
                };
                self.check(section, key, arg, values)?;
            }
        }
        for (subcommand, sections) in SECTIONS_OF {
            for section in *sections {
                for (key, values) in self.sections.get(*section).into_iter().flatten() {
                    command = command.mut_subcommand(subcommand, |part| with_default(part, key, values));
                }
            }
        }
        Ok(command)
    }

    /// Whether a subcommand reads `[client]`.
    pub(crate) fn reads_client(subcommand: &str) -> bool {
        sections_of(subcommand).contains(&CLIENT)
    }

    /// The same over another file's values for `[client]`.
    pub(crate) fn over(mut self, path: &Path, values: &[(&str, String)]) -> Settings {
        let values = values.iter().map(|(key, value)| ((*key).to_owned(), value.clone()));
        self.beneath = Some((path.to_owned(), values.collect()));
        self
    }

    /// Makes these values the defaults of their flags, where the settings file has none for them.
    pub(crate) fn apply_beneath(&self, mut command: Command) -> Command {
        let readers = SECTIONS_OF.iter().filter(|(_, sections)| sections.contains(&CLIENT));
        for (subcommand, _) in readers {
            for (key, value) in self.beneath.iter().flat_map(|(_, values)| values) {
                if !self.has(subcommand, key) {
                    let value = std::slice::from_ref(value);
                    command = command.mut_subcommand(subcommand, |part| with_default(part, key, value));
                }
            }
        }
        command
    }

    /// Parses one value by itself, so that the complaint can name the file and the key.
    fn check(&self, section: &str, key: &str, arg: &Arg, values: &[String]) -> Result<(), SettingsError> {
        let takes_many = matches!(arg.get_action(), ArgAction::Append);
        if values.len() != 1 && !takes_many {
            return Err(self.invalid(format!("[{section}] {key} takes one value, not a list")));
        }
        // What it conflicts with is not there, where it is parsed by itself.
        let alone = arg
            .clone()
            .conflicts_with(clap::builder::Resettable::<clap::Id>::Reset)
            .env(None::<&'static str>)
            .default_values(values.to_vec());
        Command::new("recado").arg(alone).try_get_matches_from(["recado"]).map(|_| ()).map_err(|error| {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
            self.invalid(format!("[{section}] {key}: {first}"))
        })
    }

    fn invalid(&self, detail: String) -> SettingsError {
        SettingsError::Invalid { path: self.path.clone(), detail }
    }

    /// The file that was read, if there is one.
    pub(crate) fn file(&self) -> Option<&Path> {
        (!self.path.as_os_str().is_empty()).then_some(self.path.as_path())
    }

    pub(crate) fn has(&self, subcommand: &str, key: &str) -> bool {
        sections_of(subcommand)
            .iter()
            .any(|section| self.sections.get(*section).is_some_and(|values| values.contains_key(key)))
    }

    /// The settings in force for one subcommand, as a `recado.toml` that would give the same, each with its origin.
    pub(crate) fn render(&self, subcommand: &str, command: &Command, matches: &ArgMatches) -> String {
        let mut text = String::new();
        let Some(part) = command.find_subcommand(subcommand) else { return text };
        for section in sections_of(subcommand) {
            let Some(owner) = command.find_subcommand(section) else { continue };
            let _ = writeln!(text, "{}[{section}]", if text.is_empty() { "" } else { "\n" });
            for arg in part.get_arguments() {
                let Some(key) = arg.get_long() else { continue };
                let of_section = owner.get_arguments().any(|other| other.get_long() == Some(key));
                let of_all = |global: &Arg| global.is_global_set() && global.get_id() == arg.get_id();
                let is_of_all = command.get_arguments().any(of_all);
                if of_section && !is_of_all && !matches!(key, "help" | "version") {
                    let _ = writeln!(text, "{}", self.render_one(subcommand, key, arg, matches));
                }
            }
        }
        text
    }

    fn render_one(&self, subcommand: &str, key: &str, arg: &Arg, matches: &ArgMatches) -> String {
        let id = arg.get_id().as_str();
        let origin = match matches.value_source(id) {
            Some(ValueSource::CommandLine) => "command line".to_owned(),
            Some(ValueSource::EnvVariable) => {
                format!("environment, {}", arg.get_env().unwrap_or_default().to_string_lossy())
            }
            Some(_) if self.has(subcommand, key) => self.path.display().to_string(),
            Some(_) => match &self.beneath {
                Some((path, values)) if Self::reads_client(subcommand) && values.contains_key(key) => {
                    path.display().to_string()
                }
                Some(_) | None => "default".to_owned(),
            },
            None => return format!("# {key} is not set"),
        };
        let values: Vec<String> = if matches!(arg.get_action(), ArgAction::SetTrue) {
            return format!("{key} = {}  # {origin}", matches.get_flag(id));
        } else {
            matches.get_raw(id).into_iter().flatten().map(|value| quote(&value.to_string_lossy())).collect()
        };
        match values.as_slice() {
            [one] if !matches!(arg.get_action(), ArgAction::Append) => format!("{key} = {one}  # {origin}"),
            many => format!("{key} = [{}]  # {origin}", many.join(", ")),
        }
    }
}

fn sections_of(subcommand: &str) -> &'static [&'static str] {
    SECTIONS_OF.iter().find(|(name, _)| *name == subcommand).map_or(&[], |(_, sections)| sections)
}

fn default_paths() -> Vec<PathBuf> {
    let folder = std::env::var_os("XDG_CONFIG_HOME")
        .filter(|folder| !folder.is_empty())
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".config")));
    let mut paths = vec![PathBuf::from("recado.toml")];
    paths.extend(folder.map(|folder| folder.join("recado").join("recado.toml")));
    paths
}

fn spell(value: &toml::Value) -> Option<Vec<String>> {
    match value {
        toml::Value::String(text) => Some(vec![text.clone()]),
        toml::Value::Integer(number) => Some(vec![number.to_string()]),
        toml::Value::Float(number) => Some(vec![number.to_string()]),
        toml::Value::Boolean(flag) => Some(vec![flag.to_string()]),
        toml::Value::Array(values) if !values.is_empty() => values
            .iter()
            .map(|value| spell(value).filter(|one| one.len() == 1))
            .collect::<Option<Vec<_>>>()
            .map(|all| all.concat()),
        toml::Value::Array(_) | toml::Value::Datetime(_) | toml::Value::Table(_) => None,
    }
}

fn quote(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn with_default(part: Command, key: &str, values: &[String]) -> Command {
    let id = part.get_arguments().find(|arg| arg.get_long() == Some(key)).map(|arg| arg.get_id().clone());
    match id {
        Some(id) => {
            part.mut_arg(id, |arg| arg.default_values(values.iter().map(OsString::from).collect::<Vec<_>>()))
        }
        None => part,
    }
}

fn long_names(part: &Command) -> String {
    let names: Vec<_> = part
        .get_arguments()
        .filter(|arg| !arg.is_global_set())
        .filter_map(Arg::get_long)
        .filter(|name| !matches!(*name, "help" | "version"))
        .map(|name| format!("`{name}`"))
        .collect();
    names.join(", ")
}
