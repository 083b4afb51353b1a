//! `make pictures`: a day in the chat, played on a terminal in memory, and what it shows as pictures for the documents.

mod svg;

use std::{fs, path::Path};

use recado_proto::{Manner, RequestBody};
use recado_tests::{
    chat::{Requester, channel, user},
    parts::{Recado, folder},
    terminal::{FULL_SCREEN, Terminal},
    workspace::root,
};

const ROWS: u16 = 24;
const COLUMNS: u16 = 100;

/// Who says what where; a direct message goes to `ana`.
const DAY: &[(&str, &str, &str)] = &[
    ("bia", "geral", "good morning, everyone"),
    ("caio", "geral", "morning! coffee is on"),
    ("caio", "geral", "the nightly build is green again, after the fix in `receiver/page.rs`"),
    (
        "bia",
        "geral",
        "great. Then we can cut the release today: I go through the list of what is open and write down what must still go in",
    ),
    ("davi", "geral", "bom dia, pessoal"),
    ("davi", "tech", "anybody seen this one? the proxy says `connection reset` about once an hour"),
    ("caio", "tech", "yes, that is the load balancer. I raise its timeout"),
    ("bia", "lunch", "the usual place at one?"),
];

#[tokio::main(flavor = "multi_thread")]
async fn main() {
    let home = folder();
    let recado = Recado::up(home.path()).expect("broker and server start");
    let mut requester = Requester::connect(&recado.requests);
    for name in ["geral", "tech", "lunch"] {
        requester
            .ask(RequestBody::Channel { channel: channel(name), id: None, user: None, private: false })
            .await;
    }
    let line = ["client", "--server", &recado.requests, "--broker", &recado.subscribers, "--user", "ana"];
    let mut ana = Terminal::start_with(home.path(), ROWS, COLUMNS, &line, &[FULL_SCREEN]);
    ana.wait_for_text("You are in #geral");
    for name in ["tech", "lunch", "geral"] {
        ana.line(&format!("/join {name}"));
        ana.wait_for(name, |screen| {
            screen.lines().next().is_some_and(|row| row.contains(&format!("│#{name}")))
        });
    }
    for (who, place, text) in DAY {
        say(&mut requester, who, place, text).await;
    }
    ana.wait_for_text("bom dia");
    ana.line("morning! caio, thank you for the fix");
    ana.wait_for_text("thank you for the fix");
    say(&mut requester, "caio", "geral", "you are welcome, ana").await;
    let lunch = RequestBody::Message {
        src: user("bia"),
        dst: user("ana"),
        message: "lunch at one?".to_owned(),
        manner: Manner::default(),
        id: None,
    };
    requester.ask(lunch).await;
    ana.wait_for_text("@bia");
    ana.keys("shall I write the release no");
    ana.wait_for_text("release no");
    save(
        &ana,
        "client.svg",
        "The full screen: channels and people with what was not read, messages, and a line being typed",
    );
    ana.keys("\x0b");
    ana.keys("te");
    ana.wait_for_text("Go to: te");
    save(&ana, "client-switcher.svg", "The switcher: two letters find a conversation");
}

async fn say(requester: &mut Requester, who: &str, place: &str, text: &str) {
    let publish = RequestBody::Publish {
        user: user(who),
        channel: channel(place),
        message: text.to_owned(),
        id: None,
        manner: Manner::default(),
    };
    requester.ask(publish).await;
}

fn save(terminal: &Terminal, name: &str, title: &str) {
    let path = root().join("docs").join(name);
    fs::write(&path, svg::picture(&terminal.cells(), title)).expect("docs can be written");
    println!("{}", Path::new("docs").join(name).display());
}
