//! The session against a server and a broker that misbehave on demand.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod fake;
mod secured;

use recado_client::{RequestError, SendOutcome, Session, SessionEvent, Start, Topic, Via};
use recado_proto::{
    Code, MarkPublication, MessageId, ReadMark, ReadOf, ReplyBody, RequestBody, SyncTopic, Timestamp,
    TopicName,
};

use fake::{
    Asked, FakeBroker, FakeServer, channel, connect, connect_impatiently, epoch, heard, impatient, message,
    page, user,
};

fn stored(seq: u64) -> ReplyBody {
    ReplyBody::Stored { id: None, seq: Some(seq), epoch: None }
}

fn id_of(body: &RequestBody) -> MessageId {
    match body {
        RequestBody::Publish { id, .. } | RequestBody::Message { id, .. } => id.unwrap(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_message_whose_answer_is_lost_is_sent_again_under_the_same_id() {
    let mut server = FakeServer::start().await;
    let (session, _events) = connect_impatiently(&server.endpoint());
    let geral = channel("geral");
    let sending = session.publish(&geral, "hello");
    let serving = async {
        let first = server.next().await;
        let second = server.next().await;
        assert_eq!(id_of(&first.request.body), id_of(&second.request.body));
        assert!(second.request.clock > first.request.clock, "each sending is an event of its own");
        server.answer(&second, stored(9));
        // The first one's answer comes after all; nobody waits for it.
        server.answer(&first, stored(9));
        id_of(&first.request.body)
    };
    let (outcome, id) = tokio::join!(sending, serving);
    assert_eq!(outcome, SendOutcome::Acknowledged { id, seq: Some(9), epoch: None });
}

#[tokio::test]
async fn an_unanswered_message_is_given_up_as_ambiguous() {
    let mut server = FakeServer::start().await;
    let (session, _events) = connect_impatiently(&server.endpoint());
    let bob = user("bob");
    let serving = async {
        for _ in 0..3 {
            server.next().await;
        }
    };
    let (outcome, ()) = tokio::join!(session.message(&bob, "hello"), serving);
    assert!(matches!(outcome, SendOutcome::Unanswered { attempts: 3, .. }), "{outcome:?}");
}

#[tokio::test]
async fn without_a_server_nothing_was_sent_and_its_coming_is_said() {
    let server = FakeServer::start().await;
    let endpoint = server.endpoint();
    server.stop().await;
    let (session, mut events) = connect_impatiently(&endpoint);
    let outcome = session.publish(&channel("geral"), "hello").await;
    assert!(matches!(outcome, SendOutcome::Unanswered { attempts: 0, .. }), "{outcome:?}");
    let lost = events.recv().await.unwrap();
    assert!(
        matches!(&lost, SessionEvent::ServerLost { reason } if reason == "connection refused"),
        "{lost:?}"
    );

    let mut server = FakeServer::start_at(&endpoint).await;
    assert_eq!(events.recv().await, Some(SessionEvent::ServerBack));
    let serving = async {
        let asked = server.next().await;
        server.answer(&asked, ReplyBody::Users(vec![user("ana")]));
    };
    let (users, ()) = tokio::join!(session.users(), serving);
    assert_eq!(users, Ok(vec![user("ana")]));
}

#[tokio::test]
async fn a_request_under_way_survives_the_servers_restart() {
    let mut server = FakeServer::start().await;
    let endpoint = server.endpoint();
    let (session, _events) = connect(&endpoint, None);
    let geral = channel("geral");
    let sending = session.publish(&geral, "hello");
    let serving = async {
        let first = server.next().await;
        server.stop().await;
        let mut server = FakeServer::start_at(&endpoint).await;
        let second = server.next().await;
        assert_eq!(id_of(&first.request.body), id_of(&second.request.body));
        server.answer(&second, stored(1));
        server
    };
    let (outcome, _server) = tokio::join!(sending, serving);
    assert!(outcome.is_acknowledged(), "{outcome:?}");
}

#[tokio::test]
async fn answers_find_their_questions_in_any_order() {
    let mut server = FakeServer::start().await;
    let (session, _events) = connect(&server.endpoint(), None);
    let asking = async {
        let mut asking = tokio::task::JoinSet::new();
        for number in 0..50_u64 {
            let session = session.clone();
            asking.spawn(async move {
                let outcome = session.publish(&channel("geral"), number.to_string()).await;
                assert!(
                    matches!(outcome, SendOutcome::Acknowledged { seq: Some(seq), .. } if seq == number + 1_000),
                    "{number}: {outcome:?}"
                );
            });
        }
        asking.join_all().await;
    };
    let serving = async {
        let mut asked = Vec::new();
        for _ in 0..50 {
            asked.push(server.next().await);
        }
        for asked in asked.iter().rev() {
            let RequestBody::Publish { message, .. } = &asked.request.body else {
                panic!("{:?}", asked.request)
            };
            server.answer(asked, stored(message.parse::<u64>().unwrap() + 1_000));
        }
    };
    tokio::join!(asking, serving);
}

#[tokio::test]
async fn a_plain_server_that_echoes_no_reference_is_understood() {
    let mut server = FakeServer::start().await;
    let (session, _events) = connect(&server.endpoint(), None);
    let serving = async {
        let (first, second) = (server.next().await, server.next().await);
        let plain = ReplyBody::Stored { id: None, seq: None, epoch: None };
        server.answer_plainly(&first, plain);
        server.answer_plainly(&second, ReplyBody::Channels(vec![channel("geral")]));
    };
    let geral = channel("geral");
    let (outcome, channels, ()) =
        tokio::join!(biased; session.publish(&geral, "hello"), session.channels(), serving);
    assert!(matches!(outcome, SendOutcome::Acknowledged { seq: None, .. }), "{outcome:?}");
    assert_eq!(channels, Ok(vec![geral]));
}

#[tokio::test]
async fn refusals_and_misfits_are_told_apart() {
    let mut server = FakeServer::start().await;
    let (session, _events) = connect(&server.endpoint(), None);
    let refusal = || ReplyBody::Refused { code: Code::NameTaken, description: "it exists".to_owned() };
    let serving = async {
        let asked = server.next().await;
        server.answer_raw(&asked, b"\xc1 no MessagePack");
        server.answer(&asked, refusal());
        let asked = server.next().await;
        server.answer(&asked, ReplyBody::Accepted);
    };
    let asking = async {
        let geral = channel("geral");
        let refused = session.create_channel(&geral).await;
        let description = "it exists".to_owned();
        assert_eq!(refused, Err(RequestError::Refused { code: Code::NameTaken, description }));
        session.create_channel(&geral).await.unwrap();
    };
    tokio::join!(serving, asking);
    let outcome = session.publish(&channel("geral"), "x".repeat(65_537)).await;
    assert!(matches!(outcome, SendOutcome::Refused { code: Code::TooLarge, .. }), "{outcome:?}");
}

#[tokio::test]
async fn a_followed_channel_is_heard_in_order_with_what_was_lost_on_its_way() {
    let mut server = FakeServer::start().await;
    let broker = FakeBroker::start().await;
    let connected = broker.next_peer();
    let (session, mut events) = connect(&server.endpoint(), Some(&broker.endpoint()));
    connected.await;
    let geral = channel("geral");
    let joining = session.subscribe_channel(&geral, 2);
    let serving = server.give_history(page(vec![message("geral", 4), message("geral", 5)], 5));
    let (joined, ()) = tokio::join!(joining, serving);
    joined.unwrap();
    assert_eq!(heard(&mut events).await, "geral 4");
    assert_eq!(heard(&mut events).await, "geral 5");
    assert_eq!(events.recv().await, Some(SessionEvent::Joined { topic: Topic::Channel(geral) }));

    broker.publish(&message("geral", 6)).await;
    broker.publish(&message("geral", 6)).await;
    broker.publish(&message("geralissimo", 1)).await;
    broker.publish_raw(b"geral", b"\xc0".to_vec()).await;
    broker.publish(&message("geral", 8)).await;
    assert_eq!(heard(&mut events).await, "geral 6");
    let odd = events.recv().await.unwrap();
    assert!(matches!(&odd, SessionEvent::Malformed { topic, .. } if topic == "geral"), "{odd:?}");
    server.give_history(page(vec![message("geral", 7), message("geral", 8)], 8)).await;
    let repaired = events.recv().await.unwrap();
    assert!(matches!(&repaired, SessionEvent::Publication { via: Via::Repair, .. }), "{repaired:?}");
    assert_eq!(heard(&mut events).await, "geral 8");
}

#[tokio::test]
async fn a_channel_that_does_not_exist_cannot_be_followed() {
    let mut server = FakeServer::start().await;
    let broker = FakeBroker::start().await;
    let (session, _events) = connect(&server.endpoint(), Some(&broker.endpoint()));
    let nowhere = channel("nowhere");
    let serving = async {
        let asked = server.next().await;
        let description = "there is no channel nowhere".to_owned();
        server.answer(&asked, ReplyBody::Refused { code: Code::NoSuchChannel, description });
    };
    let (joined, ()) = tokio::join!(session.subscribe_channel(&nowhere, 0), serving);
    assert_eq!(joined.unwrap_err().code(), Some(&Code::NoSuchChannel));
}

#[tokio::test]
async fn read_marks_are_heard_of_the_user_who_was_named_until_they_are_ignored() {
    let server = FakeServer::start().await;
    let broker = FakeBroker::start().await;
    let connected = broker.next_peer();
    let (session, mut events) = connect(&server.endpoint(), Some(&broker.endpoint()));
    connected.await;
    let mark = |seq| ReadMark { of: ReadOf::With(user("bob")), seq, epoch: epoch() };
    let published = |who: &str, seq| {
        let (user, timestamp) = (user(who), Timestamp::from_seconds(1));
        let topic = MarkPublication::topic_of(&user);
        let mut payload = Vec::new();
        MarkPublication { user, mark: mark(seq), timestamp, clock: None }.encode_payload(&mut payload);
        (topic, payload)
    };
    let marked = |who: &str, seq| Some(SessionEvent::Marked { user: user(who), mark: mark(seq) });
    session.hear_marks(&user("ana")).await.unwrap();
    session.hear_marks(&user("eva")).await.unwrap();
    broker.publish_raw(b"_marks.ana", b"\x80".to_vec()).await;
    for (who, seq) in [("anabel", 1), ("ana", 2), ("eva", 3)] {
        let (topic, payload) = published(who, seq);
        broker.publish_raw(topic.as_bytes(), payload).await;
    }
    assert_eq!(events.recv().await, marked("ana", 2));
    assert_eq!(events.recv().await, marked("eva", 3));
    session.ignore_marks(&user("ana")).await.unwrap();
    // Once the second one is heard again, what was asked before is done.
    session.hear_marks(&user("eva")).await.unwrap();
    for (who, seq) in [("ana", 4), ("eva", 5)] {
        let (topic, payload) = published(who, seq);
        broker.publish_raw(topic.as_bytes(), payload).await;
    }
    assert_eq!(events.recv().await, marked("eva", 5));
}

#[tokio::test]
async fn logging_in_follows_ones_direct_messages() {
    let mut server = FakeServer::start().await;
    let broker = FakeBroker::start().await;
    let connected = broker.next_peer();
    let (session, mut events) = connect(&server.endpoint(), Some(&broker.endpoint()));
    connected.await;
    let bob = user("bob");
    let serving = async {
        server.let_in().await;
        server.give_history(page(vec![], 0)).await;
    };
    let (logged_in, ()) = tokio::join!(session.login(&bob), serving);
    logged_in.unwrap();
    assert_eq!(session.user(), Some(bob));
    broker.publish(&message("bobby", 1)).await;
    broker.publish(&message("bob", 1)).await;
    assert_eq!(heard(&mut events).await, "bob 1");
}

#[tokio::test]
async fn an_owner_who_takes_its_time_misses_nothing() {
    const MESSAGES: u64 = 5_000;
    let mut server = FakeServer::start().await;
    let broker = FakeBroker::start().await;
    let connected = broker.next_peer();
    let (session, mut events) = connect(&server.endpoint(), Some(&broker.endpoint()));
    connected.await;
    let geral = channel("geral");
    let (joined, ()) =
        tokio::join!(session.subscribe_channel(&geral, 0), server.give_history(page(vec![], 0)));
    joined.unwrap();
    let publishing = async {
        for seq in 1..=MESSAGES {
            broker.publish(&message("geral", seq)).await;
        }
    };
    let hearing = async {
        for seq in 1..=MESSAGES {
            assert_eq!(heard(&mut events).await, format!("geral {seq}"));
            if seq % 100 == 0 {
                tokio::task::yield_now().await;
            }
        }
    };
    let serving = async {
        loop {
            server.give_history(page(vec![], 0)).await;
        }
    };
    tokio::select! {
        ((), ()) = async { tokio::join!(publishing, hearing) } => {}
        () = serving => {}
    }
}

#[tokio::test]
async fn closing_answers_whoever_still_waits() {
    let mut server = FakeServer::start().await;
    let (session, mut events) = connect(&server.endpoint(), None);
    let waiting = session.clone();
    let closing = async {
        server.next().await;
        session.close().await;
    };
    let (users, ()) = tokio::join!(waiting.users(), closing);
    assert_eq!(users, Err(RequestError::Closed));
    assert_eq!(waiting.channels().await, Err(RequestError::Closed));
    assert_eq!(events.recv().await, None);
}

#[tokio::test]
async fn a_channel_is_joined_once_what_is_subscribed_is_proved_to_arrive_and_its_lost_tail_is_fetched() {
    let mut server = FakeServer::start().await;
    let broker = FakeBroker::start().await;
    let connected = broker.next_peer();
    let (session, mut events) = connect(&server.endpoint(), Some(&broker.endpoint()));
    connected.await;
    let geral = channel("geral");
    let joining = session.subscribe_channel_from(&geral, Start::After { epoch: epoch(), seq: 3 });
    let serving = async {
        let question = server.next_of_all().await;
        let RequestBody::Sync { topic, topics, .. } = &question.request.body else { panic!() };
        assert_eq!(topics.iter().map(TopicName::as_str).collect::<Vec<_>>(), ["geral"]);
        server.answer(&question, ReplyBody::Synced);
        server.give_history(page(vec![message("geral", 4)], 4)).await;
        // Somebody else's answer, and then the true one: 5 was sent in between, and did not arrive.
        broker.publish_heads(SyncTopic::from_random(1), &[("geral", 9)]).await;
        broker.publish_heads(topic.clone(), &[("geral", 5)]).await;
    };
    let (joined, ()) = tokio::join!(joining, serving);
    joined.unwrap();
    let backlog = events.recv().await.unwrap();
    assert!(matches!(&backlog, SessionEvent::Publication { via: Via::Backlog, .. }), "{backlog:?}");
    assert_eq!(events.recv().await, Some(SessionEvent::Joined { topic: Topic::Channel(geral) }));
    server.give_history(page(vec![message("geral", 5)], 5)).await;
    let repaired = events.recv().await.unwrap();
    assert!(matches!(&repaired, SessionEvent::Publication { via: Via::Repair, .. }), "{repaired:?}");
}

#[tokio::test]
async fn a_repeat_goes_out_on_a_fresh_connection_and_the_former_one_may_still_bring_the_answer() {
    let mut server = FakeServer::start().await;
    let (session, _events) = connect_impatiently(&server.endpoint());
    let geral = channel("geral");
    let serving = async {
        let (first, second) = (server.next().await, server.next().await);
        assert_ne!(first.peer(), second.peer());
        server.answer(&first, stored(9));
    };
    let (outcome, ()) = tokio::join!(session.publish(&geral, "hello"), serving);
    assert!(matches!(outcome, SendOutcome::Acknowledged { seq: Some(9), .. }), "{outcome:?}");
}

#[tokio::test]
async fn a_plain_servers_late_answer_is_not_taken_for_the_next_one() {
    let mut server = FakeServer::start().await;
    let (session, _events) = connect_impatiently(&server.endpoint());
    let (ana, bob) = (user("ana"), user("bob"));
    let serving = async {
        let first = server.next().await;
        let second = server.next().await;
        // The first one's answer is from before somebody came.
        server.answer_plainly(&first, ReplyBody::Users(vec![ana.clone()]));
        server.answer_plainly(&second, ReplyBody::Users(vec![ana.clone(), bob.clone()]));
    };
    let (users, ()) = tokio::join!(session.users(), serving);
    assert_eq!(users, Ok(vec![ana.clone(), bob.clone()]));
}

#[tokio::test]
async fn what_one_server_leaves_unanswered_another_gets_under_the_same_id() {
    let mut servers = [FakeServer::start().await, FakeServer::start().await];
    let mut config = impatient(servers.iter().map(FakeServer::endpoint).collect());
    config.user = Some(user("ana"));
    let (session, _events) = Session::connect(config).unwrap();
    let geral = channel("geral");
    let serving = async {
        let [one, other] = &mut servers;
        // Whichever it began with.
        let (first, answering) = tokio::select! {
            asked = one.next() => (asked, other),
            asked = other.next() => (asked, one),
        };
        let second = answering.next().await;
        assert_eq!(id_of(&first.request.body), id_of(&second.request.body));
        answering.answer(&second, stored(3));
        let third = answering.next().await;
        answering.answer(&third, stored(4));
    };
    let sending = async {
        let outcome = session.publish(&geral, "hello").await;
        assert!(matches!(outcome, SendOutcome::Acknowledged { seq: Some(3), .. }), "{outcome:?}");
        session.publish(&geral, "on the same server").await
    };
    let (outcome, ()) = tokio::join!(sending, serving);
    assert!(matches!(outcome, SendOutcome::Acknowledged { seq: Some(4), .. }), "{outcome:?}");
}

#[tokio::test]
async fn a_channel_whose_creation_was_not_answered_is_asked_for_again_under_the_same_id() {
    let mut server = FakeServer::start().await;
    let (session, _events) = connect_impatiently(&server.endpoint());
    let geral = channel("geral");
    let serving = async {
        let (first, second) = (server.next().await, server.next().await);
        let id = |asked: &Asked| match &asked.request.body {
            RequestBody::Channel { id, .. } => id.unwrap(),
            other => panic!("{other:?}"),
        };
        assert_eq!(id(&first), id(&second));
        server.answer(&second, ReplyBody::Accepted);
    };
    let (created, ()) = tokio::join!(session.create_channel(&geral), serving);
    created.unwrap();
}
