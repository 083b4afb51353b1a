//! Programs that know nothing of who is here are seen all the same, by their subscriptions; what is published of it reads well elsewhere.

use recado_tests::{
    chat::Requester,
    limits::PATIENCE,
    parts::{Recado, folder},
    peers::{Library, Peer},
};
use serde_json::{Value, json};

/// The next change that is published, without what differs from run to run.
fn hear_here(watcher: &mut Peer) -> Value {
    let heard = watcher.hear(PATIENCE).expect("a change is published");
    assert_eq!(heard.topic, "_here");
    let mut map = heard.map;
    let pairs = map.as_object_mut().expect("a map");
    for key in ["timestamp", "clock"] {
        assert!(pairs.remove(key).is_some_and(|value| value.is_u64()), "{key} of {pairs:?}");
    }
    map
}

async fn check_is_here_while_it_listens(library: Library) {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let mut requester = Requester::connect(&recado.requests);
    requester.create("geral").await;
    requester.login("ana").await;
    requester.login("watcher").await;
    let mut watcher = Peer::start(library, folder.path());
    watcher.connect_requester(&recado.requests);
    watcher.connect_subscriber(&recado.subscribers, &["_here", "watcher"]);
    assert_eq!(hear_here(&mut watcher), json!({"user": "watcher", "state": "online"}));

    let mut program = Peer::start(library, folder.path());
    program.connect_subscriber(&recado.subscribers, &["geral", "ana"]);
    assert_eq!(hear_here(&mut watcher), json!({"user": "ana", "state": "online"}));
    let who = watcher.ask("who", &json!({}));
    let expect = json!([{"user": "ana", "state": "online"}, {"user": "watcher", "state": "online"}]);
    assert_eq!((&who["status"], &who["here"]), (&json!("OK"), &expect));
    drop(program);
    assert_eq!(hear_here(&mut watcher), json!({"user": "ana", "state": "offline"}));

    let said = watcher.ask("here", &json!({"user": "ana", "state": "away", "device": "phone"}));
    assert_eq!(said["status"], "sucesso");
    assert_eq!(hear_here(&mut watcher), json!({"user": "ana", "state": "away"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pyzmq_program_is_here_while_it_listens() {
    check_is_here_while_it_listens(Library::Pyzmq).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zeromq_js_program_is_here_while_it_listens() {
    check_is_here_while_it_listens(Library::ZeromqJs).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zeromq_crate_program_is_here_while_it_listens() {
    check_is_here_while_it_listens(Library::ZeromqCrate).await;
}
