//! Search, as any program asks for it.

use recado_proto::{Code, Manner, ReplyBody, RequestBody, SearchIn, SearchPage, SearchRequest, UserName};
use recado_zmtp::Framing;

use crate::helpers::{Peer, Running, TestStore, channel, create, publish, reply_code};

fn user(name: &str) -> UserName {
    UserName::parse(name).unwrap()
}

fn ask(asker: &str, words: &str) -> SearchRequest {
    SearchRequest {
        user: user(asker),
        words: words.to_owned(),
        from: None,
        within: None,
        after: None,
        before: None,
        limit: 20,
    }
}

fn direct(from: &str, to: &str, text: &str) -> RequestBody {
    RequestBody::Message {
        src: user(from),
        dst: user(to),
        message: text.to_owned(),
        id: None,
        manner: Manner::default(),
    }
}

async fn search(peer: &mut Peer, request: SearchRequest) -> SearchPage {
    match peer.ask(RequestBody::Search(request)).await.body {
        ReplyBody::Found(page) => page,
        other => panic!("{other:?}"),
    }
}

fn texts(page: &SearchPage) -> Vec<&str> {
    page.found.iter().map(|found| found.message.message.as_str()).collect()
}

#[tokio::test]
async fn what_was_answered_ok_is_found_at_once_and_after_a_restart_and_a_kill() {
    let mut store = TestStore::new();
    let mut server = Running::start(&store, &[]).await;
    let mut peer = server.peer(Framing::Delimited);
    peer.ask(create("geral", None)).await;
    for number in 0..50 {
        peer.ask(publish("ana", "geral", &format!("message number {number}"), None)).await;
        let page = search(&mut peer, ask("ana", &format!("\"number {number}\""))).await;
        assert_eq!(texts(&page), [format!("message number {number}")]);
        if number == 20 {
            server.stop().await;
            server = Running::start(&store, &[]).await;
            peer = server.peer(Framing::Delimited);
        }
        if number == 40 {
            store = store.as_a_kill_leaves_it();
            server.stop().await;
            server = Running::start(&store, &[]).await;
            peer = server.peer(Framing::Delimited);
        }
    }
    let page = search(&mut peer, SearchRequest { limit: 100, ..ask("ana", "message") }).await;
    assert_eq!((page.found.len(), page.partial, page.behind), (50, false, 0));
    server.stop().await;
}

#[tokio::test]
async fn only_channels_and_ones_own_conversations_are_searched() {
    let store = TestStore::new();
    let server = Running::start(&store, &[]).await;
    let mut peer = server.peer(Framing::Delimited);
    for name in ["ana", "bob", "eva"] {
        peer.ask(RequestBody::Login { user: user(name), password: None }).await;
    }
    peer.ask(create("geral", None)).await;
    peer.ask(publish("ana", "geral", "the plan", None)).await;
    peer.ask(direct("ana", "bob", "the plan for two")).await;
    peer.ask(direct("bob", "ana", "a better plan")).await;
    assert_eq!(texts(&search(&mut peer, ask("eva", "plan")).await), ["the plan"]);
    assert_eq!(search(&mut peer, ask("ana", "plan")).await.found.len(), 3);
    assert_eq!(search(&mut peer, ask("bob", "plan")).await.found.len(), 3);
    for other in ["ana", "bob"] {
        let within = Some(SearchIn::With(user(other)));
        let page = search(&mut peer, SearchRequest { within, ..ask("eva", "plan") }).await;
        assert_eq!(texts(&page), Vec::<&str>::new());
        let from = Some(user(other));
        let page = search(&mut peer, SearchRequest { from, ..ask("eva", "plan two better") }).await;
        assert_eq!(texts(&page), Vec::<&str>::new());
    }
    let within = Some(SearchIn::Channel(channel("geral")));
    let page = search(&mut peer, SearchRequest { within, ..ask("bob", "plan") }).await;
    assert_eq!(texts(&page), ["the plan"]);
    server.stop().await;
}

#[tokio::test]
async fn whatever_is_asked_is_answered() {
    let store = TestStore::new();
    let server = Running::start(&store, &[]).await;
    let mut peer = server.peer(Framing::Delimited);
    peer.ask(create("geral", None)).await;
    peer.ask(publish("ana", "geral", "a \u{2}hostile\u{3} \"text\" AND more", None)).await;
    for words in [
        "\"",
        "a\"",
        "NEAR(",
        "a AND",
        "* OR *",
        "text:a",
        "{place} : c",
        "') OR 1=1 --",
        "a\0b",
        "^a",
        "a - - b",
    ] {
        let reply = peer.ask(RequestBody::Search(ask("ana", words))).await;
        match &reply.body {
            ReplyBody::Found(_) => {}
            _ => assert_eq!(reply_code(&reply), Some(Code::BadRequest), "{words:?}: {reply:?}"),
        }
    }
    let refused = [(" ?", Code::BadRequest), ("", Code::BadRequest), (&"x".repeat(513), Code::TooLarge)];
    for (words, code) in refused {
        let reply = peer.ask(RequestBody::Search(ask("ana", words))).await;
        assert_eq!(reply_code(&reply), Some(code), "{words:?}");
    }
    let page = search(&mut peer, ask("ana", "hostile")).await;
    assert_eq!(page.found[0].snippet, "a \u{2}hostile\u{3} \"text\" AND more");
    server.stop().await;
}

#[tokio::test]
async fn searches_that_wait_are_answered_when_the_server_stops() {
    let store = TestStore::new();
    let server = Running::start(&store, &[]).await;
    let mut peer = server.peer(Framing::Delimited);
    peer.ask(create("geral", None)).await;
    for number in 0..30 {
        peer.send(&RequestBody::Search(ask("ana", &format!("x{number}"))).into()).await;
    }
    // The last request that was sent has arrived when this one is answered.
    peer.send(&RequestBody::Login { user: user("ana"), password: None }.into()).await;
    let mut answered = 0;
    while peer.receive().await.body != ReplyBody::Accepted {
        answered += 1;
    }
    let end = server.stop_in_background();
    while answered < 30 && peer.receive_or_end().await.is_some() {
        answered += 1;
    }
    end.await;
    assert_eq!(answered, 30);
}
