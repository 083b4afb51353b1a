//! Where the client keeps what is the user's own on this machine.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

/// The file of typed lines; none if the user has no home.
pub(crate) fn input_history() -> Option<PathBuf> {
    state_folder().map(|folder| folder.join("input-history"))
}

/// The file of this device's key, in our data folder.
pub(crate) const DEVICE_KEY: &str = "device.key";

/// The file of the servers that are known, in our data folder.
pub(crate) const KNOWN_SERVERS: &str = "known_servers";

/// The file that says where one has joined, in our data folder.
pub const JOINED: &str = "joined.toml";

/// Our folder in the one for data that the XDG base directory specification names; none if the user has no home.
pub fn data_folder() -> Option<PathBuf> {
    folder_with("XDG_DATA_HOME", ".local/share", variable)
}

/// Our folder in the one for state that the XDG base directory specification names; none if the user has no home.
pub(crate) fn state_folder() -> Option<PathBuf> {
    folder_with("XDG_STATE_HOME", ".local/state", variable)
}

fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

/// The folder that the variable names, or the usual one at home.
fn folder_with(named_by: &str, usual: &str, variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let named = variable(named_by).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = named.or_else(|| Some(PathBuf::from(variable("HOME")?).join(usual)))?;
    Some(folder.join("recado"))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::path::PathBuf;

    use super::folder_with;

    fn check(variables: &[(&str, &str)], expect: Option<&str>) {
        let path = folder_with("XDG_STATE_HOME", ".local/state", |name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
        });
        assert_eq!(path, expect.map(PathBuf::from));
    }

    #[test]
    fn the_state_folder_is_the_users() {
        let home = ("HOME", "/home/ana");
        check(&[home], Some("/home/ana/.local/state/recado"));
        check(&[home, ("XDG_STATE_HOME", "/state")], Some("/state/recado"));
        check(&[home, ("XDG_STATE_HOME", "relative")], Some("/home/ana/.local/state/recado"));
        check(&[], None);
    }
}
