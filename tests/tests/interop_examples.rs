//! The programs in `examples/` do what they show, and a client written from docs/PROTOCOL.md alone works.

use recado_tests::{
    parts::{Recado, folder},
    peers::Library,
};

fn check_example(library: Library, user: &str, says: &str) {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let endpoints = [recado.requests.as_str(), recado.subscribers.as_str()];
    let ended = library.program(folder.path(), "examples", "chat", &endpoints).to_end();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    let printed = ended.out.join("\n");
    let (asked, heard) =
        printed.rsplit_once("geral {").expect("the topic and the publication are printed last");
    assert!(asked.contains("sucesso") && asked.contains("OK"), "{printed}");
    assert!(heard.contains(user) && heard.contains(says), "{printed}");
}

#[test]
fn the_python_example_chats() {
    check_example(Library::Pyzmq, "python", "hello from Python");
}

#[test]
fn the_javascript_example_chats() {
    check_example(Library::ZeromqJs, "javascript", "hello from JavaScript");
}

#[test]
fn the_rust_example_chats() {
    check_example(Library::ZeromqCrate, "rust", "hello from Rust");
}

#[test]
fn a_client_written_from_the_document_alone_works() {
    let folder = folder();
    let recado = Recado::up(folder.path()).expect("it starts");
    let endpoints = [recado.requests.as_str(), recado.subscribers.as_str(), recado.publishers.as_str()];
    let ended = Library::Pyzmq.program(folder.path(), "tests/peers", "from_the_table", &endpoints).to_end();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert_eq!(ended.out.last().map(String::as_str), Some("all as the document says"), "{ended:#?}");
}
