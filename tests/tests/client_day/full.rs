//! The day on the whole screen.

use recado_tests::tmux::PROMPT;

use super::stage::Day;

/// What was said before the day's end in a channel that ana does not look at.
const MANY: usize = 120;

pub(crate) async fn day(columns: u16, rows: u16) {
    let mut day = Day::begin("full", columns, rows, false).await;
    morning(&mut day).await;
    what_was_said_changes(&mut day).await;
    people_alone(&mut day).await;
    far_back(&mut day).await;
    finding(&mut day);
    the_server_goes_and_comes(&mut day).await;
    evening(&mut day, columns, rows);
    day.end();
}

/// Whether the title names this place.
fn in_place(screen: &str, place: &str) -> bool {
    let title = |row: &str| row.split('│').nth(1).is_some_and(|title| title.starts_with(place));
    screen.lines().next().is_some_and(title)
}

/// Whether a row ends like this, and nothing waits for an answer.
fn said(screen: &str, end: &str) -> bool {
    screen.contains(end) && !screen.contains("  …   ")
}

async fn morning(day: &mut Day) {
    day.ana.line("stty -g > found; clear");
    day.ana.wait_for("an empty screen", |screen| screen == PROMPT.trim_end());
    day.ana.line("recado client");
    day.shows("a name is asked for", |screen| screen.contains("Your name [maria]:"));
    day.ana.line("ana");
    day.shows("the first start", |screen| screen.contains("You are in #geral"));
    day.ana.line("good morning");
    day.shows("the first message", |screen| said(screen, "ana: good morning"));
    day.bob_says("geral", "morning! *coffee* is on, see `README.md`").await;
    day.shows("an answer", |screen| screen.contains("bob: morning!"));

    day.ana.line("/create tech");
    day.ana.wait_for("the new channel", |screen| in_place(screen, "#tech"));
    day.bob_says("geral", "the build is green").await;
    day.bob_says("geral", "ana, do you cut the release?").await;
    day.shows("named while elsewhere", |screen| in_place(screen, "#tech") && screen.contains("2@"));
    day.ana.press("M-a");
    day.shows("what is new", |screen| in_place(screen, "#geral") && screen.contains(" new "));
    day.ana.press("M-m");
    day.shows("what mentions one", |screen| screen.contains("Mentions (Up and Down move"));
    day.ana.press("Escape");
    day.ana.wait_for("no list", |screen| !screen.contains("Mentions ("));
    day.ana.press("C-k");
    day.ana.keys("te");
    day.shows("the switcher", |screen| screen.contains("Go to: te"));
    day.ana.press("Enter");
    day.shows("where it led", |screen| in_place(screen, "#tech"));
    day.ana.press("C-k");
    day.ana.keys("ger");
    day.ana.wait_for("the switcher", |screen| screen.contains("Go to: ger"));
    day.ana.press("Enter");
    day.ana.wait_for("back", |screen| in_place(screen, "#geral"));
}

async fn what_was_said_changes(day: &mut Day) {
    day.ana.line("/answer I do, at nooon");
    day.shows("a reply", |screen| said(screen, "ana: I do, at nooon"));
    day.ana.line("/edit I do, at noon");
    day.shows("an edit", |screen| screen.contains("at noon (edited)"));
    day.ana.line("/react 3 👍");
    day.ana.wait_for("the reaction", |screen| screen.contains('👍'));
    day.bob_reacts("geral", "🎉").await;
    day.shows("reactions", |screen| screen.contains('👍') && screen.contains('🎉'));
    day.ana.line("not for this channel");
    day.ana.wait_for("a slip", |screen| said(screen, "ana: not for this channel"));
    day.ana.line("/delete");
    day.shows("a deletion", |screen| screen.contains("(deleted)"));
    day.ana.line("/me fetches coffee");
    day.shows("what one does", |screen| said(screen, "* ana fetches coffee"));
    day.ana.press("C-Up");
    day.ana.keys("d");
    day.shows("a chosen message", |screen| screen.contains("delete this message?"));
    day.ana.press("Escape");
    day.ana.wait_for("the message as it was", |screen| !screen.contains("delete this message?"));
    day.ana.press("Escape");
    day.ana.wait_for("no message chosen", |screen| !screen.contains('▸'));
}

async fn people_alone(day: &mut Day) {
    day.ana.line("/query bob");
    day.ana.wait_for("the conversation", |screen| in_place(screen, "@bob"));
    day.ana.line("lunch?");
    day.ana.wait_for("the question", |screen| said(screen, "ana: lunch?"));
    day.bob_tells("at one").await;
    day.shows("a direct message", |screen| screen.contains("bob: at one"));
    let list: Vec<String> = (1..=12).map(|number| format!("{number}. something to buy")).collect();
    day.ana.paste(&list.join("\n"));
    day.ana.wait_for("what was pasted", |screen| screen.contains("12. something to buy"));
    day.ana.press("Enter");
    day.shows("a long paste is asked about", |screen| screen.contains("send 12 lines as one message?"));
    day.ana.press("Enter");
    day.shows("a long paste", |screen| !screen.contains("as one message?") && said(screen, "12. something"));
}

async fn far_back(day: &mut Day) {
    for number in 1..=MANY {
        day.bob_says("tech", &format!("log line {number} of {MANY}")).await;
    }
    day.ana.wait_for("the count", |screen| screen.contains(&MANY.to_string()));
    day.ana.press("M-a");
    let latest = format!("log line {MANY} of");
    day.shows("much that is new", |screen| in_place(screen, "#tech") && screen.contains(&latest));
    day.ana.press("PageUp");
    day.ana.press("PageUp");
    day.shows("scrolled back", |screen| {
        screen.contains("Esc goes to the latest") && !screen.contains(&latest)
    });
    day.ana.press("M-Home");
    day.shows("the beginning", |screen| screen.contains("log line 1 of") && !screen.contains("on their way"));
    day.ana.press("Escape");
    day.ana.wait_for("the end", |screen| screen.contains(&latest));
}

fn finding(day: &mut Day) {
    day.ana.line("/search build from:bob");
    day.shows("what was found", |screen| screen.contains("#geral bob: the build is green"));
    day.ana.line("/jump");
    day.shows("where it was said", |screen| in_place(screen, "#geral") && screen.contains(" found "));
    day.ana.press("Escape");
    // On a large screen the latest message is there all the time, and Escape followed at once by another key is one key to a terminal.
    day.ana.wait_for("the latest", |screen| !screen.contains("Esc goes to the latest"));
    day.ana.press("M-a");
    day.ana.wait_for("back", |screen| in_place(screen, "#tech"));
}

async fn the_server_goes_and_comes(day: &mut Day) {
    day.server.process.kill();
    day.ana.wait_for("the loss", |screen| screen.contains("server away"));
    day.ana.line("written while the server is away");
    day.shows("a line without an answer", |screen| {
        screen.contains("  …   ana: written") && screen.contains("Not sent yet")
    });
    day.server.restart(day.folder.path());
    day.shows("its answer", |screen| said(screen, "ana: written") && !screen.contains("server away"));
}

fn evening(day: &mut Day, columns: u16, rows: u16) {
    day.ana.resize(100, 30);
    day.shows("another size", |screen| screen.lines().count() == 30);
    day.ana.resize(50, 12);
    day.shows("a small window", |screen| screen.lines().count() == 12);
    day.ana.resize(columns, rows);
    day.ana.wait_for("the size of before", |screen| screen.lines().count() == usize::from(rows));
    day.ana.press("C-d");
    day.ana.wait_for("the shell", |screen| screen.ends_with(PROMPT.trim_end()));
    day.ana.line("stty -g | cmp - found && echo as it was found");
    day.shows("the terminal afterwards", |screen| screen.contains("\nas it was found\n"));
}
