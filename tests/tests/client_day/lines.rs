//! The day line by line.

use recado_tests::tmux::PROMPT;

use super::stage::Day;

const PLACE: &str = "ana #geral>";

pub(crate) async fn day(columns: u16, rows: u16) {
    let mut day = Day::begin("lines", columns, rows, true).await;
    morning(&mut day).await;
    what_was_said_changes(&mut day).await;
    people_alone(&mut day).await;
    far_back(&mut day).await;
    evening(&mut day);
    day.end();
}

/// Whether this was printed and the prompt waits below.
fn printed(screen: &str, text: &str, prompt: &str) -> bool {
    screen.contains(text) && screen.lines().last() == Some(prompt)
}

async fn morning(day: &mut Day) {
    day.ana.line("stty -g > found; clear");
    day.ana.wait_for("an empty screen", |screen| screen == PROMPT.trim_end());
    day.ana.line("recado client");
    day.shows("a name is asked for", |screen| screen.contains("Your name [maria]:"));
    day.ana.line("ana");
    day.shows("the first start", |screen| printed(screen, "You are in #geral", PLACE));
    day.ana.line("good morning");
    day.shows("the first message", |screen| printed(screen, "ana: good morning", PLACE));
    day.ana.keys("half a sen");
    day.ana.wait_for("what is typed", |screen| screen.ends_with("half a sen"));
    day.bob_says("geral", "morning! *coffee* is on, see `README.md`").await;
    day.shows("an answer above the line", |screen| {
        printed(screen, "bob: morning!", "ana #geral> half a sen")
    });
    day.ana.press("C-u");
    day.ana.line("/create tech");
    day.ana.wait_for("the new channel", |screen| printed(screen, "You are in #tech", "ana #tech>"));
    day.bob_says("geral", "the build is green").await;
    day.bob_says("geral", "ana, do you cut the release?").await;
    day.shows("named while elsewhere", |screen| printed(screen, "cut the release", "ana #tech>"));
    day.ana.line("/join geral");
    day.shows("back again", |screen| printed(screen, "", PLACE));
}

async fn what_was_said_changes(day: &mut Day) {
    day.ana.line("/answer I do, at nooon");
    day.shows("a reply", |screen| printed(screen, "ana: I do, at nooon", PLACE));
    day.ana.line("/edit I do, at noon");
    day.shows("an edit", |screen| printed(screen, "I do, at noon\n", PLACE));
    day.ana.line("/react 2 👍");
    day.ana.wait_for("the reaction", |screen| printed(screen, "ana reacted in #geral: 👍", PLACE));
    day.bob_reacts("geral", "🎉").await;
    day.shows("reactions", |screen| printed(screen, "🎉", PLACE));
    day.ana.line("not for this channel");
    day.ana.wait_for("a slip", |screen| printed(screen, "ana: not for this channel", PLACE));
    day.ana.line("/delete");
    day.shows("a deletion", |screen| printed(screen, "deleted", PLACE));
    day.ana.line("/me fetches coffee");
    day.shows("what one does", |screen| printed(screen, "* ana fetches coffee", PLACE));
}

async fn people_alone(day: &mut Day) {
    day.ana.line("/query bob");
    day.ana.wait_for("the conversation", |screen| screen.ends_with("ana @bob>"));
    day.ana.line("lunch?");
    day.ana.wait_for("the question", |screen| printed(screen, "lunch?\n", "ana @bob>"));
    day.bob_tells("at one").await;
    day.shows("a direct message", |screen| printed(screen, "at one\n", "ana @bob>"));
    day.ana.paste("flour\nsugar\nbutter");
    day.ana.wait_for("what was pasted", |screen| screen.contains("butter"));
    day.ana.press("Enter");
    day.shows("a paste", |screen| printed(screen, "butter\n", "ana @bob>"));
    day.ana.line("/leave");
    day.ana.wait_for("back again", |screen| screen.ends_with(PLACE));
}

async fn far_back(day: &mut Day) {
    day.ana.line("/history 5");
    day.shows("history", |screen| printed(screen, "— end —", PLACE));
    day.ana.line("/search build from:bob");
    day.ana.wait_for("what was found", |screen| printed(screen, "the build is green", PLACE));
    day.ana.line("/jump 1");
    day.shows("where it was said", |screen| {
        screen.contains("— around it in #geral —") && printed(screen, "— end —", PLACE)
    });
    day.server.process.kill();
    day.ana.wait_for("the loss", |screen| screen.contains("The server is away"));
    day.ana.line("written while the server is away");
    day.ana.wait_for("a word about it", |screen| printed(screen, "Not sent yet", PLACE));
    day.server.restart(day.folder.path());
    day.shows("the server went and came", |screen| {
        printed(screen, "ana: written while", PLACE) && screen.contains("The server is back")
    });
}

fn evening(day: &mut Day) {
    day.ana.line("/help react");
    day.shows("help", |screen| printed(screen, "for example", PLACE));
    day.ana.press("C-d");
    day.ana.wait_for("the shell", |screen| screen.ends_with(PROMPT.trim_end()));
    day.ana.line("stty -g | cmp - found && echo as it was found");
    day.shows("the terminal afterwards", |screen| screen.contains("\nas it was found\n"));
}
