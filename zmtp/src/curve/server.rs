//! The server's side of the handshake: HELLO in, WELCOME out, INITIATE in, and READY out when the caller lets the client's key in.
//!
//! The cookie is 96 random bytes. RFC 26 has the server seal its short-term key into it so that it may forget the client meanwhile; a
//! connection is held anyway, so here the short-term key never leaves, there is no cookie key to renew, and an INITIATE that was not
//! answered to this WELCOME is refused before anything is computed.

use bytes::{Bytes, BytesMut};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use super::boxes::{Nonce, SharedKey};
use super::channel::Channel;
use super::command::{
    CLIENT_MESSAGE_NONCE, COOKIE_BYTES, Expected, Fields, HELLO, HELLO_BYTES, HELLO_NONCE,
    HELLO_PADDING_BYTES, INITIATE, INITIATE_BYTES_MIN, INITIATE_NONCE, PROOF_BYTES, RANDOM_BYTES, READY,
    READY_NONCE, SERVER_MESSAGE_NONCE, VERSION, VOUCH_NONCE, WELCOME, WELCOME_NONCE, put_command,
    secret_and_nonce,
};
use super::error::CurveError;
use super::keys::{KEY_BYTES, KeyPair, PublicKey, SecretKey};

/// One connection's handshake as its server.
pub(crate) struct ServerSide {
    keys: KeyPair,
    random: Zeroizing<[u8; RANDOM_BYTES]>,
    state: State,
}

enum State {
    AwaitingHello,
    Hello(Bytes),
    AwaitingInitiate(Box<Welcomed>),
    Initiate(Box<Welcomed>, Bytes),
    /// What the short-term keys agree on, and the client's last nonce.
    Proven(SharedKey, u64),
    Over,
}

struct Welcomed {
    /// The client's short-term key.
    client: PublicKey,
    /// Ours.
    own: SecretKey,
    cookie: [u8; COOKIE_BYTES],
    /// The client's last.
    nonce: u64,
}

/// What a client has proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proof {
    /// Its long-term key.
    pub(crate) key: PublicKey,
    /// What it says of itself.
    pub(crate) metadata: Vec<u8>,
}

impl ServerSide {
    pub(crate) fn new(keys: KeyPair, random: Zeroizing<[u8; RANDOM_BYTES]>) -> Self {
        Self { keys, random, state: State::AwaitingHello }
    }

    pub(crate) fn expected(&self) -> Result<Expected, CurveError> {
        match self.state {
            State::AwaitingHello => Ok(Expected::exactly(HELLO, HELLO_BYTES)),
            State::AwaitingInitiate(_) => Ok(Expected::at_least(INITIATE, INITIATE_BYTES_MIN)),
            State::Hello(_) | State::Initiate(..) | State::Proven(..) | State::Over => Err(CurveError::Over),
        }
    }

    /// Takes the command that was [`expected`](Self::expected), and refuses what can be seen to be wrong for nothing. Then
    /// [`compute`](Self::compute) is due.
    pub(crate) fn received(&mut self, body: Bytes) -> Result<(), CurveError> {
        self.state = match std::mem::replace(&mut self.state, State::Over) {
            State::AwaitingHello => {
                let [major, minor] = *Fields::behind(HELLO, &body).array();
                if [major, minor] != VERSION {
                    return Err(CurveError::Version(major, minor));
                }
                State::Hello(body)
            }
            State::AwaitingInitiate(welcomed) => {
                let mut fields = Fields::behind(INITIATE, &body);
                if !bool::from(fields.array::<COOKIE_BYTES>().ct_eq(&welcomed.cookie)) {
                    return Err(CurveError::Cookie);
                }
                if fields.counter() <= welcomed.nonce {
                    return Err(CurveError::Nonce);
                }
                State::Initiate(welcomed, body)
            }
            State::Hello(_) | State::Initiate(..) | State::Proven(..) | State::Over => {
                return Err(CurveError::Over);
            }
        };
        Ok(())
    }

    /// Does the scalar multiplications that are due: a tenth of a millisecond or so. With the proof, it is the caller's to say
    /// whether the key is welcome.
    pub(crate) fn compute(&mut self, outgoing: &mut BytesMut) -> Result<Option<Proof>, CurveError> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Hello(body) => {
                self.state = State::AwaitingInitiate(Box::new(self.welcome(&body, outgoing)?));
                Ok(None)
            }
            State::Initiate(welcomed, body) => {
                let (shared, nonce, proof) = self.prove(&welcomed, &body)?;
                self.state = State::Proven(shared, nonce);
                Ok(Some(proof))
            }
            State::AwaitingHello | State::AwaitingInitiate(_) | State::Proven(..) | State::Over => {
                Err(CurveError::Over)
            }
        }
    }

    fn welcome(&mut self, body: &[u8], outgoing: &mut BytesMut) -> Result<Welcomed, CurveError> {
        let mut fields = Fields::behind(HELLO, body);
        fields.array::<{ VERSION.len() + HELLO_PADDING_BYTES }>();
        let (client, nonce) = (fields.key(), fields.counter());
        let shared = SharedKey::agree(self.keys.secret(), &client).ok_or(CurveError::WeakKey)?;
        let opened = shared.open(&Nonce::counted(HELLO_NONCE, nonce), fields.rest());
        opened.ok_or(CurveError::Hello)?;

        let (secret, welcome_nonce) = secret_and_nonce(&self.random);
        let own = SecretKey::from_bytes(secret);
        let cookie = *self.random.last_chunk().expect("there are more random bytes than these");
        let sealed =
            shared.seal(&Nonce::random(WELCOME_NONCE, welcome_nonce), &[own.public().as_bytes(), &cookie]);
        put_command(outgoing, &[WELCOME, welcome_nonce, &sealed]);
        self.random.zeroize();
        Ok(Welcomed { client, own, cookie, nonce })
    }

    fn prove(&self, welcomed: &Welcomed, body: &[u8]) -> Result<(SharedKey, u64, Proof), CurveError> {
        let mut fields = Fields::behind(INITIATE, body);
        fields.array::<COOKIE_BYTES>();
        let nonce = fields.counter();
        let shared = SharedKey::agree(&welcomed.own, &welcomed.client).ok_or(CurveError::WeakKey)?;
        let opened = shared.open(&Nonce::counted(INITIATE_NONCE, nonce), fields.rest());
        let opened = opened.ok_or(CurveError::Initiate)?;
        let (proof, metadata) =
            opened.split_first_chunk::<PROOF_BYTES>().expect("INITIATE's length was checked on its header");

        let mut fields = Fields::behind(&[], proof);
        let (key, vouch_nonce) = (fields.key(), Nonce::random(VOUCH_NONCE, fields.array()));
        let vouching = SharedKey::agree(&welcomed.own, &key).ok_or(CurveError::WeakKey)?;
        let vouch = vouching.open(&vouch_nonce, fields.rest()).ok_or(CurveError::Vouch)?;
        let mut due = [0; 2 * KEY_BYTES];
        due[..KEY_BYTES].copy_from_slice(welcomed.client.as_bytes());
        due[KEY_BYTES..].copy_from_slice(self.keys.public().as_bytes());
        if !bool::from(vouch.ct_eq(&due)) {
            return Err(CurveError::Vouch);
        }
        Ok((shared, nonce, Proof { key, metadata: metadata.to_vec() }))
    }

    /// Lets the client in that has proved its key.
    pub(crate) fn ready(
        &mut self,
        metadata: &[u8],
        frame_bytes_max: usize,
        outgoing: &mut BytesMut,
    ) -> Result<Channel, CurveError> {
        let State::Proven(shared, client_nonce) = std::mem::replace(&mut self.state, State::Over) else {
            return Err(CurveError::Over);
        };
        let nonce = 1_u64;
        let sealed = shared.seal(&Nonce::counted(READY_NONCE, nonce), &[metadata]);
        put_command(outgoing, &[READY, &nonce.to_be_bytes(), &sealed]);
        let (ours, theirs) = (shared.box_key(SERVER_MESSAGE_NONCE), shared.box_key(CLIENT_MESSAGE_NONCE));
        Ok(Channel::new(ours, nonce, theirs, client_nonce, frame_bytes_max))
    }
}
