//! Whose each connection is, by the key that its handshake has proved, and what a request is judged by before anything is done for
//! it. In open mode nobody is asked.

use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use foldhash::HashMap;
use recado_proto::{ChannelName, Code, DeviceKey, ReplyBody, RequestBody, TopicName, UserName};
use recado_zmtp::PeerId;
use recado_zmtp::curve::PublicKey;

use super::doors::device_key;
use super::reply::{internal, not_secured};
use crate::access::Access;
use crate::limits::CALLERS_REMEMBERED_MAX;
use crate::quota::{Cost, SharedQuota, Wait};
use crate::store::{NameOf, Refusal, SharedAccess};

/// Who sent a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// Security is off: whoever the request says.
    Anybody,
    /// A key that is nobody's so far.
    Stranger(DeviceKey),
    /// A user, on one of the devices.
    User(UserName, DeviceKey),
}

/// What is known of connections while security is on.
pub(super) struct Callers {
    access: Arc<SharedAccess>,
    connections: HashMap<PeerId, Connection>,
    version: u64,
    /// None if nothing is counted.
    quota: Option<SharedQuota>,
}

struct Connection {
    key: DeviceKey,
    address: Option<IpAddr>,
    /// Who it was when it was last looked at.
    user: Option<UserName>,
}

/// The connection is to be closed: its key is no longer the user's whose it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Expelled;

impl Callers {
    pub(super) fn new(access: Arc<SharedAccess>, quota: Option<SharedQuota>) -> Self {
        let version = access.version();
        Self { access, connections: HashMap::default(), version, quota }
    }

    /// How much each may do.
    pub(super) fn quota(&self) -> Option<&SharedQuota> {
        self.quota.as_ref()
    }

    /// Where a connection comes from, once it was asked who it is.
    pub(super) fn address(&self, peer: PeerId) -> Option<IpAddr> {
        self.connections.get(&peer)?.address
    }

    pub(super) fn access(&self) -> &Arc<SharedAccess> {
        &self.access
    }

    /// Who is at the other end. `found` is asked once for each connection, for its key and where it comes from.
    pub(super) fn caller(
        &mut self,
        peer: PeerId,
        found: impl FnOnce() -> Option<(PublicKey, Option<IpAddr>)>,
        now_ms: u64,
    ) -> Result<Caller, Expelled> {
        let access = self.access.read();
        let connection = match self.connections.entry(peer) {
            Entry::Occupied(known) => {
                let connection = known.into_mut();
                connection.comes_in(&access, self.quota.as_ref(), now_ms);
                connection
            }
            Entry::Vacant(new) => {
                let (key, address) = found().ok_or(Expelled)?;
                let key = device_key(&key);
                let user = access.user_of(&key, now_ms).cloned();
                return Ok(new.insert(Connection { key, address, user }).caller());
            }
        };
        if !connection.is_still_its_users(&access, now_ms) {
            drop(access);
            self.connections.remove(&peer);
            return Err(Expelled);
        }
        Ok(connection.caller())
    }

    /// Connections whose user they are no longer, if anything has changed since this was last asked. Those that are gone are
    /// forgotten, also when they are too many.
    pub(super) fn expelled(&mut self, is_connected: impl Fn(PeerId) -> bool, now_ms: u64) -> Vec<PeerId> {
        let version = self.access.version();
        let is_full = self.connections.len() >= CALLERS_REMEMBERED_MAX;
        if version == self.version && !is_full {
            return Vec::new();
        }
        self.version = version;
        let access = self.access.read();
        let mut expelled = Vec::new();
        self.connections.retain(|peer, connection| {
            // Before all else, since who has joined may be gone by now.
            connection.comes_in(&access, self.quota.as_ref(), now_ms);
            if !is_connected(*peer) {
                return false;
            }
            let is_so_still = connection.is_still_its_users(&access, now_ms);
            if !is_so_still {
                expelled.push(*peer);
            }
            is_so_still
        });
        expelled
    }
}

impl Connection {
    /// If it was a stranger's and is a user's now, whatever it tried to get in with was good. Who was a user from the beginning has
    /// tried nothing: otherwise each further connection of theirs would make up for a guess at somebody else's password.
    fn comes_in(&mut self, access: &Access, quota: Option<&SharedQuota>, now_ms: u64) {
        if self.user.is_some() {
            return;
        }
        self.user = access.user_of(&self.key, now_ms).cloned();
        if let (Some(user), Some(quota)) = (&self.user, quota) {
            quota.lock().succeeded(Some(user), self.address);
        }
    }

    fn is_still_its_users(&self, access: &Access, now_ms: u64) -> bool {
        self.user.is_none() || self.user.as_ref() == access.user_of(&self.key, now_ms)
    }

    fn caller(&self) -> Caller {
        match &self.user {
            Some(user) => Caller::User(user.clone(), self.key),
            None => Caller::Stranger(self.key),
        }
    }
}

/// What a request is judged by.
pub(super) enum Guard<'a> {
    /// Nobody is asked who they are.
    Open,
    /// What this caller may do.
    Secured {
        /// Not [`Caller::Anybody`].
        caller: &'a Caller,
        access: &'a Access,
        names: &'a dyn Fn(&str) -> NameOf,
        now_ms: u64,
        /// None if nothing is counted.
        quota: Option<&'a SharedQuota>,
        address: Option<IpAddr>,
    },
}

impl Guard<'_> {
    /// May it be asked? Who asks, if security is on and it is a user.
    pub(super) fn check(&self, body: &RequestBody) -> Result<Caller, Refusal> {
        let (caller, access, names, now_ms) = match self {
            Guard::Open if Nature::of(body).is_for_secured => return Err(not_secured()),
            Guard::Open => return Ok(Caller::Anybody),
            Guard::Secured { caller, access, names, now_ms, .. } => (caller, access, names, *now_ms),
        };
        match caller {
            Caller::Anybody | Caller::Stranger(_) if Nature::of(body).is_for_strangers => {
                Ok((*caller).clone())
            }
            Caller::Anybody | Caller::Stranger(_) => Err(unknown_key()),
            Caller::User(user, key) => {
                access.check_plain(key, body)?;
                access.check(user, body, &|name: &str| names(name), now_ms)?;
                Ok((*caller).clone())
            }
        }
    }

    /// Charges the request to who sends it, whether it may be asked or not; or says when to come back.
    pub(super) fn charge(&self, body: &RequestBody, bytes: usize, now: Instant) -> Result<(), Wait> {
        let Guard::Secured { caller, names, quota: Some(quota), address, .. } = self else { return Ok(()) };
        let (user, cost) = match (caller, body) {
            (Caller::Stranger(_), RequestBody::Join { .. }) => (None, Cost::Attempt { bytes }),
            (Caller::Stranger(_), RequestBody::Login { user, password: Some(_) }) => {
                (Some(user), Cost::Attempt { bytes })
            }
            (Caller::Anybody | Caller::Stranger(_), _) => (None, Cost::Request { bytes }),
            (Caller::User(user, _), body) => (Some(user), Nature::of(body).cost(names, bytes)),
        };
        quota.lock().admit(user, *address, cost, now)
    }

    /// What a login is answered, if security is on.
    pub(super) fn logged_in(&self, user: &UserName) -> Option<Box<ReplyBody>> {
        let Guard::Secured { access, .. } = self else { return None };
        let role = access.role_of(user)?;
        Some(Box::new(ReplyBody::LoggedIn { user: user.clone(), role }))
    }

    /// Whether a user may know the last place of a topic.
    pub(super) fn may_know(&self, user: &UserName, topic: &TopicName) -> bool {
        match self {
            Guard::Open => true,
            Guard::Secured { access, names, .. } => {
                access.may_hear(user, topic.as_str().as_bytes(), &|name: &str| names(name))
            }
        }
    }

    /// A user's keys; one's own if it is not said whose.
    pub(super) fn keys(&self, user: &UserName) -> ReplyBody {
        match self {
            Guard::Open => internal(),
            Guard::Secured { access, now_ms, .. } => ReplyBody::Keys(access.keys(user, *now_ms)),
        }
    }

    /// Who is in a channel.
    pub(super) fn members(&self, channel: &ChannelName) -> ReplyBody {
        match self {
            Guard::Open => internal(),
            Guard::Secured { access, .. } => ReplyBody::Members(access.members(channel)),
        }
    }
}

/// What a request is judged and charged by, whoever asks.
struct Nature<'a> {
    /// Open mode has no use for it.
    is_for_secured: bool,
    /// One ceases to be a stranger by it.
    is_for_strangers: bool,
    charged: Charged<'a>,
}

/// What a user's request is charged as.
enum Charged<'a> {
    Request,
    Message,
    /// If there is none of this name yet.
    Channel(&'a ChannelName),
}

impl<'a> Nature<'a> {
    fn of(body: &'a RequestBody) -> Self {
        let plain = Self { is_for_secured: false, is_for_strangers: false, charged: Charged::Request };
        match body {
            RequestBody::Join { .. } => Self { is_for_secured: true, is_for_strangers: true, ..plain },
            RequestBody::Login { password, .. } => Self { is_for_strangers: password.is_some(), ..plain },
            // Everybody would read what is meant for few.
            RequestBody::Channel { channel, private, .. } => {
                Self { is_for_secured: *private, charged: Charged::Channel(channel), ..plain }
            }
            RequestBody::Publish { .. } | RequestBody::Message { .. } | RequestBody::Act { .. } => {
                Self { charged: Charged::Message, ..plain }
            }
            RequestBody::Admin { .. }
            | RequestBody::Keys { .. }
            | RequestBody::Members { .. }
            | RequestBody::Audit { .. } => Self { is_for_secured: true, ..plain },
            RequestBody::Users
            | RequestBody::Channels
            | RequestBody::History(_)
            | RequestBody::Search(_)
            | RequestBody::Sync { .. }
            | RequestBody::Mark { .. }
            | RequestBody::Marks { .. }
            | RequestBody::Here { .. }
            | RequestBody::Who => plain,
        }
    }

    fn cost(&self, names: &dyn Fn(&str) -> NameOf, bytes: usize) -> Cost {
        match self.charged {
            Charged::Message => Cost::Message { bytes },
            Charged::Channel(channel) if names(channel.as_str()) == NameOf::Nobody => Cost::Channel { bytes },
            Charged::Channel(_) | Charged::Request => Cost::Request { bytes },
        }
    }
}

fn unknown_key() -> Refusal {
    Refusal::new(Code::UnknownKey, "this key is nobody's here; join with a code from somebody who is here")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Instant;

    use recado_proto::{Code, Password, RequestBody, Role, UserName};
    use recado_zmtp::PeerId;
    use recado_zmtp::curve::PublicKey;
    use tempfile::TempDir;

    use super::{Caller, Callers, Expelled, Guard};
    use crate::access::{AccessAct, Actor, Administration};
    use crate::quota::{Allowance, Quota};
    use crate::service::doors::device_key;
    use crate::store::{Change, NameOf, Outcome, SqliteStore, Store};

    const KEY: PublicKey = PublicKey::from_bytes([7; 32]);
    const PEER: PeerId = PeerId::from_number(1);

    fn user(name: &str) -> UserName {
        UserName::parse(name).unwrap()
    }

    /// A store in which bob has a key, and what is known of connections to it.
    struct Scene {
        callers: Callers,
        store: SqliteStore,
        _folder: TempDir,
    }

    impl Scene {
        fn new() -> Scene {
            let folder = TempDir::new().unwrap();
            let store = SqliteStore::open(&folder.path().join("recado.db")).unwrap();
            let callers =
                Callers::new(store.access(), Some(Quota::new(Allowance::USER, Allowance::ADDRESS).into()));
            Scene { callers, store, _folder: folder }
        }

        fn does(&mut self, act: AccessAct) {
            let changes = vec![Change::Access { actor: Actor::System, act }];
            let outcomes = self.store.commit(changes, 1).unwrap().outcomes;
            assert!(matches!(outcomes[..], [Outcome::Access(_)]), "{outcomes:?}");
        }

        fn with_bob(mut self) -> Scene {
            self.does(AccessAct::UserMade { user: user("bob"), role: Role::Member });
            let (of, key) = (user("bob"), device_key(&KEY));
            self.does(AccessAct::Admin(Administration::AddKey { of, key, device: None }));
            self
        }

        fn caller(&mut self) -> Result<Caller, Expelled> {
            self.callers.caller(PEER, || Some((KEY, None)), 1)
        }

        fn check(&self, caller: &Caller, body: &RequestBody) -> Result<Caller, Code> {
            let access = Arc::clone(self.callers.access());
            let (access, names) = (access.read(), |_: &str| NameOf::User);
            let (quota, address) = (None, None);
            let guard = Guard::Secured { caller, access: &access, names: &names, now_ms: 1, quota, address };
            guard.check(body).map_err(|refusal| refusal.code)
        }
    }

    #[test]
    fn a_key_is_a_stranger_s_until_it_is_a_user_s() {
        let mut scene = Scene::new();
        assert_eq!(scene.caller(), Ok(Caller::Stranger(device_key(&KEY))));
        let mut scene = scene.with_bob();
        assert_eq!(scene.caller(), Ok(Caller::User(user("bob"), device_key(&KEY))));
        assert_eq!(scene.callers.caller(PeerId::from_number(2), || None, 1), Err(Expelled), "it is gone");
    }

    #[test]
    fn whose_key_is_taken_is_expelled_whether_it_asks_or_not() {
        let mut scene = Scene::new().with_bob();
        scene.caller().unwrap();
        assert!(scene.callers.expelled(|_| true, 1).is_empty());
        scene.does(AccessAct::Admin(Administration::RevokeKey { key: device_key(&KEY) }));
        assert_eq!(scene.callers.expelled(|_| true, 1), [PEER]);
        assert_eq!(scene.caller(), Ok(Caller::Stranger(device_key(&KEY))), "on a new connection");

        let mut scene = Scene::new().with_bob();
        scene.caller().unwrap();
        scene.does(AccessAct::Admin(Administration::Ban { of: user("bob") }));
        assert_eq!(scene.caller(), Err(Expelled));
    }

    #[test]
    fn who_has_joined_has_not_failed_even_if_the_connection_says_no_more() {
        let address = Some("192.0.2.1".parse().unwrap());
        let joining = RequestBody::Join { code: None, user: None, device: None };
        let mut scene = Scene::new();
        scene.does(AccessAct::UserMade { user: user("bob"), role: Role::Member });
        let tries = |scene: &mut Scene, number: u8| {
            let (peer, key) = (PeerId::from_number(number.into()), PublicKey::from_bytes([number; 32]));
            let caller = scene.callers.caller(peer, || Some((key, address)), 1).unwrap();
            let (access, names) = (Arc::clone(scene.callers.access()), |_: &str| NameOf::User);
            let (access, quota) = (access.read(), scene.callers.quota());
            let guard =
                Guard::Secured { caller: &caller, access: &access, names: &names, now_ms: 1, quota, address };
            guard.charge(&joining, 1, Instant::now()).is_ok()
        };
        let joins = |scene: &mut Scene, number: u8| {
            let (of, key) = (user("bob"), device_key(&PublicKey::from_bytes([number; 32])));
            scene.does(AccessAct::Admin(Administration::AddKey { of, key, device: None }));
        };
        for number in 1..=20 {
            assert!(tries(&mut scene, number), "{number}");
            joins(&mut scene, number);
            assert!(scene.callers.expelled(|_| false, 1).is_empty());
        }
        let failed = (101..=200).take_while(|number| tries(&mut scene, *number)).count();
        assert!(failed < 100, "somewhere they have to wait");
        joins(&mut scene, 100);
        for peer in 201..=250 {
            let key = PublicKey::from_bytes([100; 32]);
            scene.callers.caller(PeerId::from_number(peer), || Some((key, address)), 1).unwrap();
        }
        assert!(!tries(&mut scene, 99), "one's own connections make up for no guess");
    }

    #[test]
    fn a_stranger_may_join_and_log_in_with_a_password_and_nothing_else() {
        let scene = Scene::new();
        let stranger = Caller::Stranger(device_key(&KEY));
        let login = |password| RequestBody::Login { user: user("bob"), password };
        let password = Password::parse("correct horse").unwrap();
        for body in [RequestBody::Join { code: None, user: None, device: None }, login(Some(password))] {
            assert_eq!(scene.check(&stranger, &body), Ok(stranger.clone()));
        }
        for body in [login(None), RequestBody::Users, RequestBody::Who, RequestBody::Keys { of: None }] {
            assert_eq!(scene.check(&stranger, &body), Err(Code::UnknownKey));
        }
    }

    #[test]
    fn an_open_system_has_no_use_for_what_is_for_secured_ones() {
        assert_eq!(Guard::Open.check(&RequestBody::Users), Ok(Caller::Anybody));
        for body in [
            RequestBody::Join { code: None, user: None, device: None },
            RequestBody::Keys { of: None },
            RequestBody::Audit { after: 0, limit: 1 },
        ] {
            assert_eq!(Guard::Open.check(&body).unwrap_err().code, Code::NotSecured);
        }
    }
}
