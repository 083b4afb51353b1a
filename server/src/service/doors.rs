//! Who may hear what, as one broker asks it and was answered. A broker asks by subscribing to the question, and ceases to by
//! cancelling; it is answered on the same topic, before whatever is published after the answer came to be so, and again whenever the
//! answer changes. Bounded: a question too many is not answered, which the broker takes for a no.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use recado_proto::{DeviceKey, Role, UserName};
use recado_zmtp::Message;
use recado_zmtp::curve::PublicKey;
use tokio::sync::Notify;

use crate::access::Access;
use crate::limits::{DOOR_ANSWERS_AT_ONCE_MAX, DOOR_QUESTION_BYTES_MAX, DOOR_QUESTIONS_MAX};
use crate::store::NameOf;

/// What questions begin with.
const PREFIX: &[u8] = b"_may.";
/// The topic that stands for a broker's figures: administrators may ask for them.
const STATUS: &[u8] = b"_status";
const KEY_HEX_BYTES: usize = 64;

/// What a question is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked<'a> {
    key: PublicKey,
    /// None: whose is the key?
    topic: Option<&'a [u8]>,
}

/// What is so: the key's user, if it is one's and that one may hear the topic.
type Answer = Option<UserName>;

/// How it stands about one question of the broker's.
#[derive(Debug)]
enum Told {
    /// Not answered since it was asked last; its place among those.
    Waits(u64),
    Answered(Answer),
}

/// How much one broker may ask.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Open questions.
    pub(crate) questions_max: usize,
    /// Questions that are looked at before other tasks have their turn.
    pub(crate) answers_at_once_max: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { questions_max: DOOR_QUESTIONS_MAX, answers_at_once_max: DOOR_ANSWERS_AT_ONCE_MAX }
    }
}

/// The open questions of one broker, without the waiting.
#[derive(Debug, Default)]
struct Open {
    bounds: Bounds,
    questions: BTreeMap<Arc<[u8]>, Told>,
    /// Those that wait, by their places.
    fresh: BTreeMap<u64, Arc<[u8]>>,
    next_place: u64,
    /// Those up to here were looked at anew since the answers may have changed; none when all were.
    checked: Option<Option<Arc<[u8]>>>,
    /// The state of access that all answers are of.
    version: u64,
    /// Questions that were one too many.
    ignored: u64,
}

/// Shared by a feed, which answers, and its connection's task, which hears what the broker asks.
#[derive(Debug, Default)]
pub(crate) struct Doors {
    open: Mutex<Open>,
    asked: Notify,
}

impl Doors {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self { open: Mutex::new(Open { bounds, ..Open::default() }), asked: Notify::default() }
    }

    /// The broker subscribed to this; nothing happens if it is no question.
    pub(crate) fn asked_for(&self, topic: &[u8]) {
        if Asked::read(topic).is_some() {
            self.lock().ask(topic);
            self.asked.notify_one();
        }
    }

    /// The broker no longer wants to know.
    pub(crate) fn cancelled(&self, topic: &[u8]) {
        if topic.starts_with(PREFIX) {
            self.lock().forget(topic);
        }
    }

    /// The broker is gone. It asks anew when it is back.
    pub(crate) fn left(&self) {
        let mut open = self.lock();
        *open = Open { bounds: open.bounds, version: open.version, ..Open::default() };
    }

    /// Waits for a question.
    pub(crate) async fn asked(&self) {
        self.asked.notified().await;
    }

    /// Some of the answers that are due by now: all that are not as the broker was told. Nothing that came to be so with `version`
    /// may be published before this gave none.
    pub(crate) fn answers(
        &self,
        access: &Access,
        version: u64,
        names: &impl Fn(&str) -> NameOf,
        now_ms: u64,
    ) -> Due {
        let mut open = self.lock();
        open.is_of(version);
        let mut messages = Vec::new();
        let answer = |question: &[u8]| Asked::read(question).and_then(|it| it.answer(access, names, now_ms));
        let is_done = open.look(answer, &mut messages);
        Due { messages, is_done, ignored: std::mem::take(&mut open.ignored) }
    }

    /// What was answered may be so no longer, though nobody changed it: time has passed.
    pub(crate) fn look_again(&self) {
        self.lock().checked = Some(None);
        self.asked.notify_one();
    }

    /// Questions that wait for their answer.
    pub(crate) fn waiting(&self) -> usize {
        self.lock().fresh.len()
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        // Nothing can panic while it is locked.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is to be published.
#[derive(Debug)]
pub(crate) struct Due {
    pub(crate) messages: Vec<Message>,
    /// Nothing more is due.
    pub(crate) is_done: bool,
    /// Questions that were not taken since this was asked last.
    pub(crate) ignored: u64,
}

impl Open {
    /// Asked again it is answered again, once.
    fn ask(&mut self, topic: &[u8]) {
        let question: Arc<[u8]> = match self.questions.get_key_value(topic) {
            Some((_, Told::Waits(_))) => return,
            Some((question, Told::Answered(_))) => Arc::clone(question),
            None if self.questions.len() < self.bounds.questions_max => topic.into(),
            None => {
                self.ignored += 1;
                return;
            }
        };
        self.fresh.insert(self.next_place, Arc::clone(&question));
        self.questions.insert(question, Told::Waits(self.next_place));
        self.next_place += 1;
    }

    fn forget(&mut self, topic: &[u8]) {
        if let Some(Told::Waits(place)) = self.questions.remove(topic) {
            self.fresh.remove(&place);
        }
    }

    fn is_of(&mut self, version: u64) {
        if self.version != version {
            (self.version, self.checked) = (version, Some(None));
        }
    }

    /// Puts messages for what is not as it was told. True if all was looked at.
    fn look(&mut self, answer: impl Fn(&[u8]) -> Answer, messages: &mut Vec<Message>) -> bool {
        let mut left = self.bounds.answers_at_once_max;
        // Those that were told something first: what is no longer so must not be believed for longer than it takes.
        while let Some(from) = &self.checked {
            let next = match from {
                Some(from) => {
                    let behind = (Bound::Excluded(Arc::clone(from)), Bound::Unbounded);
                    self.questions.range_mut::<Arc<[u8]>, _>(behind).next()
                }
                None => self.questions.iter_mut().next(),
            };
            let Some((question, told)) = next else {
                self.checked = None;
                break;
            };
            if left == 0 {
                return false;
            }
            left -= 1;
            if let Told::Answered(before) = told {
                let now = answer(question);
                if now != *before {
                    messages.push(message(question, now.as_ref()));
                    *before = now;
                }
            }
            self.checked = Some(Some(Arc::clone(question)));
        }
        while left > 0
            && let Some((_, question)) = self.fresh.pop_first()
        {
            left -= 1;
            let now = answer(&question);
            messages.push(message(&question, now.as_ref()));
            self.questions.insert(question, Told::Answered(now));
        }
        self.fresh.is_empty()
    }
}

/// The question, a status code as ZAP has them (RFC 27), and the user's name.
fn message(question: &Arc<[u8]>, answer: Option<&UserName>) -> Message {
    let question = Bytes::copy_from_slice(question);
    let (status, user): (&'static [u8], Bytes) = match answer {
        Some(user) => (b"200", Bytes::copy_from_slice(user.as_str().as_bytes())),
        None => (b"404", Bytes::new()),
    };
    Message::new(vec![question, Bytes::from_static(status), user])
}

impl<'a> Asked<'a> {
    pub(crate) fn read(question: &'a [u8]) -> Option<Self> {
        if question.len() > DOOR_QUESTION_BYTES_MAX {
            return None;
        }
        let (hex, rest) = question.strip_prefix(PREFIX)?.split_at_checked(KEY_HEX_BYTES)?;
        let mut key = [0; KEY_HEX_BYTES / 2];
        for (byte, digits) in key.iter_mut().zip(hex.chunks_exact(2)) {
            *byte = digit(digits[0])? << 4 | digit(digits[1])?;
        }
        let topic = match rest {
            [] => None,
            [b'.', topic @ ..] => Some(topic),
            [_, ..] => return None,
        };
        Some(Self { key: PublicKey::from_bytes(key), topic })
    }

    fn answer(&self, access: &Access, names: &impl Fn(&str) -> NameOf, now_ms: u64) -> Answer {
        let user = access.user_of(&device_key(&self.key), now_ms)?;
        let may = match self.topic {
            None => true,
            Some(STATUS) => access.role_of(user) == Some(Role::Administrator),
            Some(topic) => access.may_hear(user, topic, names),
        };
        may.then(|| user.clone())
    }
}

/// Only the digits that a broker writes: a question has one form.
fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        _ => None,
    }
}

/// A connection's key as access knows it.
pub(crate) fn device_key(key: &PublicKey) -> DeviceKey {
    DeviceKey::from_bytes(*key.as_bytes())
}

#[cfg(test)]
mod tests {
    use recado_proto::{ChannelName, DeviceKey, Role, UserName};
    use recado_zmtp::curve::PublicKey;

    use super::{Asked, Bounds, DOOR_ANSWERS_AT_ONCE_MAX, DOOR_QUESTION_BYTES_MAX, Doors, device_key};
    use crate::access::{Access, AccessChange, AccessEvent};
    use crate::store::NameOf;

    const ANA: PublicKey = PublicKey::from_bytes([0xa0; 32]);
    const BOB: PublicKey = PublicKey::from_bytes([0xb0; 32]);

    fn user(name: &str) -> UserName {
        UserName::parse(name).unwrap()
    }

    fn channel(name: &str) -> ChannelName {
        ChannelName::parse(name).unwrap()
    }

    fn names(name: &str) -> NameOf {
        match name {
            "geral" | "plans" => NameOf::Channel,
            "ana" | "bob" => NameOf::User,
            _ => NameOf::Nobody,
        }
    }

    fn question(key: &PublicKey, topic: Option<&str>) -> Vec<u8> {
        let hex: String = key.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        match topic {
            Some(topic) => format!("_may.{hex}.{topic}").into_bytes(),
            None => format!("_may.{hex}").into_bytes(),
        }
    }

    /// Ana is administrator, Bob a member; the channel plans is Ana's, and private.
    struct Scene {
        doors: Doors,
        access: Access,
        n: u64,
    }

    impl Scene {
        fn new() -> Scene {
            let mut scene = Scene { doors: Doors::default(), access: Access::default(), n: 0 };
            for (name, role, key) in [("ana", Role::Administrator, ANA), ("bob", Role::Member, BOB)] {
                scene.happens(AccessChange::Joined { user: user(name), role });
                let key = device_key(&key);
                scene.happens(AccessChange::KeyAdded { user: user(name), key, device: None, until_ms: None });
            }
            let (channel, owner) = (channel("plans"), user("ana"));
            scene.happens(AccessChange::ChannelMade { channel, owner, private: true });
            scene
        }

        fn happens(&mut self, change: AccessChange) {
            self.n += 1;
            self.access.apply(&AccessEvent { n: self.n, time_ms: self.n, by: None, change });
        }

        fn ask(&self, key: &PublicKey, topic: Option<&str>) {
            self.doors.asked_for(&question(key, topic));
        }

        /// What is published: the question without the key, and whose it is if it is granted.
        fn answers(&self) -> Vec<(String, Option<String>)> {
            let due = self.doors.answers(&self.access, self.n, &names, 1000);
            assert!(due.is_done);
            due.messages
                .iter()
                .map(|message| {
                    let [question, status, user] = message.frames() else {
                        panic!("three frames: {message:?}")
                    };
                    let text = |bytes: &[u8]| str::from_utf8(bytes).unwrap().to_owned();
                    let granted = match &status[..] {
                        b"200" => Some(text(user)),
                        b"404" => {
                            assert!(user.is_empty());
                            None
                        }
                        other => panic!("{other:?}"),
                    };
                    (text(&question[5 + 64..]), granted)
                })
                .collect()
        }
    }

    #[track_caller]
    fn check(got: Vec<(String, Option<String>)>, expect: &[(&str, Option<&str>)]) {
        let got: Vec<_> = got.iter().map(|(topic, user)| (topic.as_str(), user.as_deref())).collect();
        assert_eq!(got, expect);
    }

    #[test]
    fn a_question_is_read_in_its_one_form_only() {
        let asked = question(&ANA, Some("geral"));
        assert_eq!(Asked::read(&asked), Some(Asked { key: ANA, topic: Some(b"geral") }));
        let whole = question(&ANA, None);
        assert_eq!(Asked::read(&whole), Some(Asked { key: ANA, topic: None }));
        for end in 0..whole.len() {
            assert_eq!(Asked::read(&whole[..end]), None);
        }
        let upper = whole.to_ascii_uppercase();
        let long = question(&ANA, Some(&"x".repeat(DOOR_QUESTION_BYTES_MAX)));
        for other in [&b"geral"[..], b"_may.", &upper, &[&whole[..], b"x"].concat(), &long] {
            assert_eq!(Asked::read(other), None, "{}", other.escape_ascii());
        }
    }

    #[test]
    fn each_question_is_answered_once_and_again_when_it_is_asked_again() {
        let scene = Scene::new();
        scene.ask(&ANA, None);
        scene.ask(&BOB, Some("geral"));
        scene.ask(&BOB, Some("plans"));
        scene.ask(&BOB, Some("gera"));
        scene.ask(&PublicKey::from_bytes([9; 32]), None);
        let expect =
            [("", Some("ana")), (".geral", Some("bob")), (".plans", None), (".gera", None), ("", None)];
        check(scene.answers(), &expect);
        check(scene.answers(), &[]);
        scene.ask(&BOB, Some("geral"));
        check(scene.answers(), &[(".geral", Some("bob"))]);
    }

    #[test]
    fn what_changes_is_told_and_nothing_else() {
        let mut scene = Scene::new();
        for topic in [None, Some("geral"), Some("plans"), Some("_acts.plans"), Some("bob")] {
            scene.ask(&BOB, topic);
        }
        scene.answers();
        scene.happens(AccessChange::MemberAdded { channel: channel("plans"), user: user("bob") });
        check(scene.answers(), &[("._acts.plans", Some("bob")), (".plans", Some("bob"))]);
        scene.happens(AccessChange::MemberRemoved { channel: channel("plans"), user: user("bob") });
        check(scene.answers(), &[("._acts.plans", None), (".plans", None)]);
        scene.happens(AccessChange::KeyRevoked { user: user("bob"), key: device_key(&BOB) });
        check(scene.answers(), &[("", None), (".bob", None), (".geral", None)]);
    }

    #[test]
    fn what_is_no_longer_asked_is_no_longer_told() {
        let mut scene = Scene::new();
        scene.ask(&BOB, Some("geral"));
        scene.ask(&BOB, Some("bob"));
        scene.doors.cancelled(&question(&BOB, Some("bob")));
        check(scene.answers(), &[(".geral", Some("bob"))]);
        scene.doors.left();
        scene.happens(AccessChange::Banned { user: user("bob") });
        check(scene.answers(), &[]);
    }

    #[test]
    fn nothing_is_kept_of_what_is_asked_and_cancelled_again_and_again() {
        let scene = Scene::new();
        for _ in 0..10 {
            scene.ask(&BOB, Some("geral"));
            scene.doors.cancelled(&question(&BOB, Some("geral")));
        }
        assert_eq!(scene.doors.waiting(), 0);
        scene.ask(&BOB, Some("geral"));
        check(scene.answers(), &[(".geral", Some("bob"))]);
    }

    #[test]
    fn a_question_too_many_is_not_taken() {
        let bounds = Bounds { questions_max: 1, ..Bounds::default() };
        let scene = Scene { doors: Doors::new(bounds), ..Scene::new() };
        scene.ask(&BOB, Some("geral"));
        scene.ask(&BOB, Some("bob"));
        let due = scene.doors.answers(&scene.access, scene.n, &names, 0);
        assert_eq!((due.messages.len(), due.ignored), (1, 1));
    }

    #[test]
    fn only_administrators_may_ask_for_figures() {
        let scene = Scene::new();
        scene.ask(&ANA, Some("_status"));
        scene.ask(&BOB, Some("_status"));
        check(scene.answers(), &[("._status", Some("ana")), ("._status", None)]);
    }

    #[test]
    fn a_session_that_has_ended_is_told_when_it_is_looked_at_again() {
        let mut scene = Scene::new();
        let key = DeviceKey::from_bytes([5; 32]);
        let until_ms = Some(2000);
        scene.happens(AccessChange::KeyAdded { user: user("bob"), key, device: None, until_ms });
        scene.ask(&PublicKey::from_bytes([5; 32]), None);
        check(scene.answers(), &[("", Some("bob"))]);
        let at = |now_ms| scene.doors.answers(&scene.access, scene.n, &names, now_ms).messages.len();
        assert_eq!(at(2001), 0, "nobody looks");
        scene.doors.look_again();
        assert_eq!(at(2001), 1);
    }

    #[test]
    fn many_are_answered_in_parts() {
        let scene = Scene::new();
        for number in 0..=DOOR_ANSWERS_AT_ONCE_MAX {
            scene.ask(&BOB, Some(&number.to_string()));
        }
        let mut parts = Vec::new();
        loop {
            let due = scene.doors.answers(&scene.access, scene.n, &names, 0);
            parts.push(due.messages.len());
            if due.is_done {
                break;
            }
        }
        assert!(parts.len() > 1 && parts.iter().all(|part| *part <= DOOR_ANSWERS_AT_ONCE_MAX), "{parts:?}");
        assert_eq!(parts.iter().sum::<usize>(), DOOR_ANSWERS_AT_ONCE_MAX + 1);
    }
}
