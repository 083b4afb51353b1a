//! Who is here and what one's other devices hear, between real processes, and after one of them was killed.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::time::Duration;

use recado_client::{Hearing, SendOutcome, Session, SessionConfig, SessionEvent, SessionEvents};
use recado_proto::{Device, Here, Presence, TypingIn};
use recado_tests::{
    chat::user,
    limits::{PATIENCE, SOUNDING_WAIT},
    parts::{Broker, Recado, Server, folder},
    process::Run,
};
use tokio::time::timeout;

/// A device of a user.
struct Person {
    session: Session,
    events: SessionEvents,
    device: Device,
}

impl Person {
    async fn login(requests: &str, subscribers: &str, name: &str, number: u64) -> Self {
        let config = SessionConfig::new(vec![requests.parse().unwrap()], vec![subscribers.parse().unwrap()]);
        let (session, events) = Session::connect(config).unwrap();
        session.login(&user(name)).await.unwrap();
        Self { session, events, device: Device::from_random(number) }
    }

    async fn says(&self, name: &str, state: Presence, typing: Option<TypingIn>) {
        self.session.here(&user(name), &self.device, state, typing).await.unwrap();
    }

    /// The next event that `read` makes something of, if one comes in this time.
    async fn hears<T>(&mut self, within: Duration, read: impl Fn(SessionEvent) -> Option<T>) -> Option<T> {
        let heard = async {
            loop {
                if let Some(heard) = read(self.events.recv().await.expect("the session goes on")) {
                    return heard;
                }
            }
        };
        timeout(within, heard).await.ok()
    }

    async fn hears_of(&mut self, name: &str, state: Presence) {
        let wanted = Here { user: user(name), state };
        let is_it = |event| (event == SessionEvent::Here(wanted.clone())).then_some(());
        assert!(self.hears(PATIENCE, is_it).await.is_some(), "{name} is {state}");
    }

    /// Asks until these are here and nobody else.
    async fn finds(&mut self, expect: &[Here]) {
        let found = async {
            while self.session.who().await.unwrap() != expect {
                self.hears(SOUNDING_WAIT, |_| None::<()>).await;
            }
        };
        assert!(timeout(PATIENCE, found).await.is_ok(), "{expect:?} are here");
    }

    /// Has somebody else do something until this one hears it: only then it listens for certain.
    async fn hears_after<T>(
        &mut self,
        mut make: impl AsyncFnMut(),
        read: impl Fn(SessionEvent) -> Option<T>,
    ) -> T {
        loop {
            make().await;
            if let Some(heard) = self.hears(SOUNDING_WAIT, &read).await {
                return heard;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_hear_who_comes_types_and_goes_and_ones_own_devices_what_is_sent() {
    let folder = folder();
    let recado = Recado::up(folder.path()).unwrap();
    let (requests, subscribers) = (recado.requests.as_str(), recado.subscribers.as_str());
    let desk = Person::login(requests, subscribers, "ana", 1).await;
    let mut phone = Person::login(requests, subscribers, "ana", 2).await;
    let mut bob = Person::login(requests, subscribers, "bob", 3).await;
    for hearing in [Hearing::Here, Hearing::Typing(user("bob").into())] {
        bob.session.hear(hearing).await.unwrap();
    }
    bob.hears_after(
        async || desk.says("ana", Presence::Online, Some(TypingIn::With(user("bob")))).await,
        |event| (matches!(event, SessionEvent::Typing { user: ana, .. } if ana == user("ana"))).then_some(()),
    )
    .await;
    phone.says("ana", Presence::Away, None).await;
    let online = |name| Here { user: user(name), state: Presence::Online };
    bob.finds(&[online("ana"), online("bob")]).await;
    desk.says("ana", Presence::Offline, None).await;
    bob.hears_of("ana", Presence::Away).await;

    phone.session.hear(Hearing::Sent(user("ana"))).await.unwrap();
    let (to, text) = phone
        .hears_after(
            async || {
                let sent = desk.session.message(&user("bob"), "from the desk").await;
                assert!(matches!(sent, SendOutcome::Acknowledged { .. }), "{sent:?}");
            },
            |event| match event {
                SessionEvent::Sent { to, publication } => Some((to, publication.message)),
                _ => None,
            },
        )
        .await;
    assert_eq!((to, text.as_str()), (user("bob"), "from the desk"));

    let listed = Run::recado(folder.path(), ["who", "--server", requests]).start().wait();
    assert_eq!(listed.out, ["away ana", "online bob"]);
    let listed = Run::recado(folder.path(), ["who", "--json", "--server", requests]).start().wait();
    assert_eq!(listed.out, [r#"{"away":["ana"],"event":"who","online":["bob"]}"#]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_kill_who_is_here_is_known_again() {
    let folder = folder();
    let mut broker = Broker::start(folder.path());
    let mut server = Server::start(folder.path(), &broker.publishers);
    let ana = Person::login(&server.requests, &broker.subscribers, "ana", 1).await;
    let mut bob = Person::login(&server.requests, &broker.subscribers, "bob", 2).await;
    bob.session.hear(Hearing::Here).await.unwrap();
    let hears_ana = |event| match event {
        SessionEvent::Here(here) if here.user == user("ana") => Some(here.state),
        _ => None,
    };
    let mut states = [Presence::Away, Presence::Online].into_iter().cycle();
    let mut turn = async || ana.says("ana", states.next().unwrap(), None).await;
    bob.hears_after(&mut turn, hears_ana).await;
    server.restart(folder.path());
    bob.hears_after(&mut turn, hears_ana).await;
    let who = bob.session.who().await.unwrap();
    assert!(who.iter().any(|here| here.user == user("ana")), "{who:?}");
    broker.restart(folder.path());
    bob.hears_after(&mut turn, hears_ana).await;
}
