//! NaCl's box: X25519, HSalsa20, Salsa20 and Poly1305, put together as CurveZMQ needs them.
//!
//! XSalsa20 makes of its key and the first 16 bytes of its nonce a key for Salsa20, whose nonce is the last 8. In CURVE those 16
//! bytes say which command it is, so that the commands of one kind in one direction have one such key: a [`BoxKey`].

use cryptoxide::poly1305::Poly1305;
use salsa20::cipher::consts::U10;
use salsa20::hsalsa;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::keys::{KEY_BYTES, PublicKey, SecretKey};
use super::keystream::{BLOCK_BYTES, Keystream};

/// Bytes by which a box is longer than what is in it: its authenticator, in front.
pub(super) const TAG_BYTES: usize = 16;

/// Bytes of a nonce that say what the box is of.
const PREFIX_BYTES: usize = 16;

/// A nonce, in the two parts that matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Nonce {
    prefix: [u8; PREFIX_BYTES],
    rest: u64,
}

impl Nonce {
    /// What the box is of, and a counter.
    pub(super) fn counted(prefix: &[u8; PREFIX_BYTES], counter: u64) -> Self {
        Self { prefix: *prefix, rest: counter }
    }

    /// What the box is of, and 16 random bytes.
    pub(super) fn random(name: &[u8; 8], random: &[u8; 16]) -> Self {
        let mut prefix = [0; PREFIX_BYTES];
        let (begin, end) = random.split_at(8);
        prefix[..8].copy_from_slice(name);
        prefix[8..].copy_from_slice(begin);
        Self { prefix, rest: u64::from_be_bytes(end.try_into().expect("eight of sixteen bytes are left")) }
    }
}

/// What two key pairs agree on. Wiped when it is dropped.
pub(super) struct SharedKey(Zeroizing<[u8; KEY_BYTES]>);

impl SharedKey {
    /// One scalar multiplication. None if the other's key is one with which everybody would agree.
    pub(super) fn agree(ours: &SecretKey, theirs: &PublicKey) -> Option<Self> {
        let agreed = ours.agree(theirs)?;
        Some(Self(Zeroizing::new(hsalsa::<U10>((&*agreed).into(), (&[0; 16]).into()).into())))
    }

    /// One that is known.
    pub(super) fn known(key: [u8; KEY_BYTES]) -> Self {
        Self(Zeroizing::new(key))
    }

    /// The key of all boxes whose nonce begins so.
    pub(super) fn box_key(&self, prefix: &[u8; PREFIX_BYTES]) -> BoxKey {
        let key = Zeroizing::new(hsalsa::<U10>((&*self.0).into(), prefix.into()).into());
        BoxKey(Keystream::new(&key))
    }

    /// A box of all parts.
    pub(super) fn seal(&self, nonce: &Nonce, parts: &[&[u8]]) -> Vec<u8> {
        let len = TAG_BYTES + parts.iter().map(|part| part.len()).sum::<usize>();
        // Never grown, so that no copy of what is in it is left behind.
        let mut sealed = Vec::with_capacity(len);
        sealed.resize(TAG_BYTES, 0);
        parts.iter().for_each(|part| sealed.extend_from_slice(part));
        self.box_key(&nonce.prefix).seal(nonce.rest, &mut sealed);
        sealed
    }

    /// What is in a box; None if it is not one of this key and nonce.
    pub(super) fn open(&self, nonce: &Nonce, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let mut opened = Zeroizing::new(sealed.to_vec());
        if !self.box_key(&nonce.prefix).open(nonce.rest, &mut opened) {
            return None;
        }
        opened.drain(..TAG_BYTES);
        Some(opened)
    }
}

/// The key of boxes of one kind in one direction, whose nonces are counted. Wiped when it is dropped.
pub(super) struct BoxKey(Keystream);

impl BoxKey {
    /// Seals in place: what follows the first 16 bytes, which become its authenticator.
    ///
    /// # Panics
    /// Fewer than 16 bytes.
    pub(super) fn seal(&mut self, nonce: u64, sealed: &mut [u8]) {
        let (tag, text) = sealed.split_at_mut(TAG_BYTES);
        let mut authenticator = self.begin(nonce);
        self.apply(nonce, text);
        authenticator.update_mut(text);
        tag.copy_from_slice(authenticator.finalize().as_ref());
    }

    /// Opens in place what follows the first 16 bytes, if those are its authenticator; otherwise leaves everything as it is.
    ///
    /// # Panics
    /// Fewer than 16 bytes.
    pub(super) fn open(&mut self, nonce: u64, sealed: &mut [u8]) -> bool {
        let (tag, text) = sealed.split_at_mut(TAG_BYTES);
        let mut authenticator = self.begin(nonce);
        authenticator.update_mut(text);
        let is_ours = bool::from(authenticator.finalize().as_ref()[..].ct_eq(tag));
        if is_ours {
            self.apply(nonce, text);
        }
        is_ours
    }

    /// The stream's first 32 bytes are the authenticator's key.
    fn begin(&mut self, nonce: u64) -> Poly1305 {
        let (key, _) = self.0.first(nonce).split_first_chunk().expect("half of a block is a key");
        Poly1305::new(key)
    }

    /// What follows them is the text's.
    fn apply(&mut self, nonce: u64, text: &mut [u8]) {
        let (begin, rest) = text.split_at_mut(text.len().min(BLOCK_BYTES - KEY_BYTES));
        let stream = &self.0.first(nonce)[KEY_BYTES..];
        begin.iter_mut().zip(stream).for_each(|(byte, key)| *byte ^= key);
        self.0.apply_from_second(nonce, rest);
    }
}

#[cfg(test)]
mod tests;
