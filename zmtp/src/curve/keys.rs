//! Long-term and short-term keys: 32 bytes, as text in Z85. Secret ones are wiped when they are dropped, and show nothing of
//! themselves unless they are asked to in so many words.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use blake2::Blake2bMac;
use blake2::digest::{Mac, consts::U32};
use sha2::{Digest, Sha256};
use thiserror::Error;
use x25519_dalek::StaticSecret;
use zeroize::Zeroizing;

use super::z85;

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;

/// What sets keys that stand in apart from anything else that may be made of a secret key: BLAKE2's personalisation, of 16 bytes.
const STAND_IN: &[u8; 16] = b"recado-stand-in1";

/// Crockford's, which has no letters that look like digits.
const BASE32: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Of a fingerprint: groups of four characters, of five bits each.
const FINGERPRINT_GROUPS: usize = 8;
const FINGERPRINT_BYTES: usize = FINGERPRINT_GROUPS * 4 * 5 / 8;

/// Who somebody is, as far as CURVE is concerned.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; KEY_BYTES]);

impl PublicKey {
    /// Any 32 bytes.
    pub const fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// For people to compare: the first 160 bits of the key's SHA-256 as 8 groups of 4 letters and digits.
    pub fn fingerprint(&self) -> String {
        let digest = Sha256::digest(self.0);
        let mut text = String::with_capacity(FINGERPRINT_GROUPS * 5 - 1);
        for (index, group) in digest[..FINGERPRINT_BYTES].chunks(5).flat_map(base32).enumerate() {
            if index > 0 && index % 4 == 0 {
                text.push(' ');
            }
            text.push(group);
        }
        text
    }
}

/// Five bytes as eight characters.
fn base32(bytes: &[u8]) -> impl Iterator<Item = char> {
    let bits = bytes.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
    (0..8).rev().map(move |place| char::from(BASE32[(bits >> (place * 5) & 31) as usize]))
}

impl fmt::Display for PublicKey {
    /// As Z85.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&z85::encode(&self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;

    /// From Z85.
    fn from_str(text: &str) -> Result<Self, KeyError> {
        z85::decode(text).map(|bytes| Self(*bytes))
    }
}

/// What proves who somebody is. Wiped when it is dropped.
pub struct SecretKey(StaticSecret);

impl SecretKey {
    /// Any 32 bytes; the caller's are the caller's to wipe.
    pub fn from_bytes(bytes: &[u8; KEY_BYTES]) -> Self {
        Self(StaticSecret::from(*bytes))
    }

    /// As Z85: for the one file that it is kept in.
    pub fn to_z85(&self) -> Zeroizing<String> {
        z85::encode(self.0.as_bytes())
    }

    /// The key that goes with it.
    pub fn public(&self) -> PublicKey {
        PublicKey(x25519_dalek::PublicKey::from(&self.0).to_bytes())
    }

    /// A public key for those who have none of their own: the same whenever it is made of this key and this name, and of no use to prove
    /// anything with, since nobody knows a secret key to it. BLAKE2b (RFC 7693), keyed with this key.
    fn stand_in(&self, name: &str) -> PublicKey {
        let hash = Blake2bMac::<U32>::new_with_salt_and_personal(Some(self.0.as_bytes()), &[], STAND_IN)
            .expect("the lengths are those that BLAKE2b takes");
        PublicKey(hash.chain_update(name).finalize().into_bytes().into())
    }

    /// What only the owner of this key and the owner of `theirs` can compute. None with one of the few keys for which everybody can.
    pub(super) fn agree(&self, theirs: &PublicKey) -> Option<Zeroizing<[u8; KEY_BYTES]>> {
        let shared = self.0.diffie_hellman(&x25519_dalek::PublicKey::from(theirs.0));
        shared.was_contributory().then(|| Zeroizing::new(shared.to_bytes()))
    }
}

impl fmt::Debug for SecretKey {
    /// Nothing of the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey")
    }
}

impl FromStr for SecretKey {
    type Err = KeyError;

    /// From Z85.
    fn from_str(text: &str) -> Result<Self, KeyError> {
        z85::decode(text).map(|bytes| Self::from_bytes(&bytes))
    }
}

/// A secret key and its public one. Clones share them.
#[derive(Clone)]
pub struct KeyPair(Arc<Pair>);

struct Pair {
    secret: SecretKey,
    public: PublicKey,
}

impl KeyPair {
    /// A new one, from the system's randomness.
    pub fn generate() -> Self {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        fill_with_randomness(&mut *bytes);
        Self::from_secret(SecretKey::from_bytes(&bytes))
    }

    /// The pair that a secret key belongs to.
    pub fn from_secret(secret: SecretKey) -> Self {
        let public = secret.public();
        Self(Arc::new(Pair { secret, public }))
    }

    /// The half to tell everybody.
    pub fn public(&self) -> PublicKey {
        self.0.public
    }

    /// The public key that stands in, at this installation, for those who are let in under a name without a key of their own
    /// ([`Security::NullAs`](super::Security::NullAs)). Who has this pair comes to the same, and nobody can prove to have it.
    pub fn stand_in(&self, name: &str) -> PublicKey {
        self.0.secret.stand_in(name)
    }

    /// The half to tell nobody.
    pub fn secret(&self) -> &SecretKey {
        &self.0.secret
    }
}

impl fmt::Debug for KeyPair {
    /// The public half alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyPair").field(&self.0.public).finish()
    }
}

/// The system's own, of which keys and nonces are made.
pub(crate) fn fill_with_randomness(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("every system that runs this gives randomness once it has started");
}

/// Why text is no key. Says nothing of the text, which may have been meant to be secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    /// Not 40 characters.
    #[error("a key has 40 characters; this is {0} bytes long")]
    Length(usize),
    /// Not what Z85 makes of 32 bytes.
    #[error("a character or a group of characters that Z85 does not have")]
    NotZ85,
}

#[cfg(test)]
mod tests {
    use super::{KeyError, KeyPair, PublicKey, SecretKey};

    /// RFC 26's example, a client's pair.
    const PUBLIC: &str = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";
    const SECRET: &str = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs";

    #[test]
    fn a_secret_key_has_the_public_key_that_the_rfc_gives_with_it() {
        let pair = KeyPair::from_secret(SECRET.parse().unwrap());
        assert_eq!(pair.public(), PUBLIC.parse().unwrap());
        assert_eq!(pair.public().to_string(), PUBLIC);
        assert_eq!(*pair.secret().to_z85(), SECRET);
    }

    #[test]
    fn two_that_are_generated_differ_and_agree_on_the_same() {
        let (ana, bob) = (KeyPair::generate(), KeyPair::generate());
        assert_ne!(ana.public(), bob.public());
        let agreed = ana.secret().agree(&bob.public()).unwrap();
        assert_eq!(bob.secret().agree(&ana.public()), Some(agreed));
    }

    #[test]
    fn keys_with_which_everybody_agrees_are_refused() {
        let mut one = [0; 32];
        one[0] = 1;
        for bytes in [[0; 32], one] {
            assert_eq!(KeyPair::generate().secret().agree(&PublicKey::from_bytes(bytes)), None);
        }
    }

    #[test]
    fn nothing_secret_is_shown() {
        let pair = KeyPair::from_secret(SECRET.parse().unwrap());
        assert_eq!(format!("{pair:?} {:?}", pair.secret()), format!("KeyPair({PUBLIC}) SecretKey"));
        let wrong = SECRET.replace('D', ",").parse::<SecretKey>().unwrap_err();
        assert_eq!(wrong, KeyError::NotZ85);
        assert!(!wrong.to_string().contains(&SECRET[1..5]));
    }

    /// The expected one is from Python's hashlib: `blake2b(b"ci", key=SECRET, person=b"recado-stand-in1", digest_size=32)`.
    #[test]
    fn a_stand_in_is_the_same_for_one_name_and_pair_and_nobody_elses() {
        let pair = KeyPair::from_secret(SECRET.parse().unwrap());
        let expect = "/fa4QaR:ee08R8]6MAx.C/&FeH3=ZR6Wv]gyq](1";
        assert_eq!(pair.stand_in("ci").to_string(), expect);
        let others =
            [pair.stand_in("c"), pair.stand_in(""), KeyPair::generate().stand_in("ci"), pair.public()];
        assert!(!others.contains(&pair.stand_in("ci")));
    }

    #[test]
    fn a_fingerprint_is_eight_groups_of_four() {
        let fingerprint = PublicKey::from_bytes([0; 32]).fingerprint();
        // SHA-256 of 32 zero bytes begins with 66687aadf862bd776c8fc18b8e9f8e2008971485.
        assert_eq!(fingerprint, "csm7 nbfr cayq ev4f r65r x7we 4049 e545");
    }
}
