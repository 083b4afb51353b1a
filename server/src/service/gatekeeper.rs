//! Charges connections for requests, where security is on: to their address before their handshake costs anything, and to their user
//! once its key is proved. Who has made too many is let in later.

use std::sync::Arc;
use std::time::Instant;

use recado_zmtp::Gatekeeper;
use recado_zmtp::codec::Welcome;
use recado_zmtp::curve::PublicKey;
use recado_zmtp::transport::PeerAddress;

use super::doors::device_key;
use super::turns::unix_ms;
use crate::quota::{Cost, SharedQuota};
use crate::store::SharedAccess;

/// Who charges them.
pub(super) struct Turnstile {
    pub(super) access: Arc<SharedAccess>,
    pub(super) quota: SharedQuota,
}

impl Gatekeeper for Turnstile {
    fn arrives(&self, address: PeerAddress) -> Result<(), String> {
        let charged = self.quota.lock().admit(None, address.host(), Cost::Connection, Instant::now());
        charged.map_err(|wait| wait.to_string())
    }

    /// Every key is welcome: strangers may ask to join.
    fn welcomes(&self, key: &PublicKey, _: PeerAddress) -> Welcome {
        let access = self.access.read();
        let Some(user) = access.user_of(&device_key(key), unix_ms()) else { return Welcome::Yes };
        // Its address has paid when it came.
        match self.quota.lock().admit(Some(user), None, Cost::Connection, Instant::now()) {
            Ok(()) => Welcome::Yes,
            Err(wait) => Welcome::NotNow(format!("{user}: {wait}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use recado_proto::{Role, UserName};
    use recado_zmtp::Gatekeeper;
    use recado_zmtp::codec::Welcome;
    use recado_zmtp::curve::PublicKey;
    use recado_zmtp::transport::PeerAddress;
    use tempfile::TempDir;

    use super::Turnstile;
    use crate::access::{AccessAct, Actor, Administration};
    use crate::quota::{Allowance, Quota, Rate};
    use crate::service::doors::device_key;
    use crate::store::{Change, SqliteStore, Store};

    /// So much at once, and no more while the test runs.
    fn no_more_than(burst: u32) -> Rate {
        Rate { tokens: 1, per: Duration::from_secs(3600), burst }
    }

    #[test]
    fn a_connection_is_charged_to_its_address_when_it_comes_and_to_its_user_when_that_is_known() {
        let folder = TempDir::new().unwrap();
        let mut store = SqliteStore::open(&folder.path().join("recado.db")).unwrap();
        let [of_ana, also_of_ana, of_bia, of_nobody] =
            [1, 2, 3, 4].map(|byte| PublicKey::from_bytes([byte; 32]));
        let mut does = |act| {
            store.commit(vec![Change::Access { actor: Actor::System, act }], 1).unwrap();
        };
        for (name, keys) in [("ana", &[of_ana, also_of_ana][..]), ("bia", &[of_bia])] {
            let user = UserName::parse(name).unwrap();
            does(AccessAct::UserMade { user: user.clone(), role: Role::Member });
            for key in keys {
                let (of, key) = (user.clone(), device_key(key));
                does(AccessAct::Admin(Administration::AddKey { of, key, device: None }));
            }
        }
        let quota = Quota::new(
            Allowance { connections: no_more_than(2), ..Allowance::USER },
            Allowance { connections: no_more_than(4), ..Allowance::ADDRESS },
        );
        let turnstile = Turnstile { access: store.access(), quota: quota.into() };
        let [home, elsewhere] =
            ["192.0.2.1:1", "192.0.2.2:1"].map(|address| PeerAddress::Tcp(address.parse().unwrap()));
        let welcome = |key| turnstile.welcomes(key, home);

        for _ in 0..4 {
            assert_eq!(turnstile.arrives(home), Ok(()));
        }
        let refusal = turnstile.arrives(home).unwrap_err();
        assert!(refusal.starts_with("too many connections were made; ask again in "), "{refusal}");
        assert_eq!(turnstile.arrives(elsewhere), Ok(()), "one address takes nothing from another");
        assert_eq!([(); 9].map(|()| turnstile.arrives(PeerAddress::Ipc)), [const { Ok(()) }; 9]);

        assert_eq!([welcome(&of_ana), welcome(&also_of_ana)], [Welcome::Yes, Welcome::Yes]);
        let Welcome::NotNow(reason) = welcome(&of_ana) else { panic!("she has made two") };
        assert!(reason.starts_with("ana: too many connections were made"), "{reason}");
        assert_eq!(welcome(&of_bia), Welcome::Yes);
        for _ in 0..9 {
            assert_eq!(welcome(&of_nobody), Welcome::Yes, "strangers are charged to their address alone");
        }
        assert!(turnstile.arrives(home).is_err());
    }
}
