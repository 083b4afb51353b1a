//! How a program comes to its session: where to, by what it knows the server and the server it, and who it says it is.

use recado_proto::{Code, UserName};
use recado_zmtp::Endpoint;

use crate::error::Error;
use crate::keys::{Profile, Trust, secure};
use crate::paths;
use crate::run::no_answer;
use crate::session::{RequestError, Session, SessionConfig, SessionEvents};

/// What was asked for, before anything is connected.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) session: SessionConfig,
    pub(crate) trust: Trust,
    pub(crate) named: Option<UserName>,
}

impl Entry {
    /// The first of the servers.
    pub(crate) fn server(&self) -> &Endpoint {
        &self.session.servers[0]
    }

    /// Whether the server knows by a key who one is.
    pub(crate) fn is_secured(&self) -> bool {
        self.session.is_secured()
    }

    /// Begins a session with servers that are those that are meant.
    pub(crate) async fn connect(&mut self) -> Result<(Session, SessionEvents), Error> {
        self.session.security = secure(&self.session.servers, &self.trust).await?;
        Ok(Session::connect(self.session.clone())?)
    }

    /// As [`Entry::connect`], for what nobody can do without a name.
    pub(crate) async fn connect_as_somebody(&mut self) -> Result<(Session, SessionEvents), Error> {
        self.session.security = secure(&self.session.servers, &self.trust).await?;
        if !self.is_secured() && self.named.is_none() {
            return Err(Error::Nobody);
        }
        Ok(Session::connect(self.session.clone())?)
    }

    /// Makes the server know who asks, for those who only send or read what was said before. Says who that is.
    pub(crate) async fn introduce(&self, session: &Session) -> Result<UserName, Error> {
        let introduced = match (&self.named, self.is_secured()) {
            (named, true) => return self.identify(session, named.as_ref()).await,
            (Some(named), false) => session.introduce(named).await.map(|()| named.clone()),
            (None, false) => return Err(Error::Nobody),
        };
        match introduced {
            Ok(user) => Ok(user),
            Err(error) => Err(self.refused(error).await),
        }
    }

    async fn identify(&self, session: &Session, named: Option<&UserName>) -> Result<UserName, Error> {
        match session.identify().await {
            Ok(user) => is_meant(named, user),
            Err(error) => Err(self.refused(error).await),
        }
    }

    /// Why one does not come in.
    async fn refused(&self, error: RequestError) -> Error {
        match unanswered(error, &self.session).await {
            Error::Request(error) => Error::Login(error),
            error => error,
        }
    }
}

/// Whose the key is, unless somebody else was named.
pub(crate) fn is_meant(named: Option<&UserName>, owner: UserName) -> Result<UserName, Error> {
    match named {
        Some(named) if *named != owner => Err(Error::SomebodyElse { named: named.clone(), owner }),
        Some(_) | None => Ok(owner),
    }
}

/// A failed request, with the reason if nobody answered, or nobody knows the device.
pub(crate) async fn unanswered(error: RequestError, config: &SessionConfig) -> Error {
    match error {
        RequestError::Unanswered { .. } => no_answer(config).await,
        error => refused(error, &config.servers),
    }
}

/// As [`unanswered`], of what one of these servers answered.
pub(crate) fn refused(error: RequestError, servers: &[Endpoint]) -> Error {
    refused_there(error, || has_joined(servers))
}

/// Whether this device has joined at one of these servers. What cannot be read says nothing.
fn has_joined(servers: &[Endpoint]) -> bool {
    let path = paths::data_folder().map(|folder| folder.join(paths::JOINED));
    let profile = path.and_then(|path| Profile::load(&path).ok().flatten());
    profile.is_some_and(|profile| servers.contains(&profile.server))
}

fn refused_there(error: RequestError, has_joined: impl FnOnce() -> bool) -> Error {
    match error {
        RequestError::Distrusted(found) => Error::Distrusted(found),
        RequestError::Refused { code, .. } if is_unknown_key(&code) && has_joined() => Error::NotAdmitted,
        RequestError::Refused { code, .. } if is_unknown_key(&code) => Error::UnknownDevice,
        RequestError::Refused { .. }
        | RequestError::Unanswered { .. }
        | RequestError::Malformed { .. }
        | RequestError::NotLoggedIn
        | RequestError::Busy
        | RequestError::TooManyTopics
        | RequestError::Closed => Error::Request(error),
    }
}

/// Whether the server refuses because the key is nobody's there.
pub(crate) fn is_unknown_key(code: &Code) -> bool {
    code.as_str() == "unknown_key"
}

#[cfg(test)]
mod tests {
    use recado_proto::{Code, UserName};

    use super::{is_meant, refused_there};
    use crate::error::Error;
    use crate::session::RequestError;

    fn user(name: &str) -> UserName {
        UserName::parse(name).unwrap()
    }

    #[test]
    fn who_one_is_the_key_says_and_another_name_is_an_error_that_says_so() {
        assert!(is_meant(None, user("ana")).is_ok_and(|who| who == user("ana")));
        assert!(is_meant(Some(&user("ana")), user("ana")).is_ok());
        let error = is_meant(Some(&user("bia")), user("ana")).unwrap_err().to_string();
        assert!(error.contains("this device's key is ana's, not bia's"), "{error}");
    }

    #[test]
    fn a_device_that_nobody_knows_is_told_how_to_join() {
        let refusal =
            |code| refused_there(RequestError::Refused { code, description: "no".to_owned() }, || false);
        assert!(refusal(Code::from("unknown_key")).to_string().contains("join with: recado join LINK"));
        assert!(matches!(refusal(Code::Forbidden), Error::Request(_)));
    }

    #[test]
    fn a_device_that_was_known_is_told_that_it_is_no_longer() {
        let refusal = RequestError::Refused { code: Code::UnknownKey, description: "no".to_owned() };
        let error = refused_there(refusal, || true).to_string();
        assert!(error.contains("no longer admitted") && error.contains("ask an administrator"), "{error}");
        let forbidden = RequestError::Refused { code: Code::Forbidden, description: "no".to_owned() };
        assert!(matches!(refused_there(forbidden, || true), Error::Request(_)));
    }
}
