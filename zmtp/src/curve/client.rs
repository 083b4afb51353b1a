//! The client's side of the handshake: HELLO out, WELCOME in, INITIATE out, READY in.

use bytes::{Bytes, BytesMut};
use zeroize::Zeroizing;

use super::boxes::{Nonce, SharedKey};
use super::channel::Channel;
use super::command::{
    CLIENT_MESSAGE_NONCE, COOKIE_BYTES, Expected, Fields, HELLO, HELLO_NONCE, HELLO_PADDING_BYTES,
    HELLO_TEXT_BYTES, INITIATE, INITIATE_NONCE, RANDOM_BYTES, READY, READY_BYTES_MIN, READY_NONCE,
    SERVER_MESSAGE_NONCE, VERSION, VOUCH_NONCE, WELCOME, WELCOME_BYTES, WELCOME_NONCE, put_command,
    secret_and_nonce,
};
use super::error::CurveError;
use super::keys::{KeyPair, PublicKey, SecretKey};

/// One connection's handshake as its client.
pub(crate) struct ClientSide {
    keys: KeyPair,
    server: PublicKey,
    random: Zeroizing<[u8; RANDOM_BYTES]>,
    state: State,
}

enum State {
    Greeted,
    AwaitingWelcome(Box<Introduced>),
    Welcome(Box<Introduced>, Bytes),
    /// What the short-term keys agree on.
    AwaitingReady(SharedKey),
    Ready(SharedKey, Bytes),
    Over,
}

struct Introduced {
    /// Our short-term key.
    own: SecretKey,
    public: PublicKey,
    /// What it and the server's long-term key agree on.
    shared: SharedKey,
}

const HELLO_COUNTER: u64 = 1;
const INITIATE_COUNTER: u64 = 2;

impl ClientSide {
    /// Begins; [`compute`](Self::compute) is due.
    pub(crate) fn new(keys: KeyPair, server: PublicKey, random: Zeroizing<[u8; RANDOM_BYTES]>) -> Self {
        Self { keys, server, random, state: State::Greeted }
    }

    pub(crate) fn server(&self) -> PublicKey {
        self.server
    }

    /// Whether INITIATE was made, which says which key this side has.
    pub(crate) fn has_shown_key(&self) -> bool {
        match self.state {
            State::AwaitingReady(_) | State::Ready(..) => true,
            State::Greeted | State::AwaitingWelcome(_) | State::Welcome(..) | State::Over => false,
        }
    }

    pub(crate) fn expected(&self) -> Result<Expected, CurveError> {
        match self.state {
            State::AwaitingWelcome(_) => Ok(Expected::exactly(WELCOME, WELCOME_BYTES)),
            State::AwaitingReady(_) => Ok(Expected::at_least(READY, READY_BYTES_MIN)),
            State::Greeted | State::Welcome(..) | State::Ready(..) | State::Over => Err(CurveError::Over),
        }
    }

    /// Takes the command that was [`expected`](Self::expected): after WELCOME [`compute`](Self::compute) is due, after READY
    /// [`finish`](Self::finish). Whether it was READY.
    pub(crate) fn received(&mut self, body: Bytes) -> Result<bool, CurveError> {
        let (state, is_ready) = match std::mem::replace(&mut self.state, State::Over) {
            State::AwaitingWelcome(introduced) => (State::Welcome(introduced, body), false),
            State::AwaitingReady(shared) => (State::Ready(shared, body), true),
            State::Greeted | State::Welcome(..) | State::Ready(..) | State::Over => {
                return Err(CurveError::Over);
            }
        };
        self.state = state;
        Ok(is_ready)
    }

    /// Does the scalar multiplications that are due, and appends the command that they were for. INITIATE says `metadata`.
    pub(crate) fn compute(&mut self, metadata: &[u8], outgoing: &mut BytesMut) -> Result<(), CurveError> {
        self.state = match std::mem::replace(&mut self.state, State::Over) {
            State::Greeted => State::AwaitingWelcome(Box::new(self.hello(outgoing)?)),
            State::Welcome(introduced, body) => {
                State::AwaitingReady(self.initiate(&introduced, &body, metadata, outgoing)?)
            }
            State::AwaitingWelcome(_) | State::AwaitingReady(_) | State::Ready(..) | State::Over => {
                return Err(CurveError::Over);
            }
        };
        Ok(())
    }

    fn hello(&self, outgoing: &mut BytesMut) -> Result<Introduced, CurveError> {
        let own = SecretKey::from_bytes(secret_and_nonce(&self.random).0);
        let public = own.public();
        let shared = SharedKey::agree(&own, &self.server).ok_or(CurveError::WeakKey)?;
        let sealed = shared.seal(&Nonce::counted(HELLO_NONCE, HELLO_COUNTER), &[&[0; HELLO_TEXT_BYTES]]);
        let (padding, counter) = ([0; HELLO_PADDING_BYTES], HELLO_COUNTER.to_be_bytes());
        put_command(outgoing, &[HELLO, &VERSION, &padding, public.as_bytes(), &counter, &sealed]);
        Ok(Introduced { own, public, shared })
    }

    fn initiate(
        &self,
        introduced: &Introduced,
        welcome: &[u8],
        metadata: &[u8],
        outgoing: &mut BytesMut,
    ) -> Result<SharedKey, CurveError> {
        let mut fields = Fields::behind(WELCOME, welcome);
        let nonce = Nonce::random(WELCOME_NONCE, fields.array());
        let opened = introduced.shared.open(&nonce, fields.rest()).ok_or(CurveError::Welcome)?;
        let mut fields = Fields::behind(&[], &opened);
        let (server, cookie) = (fields.key(), fields.array::<COOKIE_BYTES>());

        let vouch_nonce = secret_and_nonce(&self.random).1;
        let vouching = SharedKey::agree(self.keys.secret(), &server).ok_or(CurveError::WeakKey)?;
        let vouch = vouching.seal(
            &Nonce::random(VOUCH_NONCE, vouch_nonce),
            &[introduced.public.as_bytes(), self.server.as_bytes()],
        );
        let shared = SharedKey::agree(&introduced.own, &server).ok_or(CurveError::WeakKey)?;
        let sealed = shared.seal(
            &Nonce::counted(INITIATE_NONCE, INITIATE_COUNTER),
            &[self.keys.public().as_bytes(), vouch_nonce, &vouch, metadata],
        );
        put_command(outgoing, &[INITIATE, cookie, &INITIATE_COUNTER.to_be_bytes(), &sealed]);
        Ok(shared)
    }

    /// What the server says of itself in its READY, and the channel.
    pub(crate) fn finish(&mut self, frame_bytes_max: usize) -> Result<(Vec<u8>, Channel), CurveError> {
        let State::Ready(shared, body) = std::mem::replace(&mut self.state, State::Over) else {
            return Err(CurveError::Over);
        };
        let mut fields = Fields::behind(READY, &body);
        let nonce = fields.counter();
        let opened = shared.open(&Nonce::counted(READY_NONCE, nonce), fields.rest());
        let metadata = opened.ok_or(CurveError::Ready)?.to_vec();
        let (ours, theirs) = (shared.box_key(CLIENT_MESSAGE_NONCE), shared.box_key(SERVER_MESSAGE_NONCE));
        Ok((metadata, Channel::new(ours, INITIATE_COUNTER, theirs, nonce, frame_bytes_max)))
    }
}
