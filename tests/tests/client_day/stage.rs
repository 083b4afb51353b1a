//! Where a day plays: a broker, a server, ana's terminal, and bob, who uses a library. And what her screen should show.

use std::{env, fs, path::PathBuf, thread};

use recado_proto::{Act, ActIn, Manner, MessageId, RequestBody};
use recado_tests::{
    chat::{Requester, Stored, channel, stored, user},
    limits::{LOOK_INTERVAL, LOOKS_UNTIL_SETTLED},
    parts::{Broker, Server, folder},
    tmux::Tmux,
    workspace::root,
};
use tempfile::TempDir;

pub(crate) struct Day {
    pub(crate) server: Server,
    pub(crate) ana: Tmux,
    bob: Requester,
    snapshots: Snapshots,
    _broker: Broker,
    /// Last, since it goes last: tmux is told to end through a socket in it.
    pub(crate) folder: TempDir,
}

impl Day {
    pub(crate) async fn begin(name: &str, columns: u16, rows: u16, plain: bool) -> Day {
        let folder = folder();
        let broker = Broker::start(folder.path());
        let server = Server::start(folder.path(), &broker.publishers);
        let mut bob = Requester::connect(&server.requests);
        bob.login("bob").await;
        let variables = [
            ("RECADO_SERVER", server.requests.as_str()),
            ("RECADO_BROKER", broker.subscribers.as_str()),
            ("RECADO_PLAIN", if plain { "true" } else { "false" }),
            ("RECADO_NOTIFY", "bell"),
            ("USER", "maria"),
        ];
        let ana = Tmux::start(folder.path(), columns, rows, &variables);
        let snapshots = Snapshots::open(&format!("{name}-{columns}x{rows}"));
        Day { folder, server, ana, bob, snapshots, _broker: broker }
    }

    /// Bob says something in a channel.
    pub(crate) async fn bob_says(&mut self, place: &str, text: &str) -> Stored {
        self.bob.publish("bob", place, text).await
    }

    /// Bob tells ana alone.
    pub(crate) async fn bob_tells(&mut self, text: &str) -> Stored {
        let (src, dst, message) = (user("bob"), user("ana"), text.to_owned());
        let (id, manner) = (Some(MessageId::new_v7()), Manner::default());
        stored(self.bob.ask(RequestBody::Message { src, dst, message, id, manner }).await)
    }

    /// Bob puts an emoji to the latest message of a channel.
    pub(crate) async fn bob_reacts(&mut self, place: &str, emoji: &str) {
        let history = self.bob.channel_history("bob", place).await;
        let target = history.last().and_then(|latest| latest.id).expect("something was said there");
        self.bob_acts(place, Act::React { target, emoji: emoji.to_owned() }).await;
    }

    /// Bob acts in a channel.
    pub(crate) async fn bob_acts(&mut self, place: &str, act: Act) {
        let (within, id) = (ActIn::Channel(channel(place)), Some(MessageId::new_v7()));
        stored(self.bob.ask(RequestBody::Act { user: user("bob"), within, act, id }).await);
    }

    /// A stage of the day: what ana did before comes to this on her screen.
    pub(crate) fn shows(&mut self, stage: &str, looks: impl Fn(&str) -> bool) {
        self.snapshots.check(stage, &self.ana, &looks);
    }

    /// The day is over, and all that was to be seen was seen.
    pub(crate) fn end(self) {
        self.snapshots.close();
    }
}

/// The stages of a day in one file, each with the window's title.
struct Snapshots {
    path: PathBuf,
    accepting: bool,
    expected: Vec<(String, String)>,
    seen: Vec<(String, String)>,
}

impl Snapshots {
    fn open(name: &str) -> Self {
        let path = root().join("tests/tests/client_day/snapshots").join(format!("{name}.txt"));
        let accepting = env::var("RECADO_ACCEPT").is_ok_and(|accept| accept == "1");
        let text = fs::read_to_string(&path).unwrap_or_default();
        let stages = text.split("=== ").skip(1);
        let expected = stages
            .filter_map(|stage| stage.split_once('\n'))
            .map(|(name, picture)| (name.to_owned(), picture.trim_end().to_owned()))
            .collect();
        Self { path, accepting, expected, seen: Vec::new() }
    }

    fn check(&mut self, stage: &str, terminal: &Tmux, looks: &dyn Fn(&str) -> bool) {
        if self.accepting {
            terminal.wait_for(stage, looks);
            self.seen.push((stage.to_owned(), settled(terminal)));
            return;
        }
        let (name, expected) = self.expected.get(self.seen.len()).cloned().unwrap_or_default();
        assert_eq!(name, stage, "{} has other stages; {}", self.path.display(), HOW_TO_ACCEPT);
        if terminal.wait_until(&|_| picture(terminal) == expected).is_err() {
            let shown = picture(terminal);
            panic!(
                "{stage} of {} should show\n{expected}\nbut shows\n{shown}\n{HOW_TO_ACCEPT}",
                self.path.display()
            );
        }
        self.seen.push((name, expected));
    }

    fn close(self) {
        if self.accepting {
            let stages = self.seen.iter().map(|(name, picture)| format!("=== {name}\n{picture}\n\n"));
            fs::write(&self.path, stages.collect::<String>()).expect("the snapshots can be written");
        } else {
            assert_eq!(self.seen.len(), self.expected.len(), "{HOW_TO_ACCEPT}");
        }
    }
}

const HOW_TO_ACCEPT: &str =
    "if it is what it should be, RECADO_ACCEPT=1 cargo test -p recado-tests --test client_day writes it";

/// The picture when it has not changed for a while.
fn settled(terminal: &Tmux) -> String {
    let mut last = picture(terminal);
    let mut looks = 0;
    while looks < LOOKS_UNTIL_SETTLED {
        thread::sleep(LOOK_INTERVAL);
        let next = picture(terminal);
        looks = if next == last { looks + 1 } else { 0 };
        last = next;
    }
    last
}

fn picture(terminal: &Tmux) -> String {
    let (columns, rows) = terminal.size();
    let screen = timeless(&terminal.screen());
    format!("--- {columns}x{rows}, title {:?}, {}\n{screen}", terminal.title(), terminal.modes())
}

/// With every time of day as `HH:MM`, a day before it as `MM-DD`, and a year before that as `YYYY`.
fn timeless(screen: &str) -> String {
    let characters: Vec<char> = screen.chars().collect();
    let digit = |at: usize| characters.get(at).is_some_and(char::is_ascii_digit);
    let pair = |at: usize, mark: char| {
        let digits = [at, at + 1, at + 3, at + 4].into_iter().all(digit);
        digits && characters.get(at + 2) == Some(&mark) && !digit(at + 5) && (at == 0 || !digit(at - 1))
    };
    let mut text = String::with_capacity(screen.len());
    let mut at = 0;
    while let Some(character) = characters.get(at) {
        let is_day = pair(at, '-') && characters.get(at + 5) == Some(&' ') && pair(at + 6, ':');
        let is_year = (at..at + 4).all(digit) && characters.get(at + 4) == Some(&'-') && pair(at + 5, '-');
        if is_year {
            text.push_str("YYYY");
            at += 4;
        } else if is_day || pair(at, ':') {
            text.push_str(if is_day { "MM-DD" } else { "HH:MM" });
            at += 5;
        } else {
            text.push(*character);
            at += 1;
        }
    }
    text
}
