//! Loads with a name, for whoever wants none of their own.

use clap::ValueEnum;

/// How many people talk, and how much each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Profile {
    /// 5 users, 0.5 messages a minute each
    Idle,
    /// 50 users, 2 messages a minute each
    Moderate,
    /// 1,000 users, 8 messages a minute each
    Busy,
    /// 10,000 users, 60 messages a minute each
    Flood,
}

impl Profile {
    /// How many users talk.
    pub const fn users(self) -> usize {
        match self {
            Profile::Idle => 5,
            Profile::Moderate => 50,
            Profile::Busy => 1_000,
            Profile::Flood => 10_000,
        }
    }

    /// How many messages each of them says in a minute.
    pub const fn messages_a_minute(self) -> f64 {
        match self {
            Profile::Idle => 0.5,
            Profile::Moderate => 2.0,
            Profile::Busy => 8.0,
            Profile::Flood => 60.0,
        }
    }

    /// Messages a second, in all, of so many users.
    pub fn rate(self, users: usize) -> f64 {
        users as f64 * self.messages_a_minute() / 60.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rates_are_those_of_all_users() {
        let rates: Vec<f64> = Profile::value_variants()
            .iter()
            .map(|profile| (profile.rate(profile.users()) * 100.0).round())
            .collect();
        assert_eq!(rates, [4.0, 167.0, 13_333.0, 1_000_000.0]);
    }

    #[test]
    fn the_help_says_what_is_so() {
        for profile in Profile::value_variants() {
            let value = profile.to_possible_value().unwrap();
            let help = value.get_help().unwrap().to_string();
            let users = crate::units::grouped(profile.users() as u64);
            assert_eq!(
                help,
                format!("{users} users, {} messages a minute each", profile.messages_a_minute())
            );
        }
    }
}
