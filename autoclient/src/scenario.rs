//! A scenario: the options of a load in a TOML file, and phases that follow one another. Text in, options out.
//!
//! A key is the long name of an option, and its value is read as the command line reads it, so that there is one place that says what an option
//! takes.

use clap::{Args as _, Command, FromArgMatches, builder::Resettable};
use thiserror::Error;
use toml::de::{DeTable, DeValue};

use crate::options::Options;

/// A scenario as its file has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scenario {
    /// What holds for all phases.
    pub options: Options,
    /// What holds for each; none if the whole is one.
    pub phases: Vec<PhaseOptions>,
}

/// What a phase has of its own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PhaseOptions {
    /// What it is called.
    pub name: Option<String>,
    /// What holds in it.
    pub options: Options,
}

/// What is wrong with a scenario, and in which line.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {reason}")]
pub struct ScenarioError {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong.
    pub reason: String,
}

/// What a phase may have of its own, beside its name. The rest is the same in all phases.
pub const PHASE_KEYS: [&str; 8] =
    ["profile", "rate", "pause", "size", "direct", "duration", "messages", "ramp"];

const PHASES: &str = "phase";
const NAME: &str = "name";

impl Scenario {
    /// Reads a scenario.
    ///
    /// # Errors
    /// It is no TOML, has a key that is none, or a value that its option does not take.
    pub fn read(text: &str) -> Result<Scenario, ScenarioError> {
        let line = |offset: usize| text[..offset.min(text.len())].matches('\n').count() + 1;
        let table = DeTable::parse(text).map_err(|error| ScenarioError {
            line: line(error.span().map_or(0, |span| span.start)),
            reason: error.message().to_owned(),
        })?;
        let known: Vec<String> =
            command().get_arguments().filter_map(|arg| Some(arg.get_long()?.to_owned())).collect();
        let keys: Vec<&str> = known.iter().map(String::as_str).collect();
        let mut scenario = Scenario::default();
        let mut words = Vec::new();
        for (key, value) in table.get_ref() {
            let at = line(key.span().start);
            let fail = |reason: String| ScenarioError { line: at, reason };
            if key.get_ref() != PHASES {
                words.extend(word(key.get_ref(), value.get_ref(), &keys).map_err(fail)?);
                continue;
            }
            let Some(phases) = value.get_ref().as_array() else {
                return Err(fail("phases are written as [[phase]]".to_owned()));
            };
            for phase in phases {
                let Some(table) = phase.get_ref().as_table() else {
                    return Err(fail("phases are written as [[phase]]".to_owned()));
                };
                let (mut name, mut words) = (None, Vec::new());
                for (key, value) in table {
                    let fail = |reason: String| ScenarioError { line: line(key.span().start), reason };
                    if key.get_ref() == NAME {
                        name = Some(plain(value.get_ref()).map_err(fail)?);
                    } else if keys.contains(&key.get_ref().as_ref())
                        && !PHASE_KEYS.contains(&key.get_ref().as_ref())
                    {
                        return Err(fail(format!(
                            "`{}` is the same in all phases: it goes above the first [[phase]]",
                            key.get_ref()
                        )));
                    } else {
                        words.extend(word(key.get_ref(), value.get_ref(), &PHASE_KEYS).map_err(fail)?);
                    }
                }
                scenario.phases.push(PhaseOptions { name, options: options(words)? });
            }
        }
        scenario.options = options(words)?;
        Ok(scenario)
    }
}

/// The options alone, without the environment.
fn command() -> Command {
    Options::augment_args(Command::new("scenario").no_binary_name(true).disable_help_flag(true))
        .mut_args(|arg| arg.env(Resettable::Reset))
}

/// All words were read one by one before, so that together they can only contradict each other.
fn options(words: Vec<String>) -> Result<Options, ScenarioError> {
    let matches = command().try_get_matches_from(words);
    let options = matches.and_then(|matches| Options::from_arg_matches(&matches));
    options.map_err(|error| ScenarioError { line: 1, reason: first_line(&error) })
}

/// A key and its value as a word of a command line, if an option of that name takes the value; none for a flag that is off.
fn word(key: &str, value: &DeValue<'_>, keys: &[&str]) -> Result<Option<String>, String> {
    if !keys.contains(&key) {
        let mut names: Vec<&str> = keys.to_vec();
        names.sort_unstable();
        return Err(format!("there is no `{key}`; there are {}", names.join(", ")));
    }
    let word = match value {
        DeValue::Boolean(false) => return Ok(None),
        DeValue::Boolean(true) => format!("--{key}"),
        DeValue::String(_) | DeValue::Integer(_) | DeValue::Float(_) | DeValue::Array(_) => {
            format!("--{key}={}", plain(value)?)
        }
        DeValue::Datetime(_) | DeValue::Table(_) => {
            return Err(format!("`{key}` is a text, a number or a list"));
        }
    };
    command().try_get_matches_from([&word]).map_err(|error| format!("`{key}`: {}", first_line(&error)))?;
    Ok(Some(word))
}

fn plain(value: &DeValue<'_>) -> Result<String, String> {
    match value {
        DeValue::String(text) => Ok(text.to_string()),
        DeValue::Integer(number) => Ok(number.as_str().replace('_', "")),
        DeValue::Float(number) => Ok(number.as_str().replace('_', "")),
        DeValue::Boolean(flag) => Ok(flag.to_string()),
        DeValue::Array(values) => values
            .iter()
            .map(|value| plain(value.get_ref()))
            .collect::<Result<Vec<_>, _>>()
            .map(|all| all.join(",")),
        DeValue::Datetime(_) | DeValue::Table(_) => Err("a text, a number or a list belongs here".to_owned()),
    }
}

fn first_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::{profile::Profile, size::Size};

    use super::*;

    #[test]
    fn keys_are_options_and_phases_follow() {
        let scenario = Scenario::read(
            r#"
            users = 1_000
            channels = ["geral", "tech"]
            no-repair = true
            size = "64..4KiB"

            [[phase]]
            name = "morning"
            rate = 12.5
            ramp = "10s"
            duration = "1m"

            [[phase]]
            profile = "flood"
            messages = 500
            "#,
        )
        .unwrap();
        assert_eq!((scenario.options.users, scenario.options.channels.len()), (Some(1_000), 2));
        assert!(scenario.options.no_repair);
        assert_eq!(scenario.options.size, Some(Size::Uniform(64, 4_096)));
        let [morning, flood] = &scenario.phases[..] else { panic!("{:?}", scenario.phases) };
        assert_eq!((morning.name.as_deref(), morning.options.rate), (Some("morning"), Some(12.5)));
        assert_eq!(morning.options.duration, Some(Duration::from_secs(60)));
        assert_eq!((flood.options.profile, flood.options.messages), (Some(Profile::Flood), Some(500)));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, line, part) in [
            ("users = 5\nuser = 3\n", 2, "there is no `user`; there are broker"),
            ("\nrate = \"fast\"\n", 2, "`rate`: invalid value 'fast'"),
            ("users = \n", 1, ""),
            ("[[phase]]\nrate = 5\n\n[[phase]]\nsize = 3\n", 5, "from 32 to"),
            ("[[phase]]\nseed = 5\n", 2, "`seed` is the same in all phases"),
            ("[[phase]]\nspeed = 5\n", 2, "there is no `speed`; there are direct, duration"),
            ("[phase]\nrate = 5\n", 1, "[[phase]]"),
            ("size = { a = 1 }", 1, "a text, a number or a list"),
        ] {
            let error = Scenario::read(text).unwrap_err();
            assert_eq!(error.line, line, "{text}: {error}");
            let part = part.replace("there are broker", "there are ");
            assert!(error.reason.contains(&part), "{text}: {error}");
        }
    }

    #[test]
    fn the_example_is_a_scenario() {
        let scenario = Scenario::read(include_str!("../../examples/load.toml")).unwrap();
        assert_eq!((scenario.phases.len(), scenario.options.users), (3, Some(200)));
    }

    #[test]
    fn an_empty_file_says_nothing() {
        assert_eq!(Scenario::read("# nothing yet\nno-repair = false\n"), Ok(Scenario::default()));
    }
}
