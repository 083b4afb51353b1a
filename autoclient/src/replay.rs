//! The command line that plays the same load again.

use crate::{args::Args, units::shown};

/// What was given, with the seed that was drawn if none was.
pub(crate) fn line(args: &Args, seed: u64) -> String {
    let mut line = "recado autoclient".to_owned();
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            line += &format!(" --{name} {}", quoted(&value));
        }
    };
    let joined = |names: Vec<String>| (!names.is_empty()).then(|| names.join(","));
    let options = &args.options;
    add("server", joined(args.server.iter().map(ToString::to_string).collect()));
    add("broker", joined(args.broker.iter().map(ToString::to_string).collect()));
    add("device-key", args.device.device_key.as_ref().map(|file| file.display().to_string()));
    add("server-key", args.device.server_key.map(|key| key.to_string()));
    add("user", args.user.as_ref().map(ToString::to_string));
    add("scenario", args.scenario.as_ref().map(|file| file.display().to_string()));
    add("profile", options.profile.map(|profile| format!("{profile:?}").to_lowercase()));
    add("users", options.users.map(|count| count.to_string()));
    add("connections", options.connections.map(|count| count.to_string()));
    add("listeners", options.listeners.map(|count| count.to_string()));
    add("channels", joined(options.channels.iter().map(ToString::to_string).collect()));
    add("rate", options.rate.map(|rate| rate.to_string()));
    add(
        "pause",
        options.pause.as_ref().map(|pause| format!("{}..{}", shown(*pause.start()), shown(*pause.end()))),
    );
    add("direct", options.direct.map(|share| share.to_string()));
    add("size", options.size.map(|size| size.to_string()));
    add("churn", options.churn.map(shown));
    add("slow", options.slow.map(|part| part.to_string()));
    add("duration", options.duration.map(shown));
    add("messages", options.messages.map(|count| count.to_string()));
    add("ramp", options.ramp.map(shown));
    add("drain", options.drain.map(shown));
    add("fail-if", options.fail_if.as_ref().map(ToString::to_string));
    for (name, is_on) in [("no-repair", options.no_repair), ("untimed", options.untimed)] {
        if is_on {
            line += &format!(" --{name}");
        }
    }
    line + &format!(" --seed {seed}")
}

/// A word as a shell reads it back.
fn quoted(word: &str) -> String {
    if !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "_-./:,=%+@".contains(c)) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn a_line_plays_back_what_was_given() {
        let given = "recado autoclient --server tcp://127.0.0.1:1 --broker tcp://127.0.0.1:2 --user bot --scenario load.toml --profile busy \
                     --users 3 --connections 2 --listeners 1 --channels a,b --rate 12.5 --pause 1s..2s --direct 0.1 --size 64..128 --churn 10s --slow 25% \
                     --duration 90s --messages 500 --ramp 5s --drain 10s --fail-if 'p99>20ms,lost>0' --no-repair --untimed --seed 7";
        let words = given.replace('\'', "");
        let args = Line::try_parse_from(words.split_whitespace().skip(1)).unwrap().args;
        assert_eq!(line(&args, args.options.seed.unwrap()), given);
    }

    #[test]
    fn words_that_a_shell_would_split_are_quoted() {
        assert_eq!(["a b", "it's", "", "plain-1"].map(quoted), ["'a b'", "'it'\\''s'", "''", "plain-1"]);
    }
}
