//! What the command line says of quotas.

use super::{Allowance, Quota, Rate};

/// The options about how much one may do, where security is on.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args)]
#[group(id = "quota-options")]
pub struct QuotaOptions {
    /// Messages that one user may send a second where security is on, and ten times as many at once; 100 if not given
    #[arg(long, value_name = "N", env = "RECADO_MESSAGES_PER_SECOND", value_parser = clap::value_parser!(u32).range(1..=1_000_000), conflicts_with = "no_quotas")]
    pub messages_per_second: Option<u32>,

    /// Set no limits to what users and addresses do where security is on: for one's own network, and for measuring
    #[arg(long, env = "RECADO_NO_QUOTAS")]
    pub no_quotas: bool,
}

impl QuotaOptions {
    /// The quotas that these options come to; none if there are to be none.
    pub fn quota(&self) -> Option<Quota> {
        if self.no_quotas {
            return None;
        }
        let (user, address) = (Allowance::USER, Allowance::ADDRESS);
        Some(match self.messages_per_second {
            None => Quota::new(user, address),
            Some(messages) => {
                let factor = address.messages.tokens / user.messages.tokens;
                let of_address = messages.saturating_mul(factor);
                Quota::new(user.with_messages(messages), address.with_messages(of_address))
            }
        })
    }
}

impl Allowance {
    /// The same for so many messages a second. Requests are allowed twice as often as messages at least, and bytes for messages of
    /// a kilobyte.
    fn with_messages(self, messages: u32) -> Self {
        let at_least = |rate: Rate, factor: u32| Rate {
            tokens: rate.tokens.max(messages.saturating_mul(factor)),
            burst: rate.burst.max(messages.saturating_mul(10).saturating_mul(factor)),
            ..rate
        };
        Self {
            messages: Rate::a_second(messages, messages.saturating_mul(10)),
            requests: at_least(self.requests, 2),
            bytes: at_least(self.bytes, 1024),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use clap::Parser;
    use recado_proto::UserName;

    use super::QuotaOptions;
    use crate::quota::{Allowance, Cost, Quota};

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        options: QuotaOptions,
    }

    fn quota(line: &str) -> Result<Option<Quota>, String> {
        let words = std::iter::once("server").chain(line.split_whitespace());
        let cli = Cli::try_parse_from(words).map_err(|error| error.to_string())?;
        Ok(cli.options.quota())
    }

    /// How many messages of a kilobyte pass at once, and then within a second.
    fn passes(quota: &mut Quota) -> (u32, u32) {
        let (user, now) = (UserName::parse("bot").unwrap(), Instant::now());
        let mut count = |now| {
            let mut passed = 0;
            while quota.admit(Some(&user), None, Cost::Message { bytes: 1000 }, now).is_ok() {
                passed += 1;
            }
            passed
        };
        (count(now), count(now + Duration::from_secs(1)))
    }

    #[test]
    fn as_many_messages_pass_as_the_option_says() {
        assert_eq!(passes(&mut quota("").unwrap().unwrap()), (1000, 100));
        assert_eq!(passes(&mut quota("--messages-per-second 7").unwrap().unwrap()), (70, 7));
        let mut many = quota("--messages-per-second 5000").unwrap().unwrap();
        assert_eq!(passes(&mut many), (50_000, 5000));
        assert_eq!(Allowance::USER.messages.tokens, 100, "as the help says");
    }

    #[test]
    fn no_quotas_are_none_and_not_both() {
        assert!(quota("--no-quotas").unwrap().is_none());
        assert!(quota("--no-quotas --messages-per-second 7").unwrap_err().contains("cannot be used with"));
        assert!(quota("--messages-per-second 0").is_err());
        assert!(quota("--messages-per-second 1000000").unwrap().is_some());
    }
}
