//! Where the client keeps what is the user's own on this machine.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

/// The file of typed lines; none if the user has no home.
pub(crate) fn input_history() -> Option<PathBuf> {
    state_folder().map(|folder| folder.join("input-history"))
}

/// Our folder in the one for state that the XDG base directory specification names; none if the user has no home.
pub(crate) fn state_folder() -> Option<PathBuf> {
    state_folder_with(|name| env::var_os(name).filter(|value| !value.is_empty()))
}

fn state_folder_with(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let state = variable("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let state = state.or_else(|| Some(PathBuf::from(variable("HOME")?).join(".local/state")))?;
    Some(state.join("recado"))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::path::PathBuf;

    use super::state_folder_with;

    fn check(variables: &[(&str, &str)], expect: Option<&str>) {
        let path = state_folder_with(|name| {
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
