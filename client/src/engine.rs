//! The loop that joins a session, a chat and a face: lines and events go to the chat, what it wants done goes to the session
//! and the face. It has no rules of its own but those of beginning and ending.

use std::future::pending;
use std::io;
use std::time::{Duration, Instant};

use recado_proto::{AdminAct, HistoryOf, JoinCode, MessageId, Range, UserName};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::chat::command::{Command, Conversation, OnMessage};
use crate::chat::complete::KnownNames;
use crate::chat::draft::Draft;
use crate::chat::item::{Item, Level, Place};
use crate::chat::reason::Unreadable;
use crate::chat::{Activity, Answer, Ask, Chat, Effect, ReadTo, Reads, Whereabouts};
use crate::kept::Record;
use crate::kept::keeper::Keeper;
use crate::limits;
use crate::session::{Session, SessionEvent, SessionEvents, half_sentence};
use crate::view::prompt::{self, Prompt};
use crate::view::wording::{self, Language};

/// What a face has to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// A line. `echo`: it stands nowhere, so that a message in it is to be shown.
    Line { text: String, echo: bool },
    /// A line that was typed where one saw this place. It goes there if it is a plain one, and is shown.
    LineAt { text: String, place: Place },
    /// Something is to be done to a message that was chosen where one saw this place.
    OnMessage { place: Place, target: MessageId, what: OnMessage },
    /// Plain lines go there from now on.
    Go(Place),
    /// What comes before this message is wanted, or the latest.
    Older { of: Place, before: Option<recado_proto::Place> },
    /// This is typed there and not sent yet; it is kept for the next start.
    Draft(Place, Draft),
    /// This message is wanted, with what is around it.
    Around { of: Place, id: MessageId },
    /// A line that could not be read.
    Unreadable(Unreadable),
    /// Ctrl-C on an empty line.
    Interrupt,
    /// There will be no more lines.
    End,
}

/// Where lines come from and items go to.
pub(crate) trait Face {
    /// Shows the item, waiting while too much waits to be shown. An error means that nobody looks any more.
    async fn show(&mut self, item: &Item) -> io::Result<()>;

    /// The next line; cancel safe. Called again only after [`Face::ready`].
    async fn next(&mut self) -> Input;

    /// What was asked for has been shown: the next line may come.
    fn ready(&mut self, whereabouts: &Whereabouts);

    /// How often names for completion are to be asked for; none if there is no completion.
    fn refresh_interval(&self) -> Option<Duration>;

    /// Names for completion.
    fn names(&mut self, known: &KnownNames);

    /// After so long the next line may come although an answer is missing; none if lines must wait for their answers.
    fn settle_max(&self) -> Option<Duration>;

    /// So many messages may be unanswered when the next line comes.
    fn lines_ahead_max(&self) -> usize;

    /// Has the user write this text with an editor; it comes back as what is typed. False where nobody types.
    fn write(&mut self, _: String) -> bool {
        false
    }

    /// What was seen since the last time this was asked: up to where, in each conversation.
    fn seen(&mut self) -> Vec<(Place, ReadTo)> {
        Vec::new()
    }

    /// What whoever looks has done, as far as it is known beside the lines that come.
    fn activity(&mut self) -> Activity {
        Activity::default()
    }

    /// At the end: lines that were given and not taken, and what is typed and not sent where that is not what was kept.
    async fn last_words(&mut self) -> (Vec<Input>, Vec<(Place, Draft)>) {
        (Vec::new(), Vec::new())
    }

    /// Nothing more will be shown: returns when everything has been.
    async fn finish(self);
}

/// A face on a terminal, which also asks who it is.
pub(crate) trait Opening: Face {
    /// What of all that is shown counts as read.
    fn reads(&self) -> Reads;

    /// Asks something, and waits for the line that answers it; none if the user would rather leave.
    async fn answer(&mut self, question: Prompt) -> Option<String>;

    /// Asks who it is, offering a suggestion for an empty answer; none if the user would rather leave.
    async fn ask_name(&mut self, suggestion: Option<&UserName>, language: Language) -> Option<UserName> {
        loop {
            let text = self.answer(prompt::name(language, suggestion.map(UserName::as_str))).await?;
            match suggestion {
                Some(suggestion) if text.trim().is_empty() => return Some(suggestion.clone()),
                _ => match UserName::parse(&text) {
                    Ok(name) => return Some(name),
                    Err(error) => self.complain(&wording::name_error(language, &error)),
                },
            }
        }
    }

    /// The chat begins.
    fn begin(&self) -> io::Result<()>;

    /// What was typed and not sent the last time; what is typed now is kept likewise.
    async fn take_up(&mut self, drafts: Vec<(Place, Draft)>) -> io::Result<()>;

    /// What one wants to be told of these conversations, as was said the last time.
    async fn attend(&mut self, levels: Vec<(Place, Level)>) -> io::Result<()>;

    /// Says something before the chat begins.
    fn say(&mut self, text: &str);

    /// Says that something is wrong before the chat begins.
    fn complain(&mut self, text: &str);
}

/// When the loop ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ending {
    /// It goes on when input has ended.
    pub(crate) listen: bool,
    /// It ends after this.
    pub(crate) duration: Option<Duration>,
    /// Once the end is wanted, how long it waits for what is under way; none if that ends by itself.
    pub(crate) patience: Option<Duration>,
}

/// Runs one chat between a session and a face.
pub(crate) struct Engine<F> {
    pub(crate) session: Session,
    pub(crate) events: SessionEvents,
    pub(crate) chat: Chat,
    pub(crate) face: F,
    /// Where what is kept until the next start goes.
    pub(crate) keeper: Option<Keeper>,
    pub(crate) ending: Ending,
    pub(crate) shutdown: CancellationToken,
}

enum Happening {
    Input(Input),
    Event(Option<SessionEvent>),
    Answer(Result<Answer, JoinError>),
    Refresh,
    Reading,
    Time,
    Shutdown,
}

/// What the loop remembers.
struct Turns {
    answers: JoinSet<Answer>,
    /// The face may give the next line.
    ready: bool,
    /// It may by then, whatever is missing.
    ready_by: Option<Instant>,
    /// A command that waits until the messages before it are answered.
    deferred: Option<String>,
    input_ended: bool,
    quitting: bool,
    end_at: Option<Instant>,
    /// When to write down how far topics were shown.
    save_at: Option<Instant>,
    names_version: u64,
    /// When the last input came.
    input_at: Instant,
}

impl<F: Face> Engine<F> {
    /// Runs the chat to its end. How many things that were asked for failed; an error means that nobody looks any more.
    pub(crate) async fn run(mut self) -> io::Result<usize> {
        let mut turns = Turns {
            answers: JoinSet::new(),
            ready: false,
            ready_by: self.face.settle_max().map(|longest| Instant::now() + longest),
            deferred: None,
            input_ended: false,
            quitting: false,
            end_at: self.ending.duration.map(|duration| Instant::now() + duration),
            save_at: None,
            names_version: 0,
            input_at: Instant::now(),
        };
        let looked_at = match self.take_turns(&mut turns).await {
            Ok(()) => {
                self.take_last_words(&mut turns).await?;
                self.chat.on_end();
                self.perform(&mut turns).await
            }
            gone => gone,
        };
        self.save_places(true).await;
        self.tell_last_marks().await;
        self.take_leave().await;
        turns.answers.shutdown().await;
        self.session.close().await;
        tokio::select! {
            () = self.face.finish() => {}
            () = overdue(&self.shutdown) => {}
        }
        looked_at.map(|()| self.chat.failures())
    }

    async fn take_turns(&mut self, turns: &mut Turns) -> io::Result<()> {
        let mut refresh = self.face.refresh_interval().map(tokio::time::interval);
        if let Some(refresh) = &mut refresh {
            refresh.set_missed_tick_behavior(MissedTickBehavior::Delay);
        }
        let mut reading = tokio::time::interval(limits::MARKS_TELL_INTERVAL);
        reading.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.take_up_deferred(turns);
            self.perform(turns).await?;
            self.let_next_line_come(turns);
            if self.is_over(turns) {
                return Ok(());
            }
            if turns.save_at.is_none() && self.chat.has_unsaved_places() {
                turns.save_at = Some(Instant::now() + limits::PLACES_SAVE_AFTER);
            }
            let deadline = turns.ready_by.into_iter().chain(turns.end_at).chain(turns.save_at).min();
            let happening = tokio::select! {
                input = self.face.next(), if turns.ready => Happening::Input(input),
                event = self.events.recv() => Happening::Event(event),
                Some(answer) = turns.answers.join_next() => Happening::Answer(answer),
                () = tick(refresh.as_mut()) => Happening::Refresh,
                _ = reading.tick() => Happening::Reading,
                () = until(deadline) => Happening::Time,
                () = self.shutdown.cancelled() => Happening::Shutdown,
            };
            match happening {
                Happening::Input(input) => self.on_input(input, turns),
                Happening::Event(Some(event)) => self.chat.on_event(event),
                // The session's task ends only when it is told to.
                Happening::Event(None) | Happening::Shutdown => return Ok(()),
                Happening::Answer(Ok(answer)) => self.chat.on_answer(answer),
                Happening::Answer(Err(error)) => return Err(io::Error::other(error)),
                Happening::Refresh => {
                    self.ask(Ask::Users { quiet: true }, turns);
                    self.ask(Ask::Channels { quiet: true }, turns);
                    self.chat.refresh_company();
                }
                Happening::Reading => {
                    self.take_seen();
                    self.chat.tell_marks();
                    self.attend(turns);
                }
                Happening::Time => {}
            }
            if turns.save_at.take_if(|at| *at <= Instant::now()).is_some() {
                self.save_places(false).await;
            }
        }
    }

    fn on_input(&mut self, input: Input, turns: &mut Turns) {
        turns.input_at = Instant::now();
        turns.ready = false;
        turns.ready_by = self.face.settle_max().map(|longest| Instant::now() + longest);
        match input {
            Input::Line { text, .. } if self.must_wait(&text) => turns.deferred = Some(text),
            Input::Line { text, echo } => {
                self.chat.on_line(&text, echo, jiff::Timestamp::now().as_millisecond());
            }
            Input::LineAt { text, place } => {
                self.chat.on_line_at(&text, place, jiff::Timestamp::now().as_millisecond());
            }
            Input::OnMessage { place, target, what } => {
                self.chat.on_chosen(place, target, what, jiff::Timestamp::now().as_millisecond());
            }
            Input::Go(place) => {
                self.chat.go(place);
            }
            Input::Older { of, before } => self.chat.want_older(of, before),
            Input::Around { of, id } => self.chat.want_around(of, id),
            Input::Draft(place, draft) => self.chat.on_draft(place, draft),
            Input::Unreadable(reason) => self.chat.on_unreadable_line(reason),
            Input::Interrupt => self.chat.on_interrupt(),
            Input::End => {
                turns.input_ended = true;
                if !self.ending.listen {
                    self.quit(turns);
                }
            }
        }
    }

    /// A script that says something and then asks for the history expects to find it there.
    fn must_wait(&self, line: &str) -> bool {
        let is_command = matches!(Command::parse(line), Ok(Some(command)) if !command.is_message());
        is_command && self.face.settle_max().is_none() && self.chat.unsent() > 0
    }

    /// Does what the chat wants done.
    async fn perform(&mut self, turns: &mut Turns) -> io::Result<()> {
        while let Some(effect) = self.chat.next_effect() {
            match effect {
                Effect::Show(item) => self.face.show(&item).await?,
                Effect::Keep { record, durable } => self.keep(vec![record], durable).await,
                Effect::Ask(ask) => self.ask(ask, turns),
                // An error means that the session has ended, and with it the subscription.
                Effect::Unfollow(channel) => drop(self.session.unsubscribe(&channel).await),
                Effect::Hear(hearing) => {
                    if let Err(error) = self.session.hear(hearing).await {
                        tracing::debug!(%error, "something is not heard");
                    }
                }
                // As with the channel.
                Effect::Ignore(hearing) => drop(self.session.ignore(hearing).await),
                Effect::Write(text) => {
                    if !self.face.write(text) {
                        self.chat.on_nowhere_to_write();
                    }
                }
                Effect::Quit => self.quit(turns),
            }
        }
        if turns.names_version != self.chat.known().version() {
            turns.names_version = self.chat.known().version();
            self.face.names(self.chat.known());
        }
        Ok(())
    }

    async fn keep(&mut self, records: Vec<Record>, durable: bool) {
        let Some(keeper) = &self.keeper else { return };
        if let Err(error) = keeper.write(records, durable).await {
            self.keeper = None;
            self.chat.on_keep_failed(half_sentence(&error.to_string()));
        }
    }

    /// What was sent with Enter and not taken yet is kept as sent, what was only typed as typed.
    async fn take_last_words(&mut self, turns: &mut Turns) -> io::Result<()> {
        let (inputs, drafts) = tokio::select! {
            words = self.face.last_words() => words,
            () = overdue(&self.shutdown) => return Ok(()),
        };
        for input in inputs {
            let is_message = match &input {
                Input::LineAt { text, .. } => {
                    matches!(Command::parse(text), Ok(Some(command)) if command.is_message())
                }
                Input::OnMessage { what: OnMessage::Answer(_), .. } => true,
                Input::OnMessage { .. }
                | Input::Line { .. }
                | Input::Go(_)
                | Input::Older { .. }
                | Input::Around { .. }
                | Input::Draft(..)
                | Input::Unreadable(_)
                | Input::Interrupt
                | Input::End => false,
            };
            if is_message {
                self.on_input(input, turns);
                self.perform(turns).await?;
            }
        }
        let records: Vec<_> = drafts.into_iter().map(|(place, draft)| Record::Draft(place, draft)).collect();
        if !records.is_empty() {
            self.keep(records, true).await;
        }
        Ok(())
    }

    async fn save_places(&mut self, durable: bool) {
        let places = self.chat.take_unsaved_places();
        if !places.is_empty() {
            self.keep(places, durable).await;
        }
    }

    fn take_seen(&mut self) {
        for (place, to) in self.face.seen() {
            self.chat.on_seen(place, to);
        }
    }

    /// What was read last must not be unread on another device. A server that does not answer at once is not waited for: the next start
    /// reads on from here.
    async fn tell_last_marks(&mut self) {
        self.take_seen();
        let user = self.chat.whereabouts().user;
        let marks = self.chat.take_untold_marks();
        if marks.is_empty() || self.chat.is_server_away() {
            return;
        }
        let mut telling = JoinSet::new();
        for mark in marks.into_iter().take(limits::LAST_MARKS_MAX) {
            telling.spawn(answer(self.session.clone(), user.clone(), Ask::Mark(mark)));
        }
        let all_told = async { while telling.join_next().await.is_some() {} };
        if tokio::time::timeout(limits::LAST_MARKS_PATIENCE, all_told).await.is_err() {
            tracing::debug!("what was read last was not answered");
        }
    }

    fn attend(&mut self, turns: &Turns) {
        let mut activity = self.face.activity();
        activity.key_at = activity.key_at.max(Some(turns.input_at));
        self.chat.attend(&activity, Instant::now());
    }

    /// Nobody is to think that one is here still. A server that does not answer at once is not waited for: it forgets by itself.
    async fn take_leave(&mut self) {
        let Some(ask) = self.chat.take_leave() else { return };
        let said = answer(self.session.clone(), self.chat.whereabouts().user, ask);
        if tokio::time::timeout(limits::LAST_HERE_PATIENCE, said).await.is_err() {
            tracing::debug!("that one leaves was not answered");
        }
    }

    /// One task for each question, so that a slow answer holds up nothing else. There are few: the chat sends one message
    /// at a time, and the next line waits for what the one before asked.
    fn ask(&self, ask: Ask, turns: &mut Turns) {
        turns.answers.spawn(answer(self.session.clone(), self.chat.whereabouts().user, ask));
    }

    fn take_up_deferred(&mut self, turns: &mut Turns) {
        if self.chat.unsent() == 0
            && let Some(command) = turns.deferred.take()
        {
            self.chat.on_line(&command, false, jiff::Timestamp::now().as_millisecond());
        }
    }

    fn let_next_line_come(&mut self, turns: &mut Turns) {
        if turns.deferred.is_some() || turns.ready || turns.input_ended || turns.quitting {
            return;
        }
        let settled = self.chat.is_settled() && self.chat.unsent() < self.face.lines_ahead_max();
        if settled || turns.ready_by.is_some_and(|by| by <= Instant::now()) {
            turns.ready = true;
            turns.ready_by = None;
            self.face.ready(&self.chat.whereabouts());
        }
    }

    fn quit(&self, turns: &mut Turns) {
        if std::mem::replace(&mut turns.quitting, true) {
            return;
        }
        turns.ready = false;
        turns.ready_by = None;
        turns.end_at = self.ending.patience.map(|patience| Instant::now() + patience);
    }

    fn is_over(&self, turns: &mut Turns) -> bool {
        let time_is_over = turns.end_at.is_some_and(|at| at <= Instant::now());
        if !turns.quitting {
            if time_is_over {
                self.quit(turns);
            } else {
                return false;
            }
        } else if time_is_over {
            return true;
        }
        // Lines that are kept for a server that is away would hold up the end for nothing.
        let nothing_can_come = self.ending.patience.is_some() && self.chat.is_server_away();
        nothing_can_come || turns.deferred.is_none() && self.chat.is_settled() && self.chat.unsent() == 0
    }
}

async fn answer(session: Session, user: UserName, ask: Ask) -> Answer {
    match ask {
        Ask::Join { channel, start } => {
            let joined = session.subscribe_channel_from(&channel, start).await;
            Answer::Join(channel, joined)
        }
        Ask::Look(channel) => {
            let last = session.history(HistoryOf::Channel(channel.clone()), Range::Latest, 1).await;
            Answer::Look(channel, last)
        }
        Ask::Create(channel) => {
            let created = session.create_channel(&channel).await;
            Answer::Create(channel, created)
        }
        Ask::Users { quiet } => Answer::Users { quiet, result: session.users().await },
        Ask::Channels { quiet } => Answer::Channels { quiet, result: session.channels().await },
        Ask::History { of, limit } => {
            Answer::History { result: session.history(of.clone().into(), Range::Latest, limit).await, of }
        }
        Ask::Older { of, before } => {
            let range = before.map_or(Range::Latest, Range::Before);
            let asked = Conversation::from(of.clone()).into();
            let limit = limits::SCROLL_PAGE_MESSAGES;
            Answer::Older { of, result: session.history_with_acts(asked, range, limit).await }
        }
        Ask::Search(request) => {
            let found = session.search(request.clone()).await;
            Answer::Search(request, found)
        }
        Ask::Around { of, id } => {
            let asked = Conversation::from(of.clone()).into();
            let range = Range::Around(recado_proto::Place::Id(id));
            let result = session.history_with_acts(asked, range, limits::AROUND_MESSAGES).await;
            Answer::Around { of, id, result }
        }
        Ask::Govern { what, channel, act } => {
            Answer::Govern { what, channel, result: session.administer(act).await }
        }
        Ask::Members(channel) => {
            let members = session.members(&channel).await;
            Answer::Members(channel, members)
        }
        Ask::Device => {
            let code = session.new_code(AdminAct::Device { of: None, seconds: None, code: () }).await;
            let link = |code: JoinCode| match session.link(code.clone()) {
                Some(link) => link.to_string(),
                None => code.to_string(),
            };
            Answer::Device(code.map(link))
        }
        Ask::Topic { channel, quiet } => {
            let of = HistoryOf::Channel(channel.clone());
            Answer::Topic { channel, quiet, result: session.history_with_acts(of, Range::Latest, 1).await }
        }
        Ask::Mark(mark) => Answer::Mark(mark.clone(), session.mark(&user, mark).await),
        Ask::Here { device, state, typing } => {
            Answer::Here(session.here(&user, &device, state, typing).await)
        }
        Ask::Who { quiet } => Answer::Who { quiet, result: session.who().await },
        Ask::Marks => Answer::Marks(session.marks(&user).await),
        Ask::Act { id, within, act, at_ms } => {
            let outcome = session.act_with_id(within.clone(), act.clone(), id).await;
            Answer::Act { within, act, at_ms, outcome }
        }
        Ask::Send { id, to, text, manner, after_pause } => {
            if after_pause {
                tokio::time::sleep(limits::BUSY_PAUSE).await;
            }
            Answer::Send(match to {
                Place::Channel(channel) => session.publish_in_manner(&channel, text, id, manner).await,
                Place::Direct(user) => session.message_in_manner(&user, text, id, manner).await,
            })
        }
    }
}

async fn tick(interval: Option<&mut Interval>) {
    match interval {
        Some(interval) => drop(interval.tick().await),
        None => pending().await,
    }
}

/// Whoever was told to end does not wait for an output that is stuck.
async fn overdue(shutdown: &CancellationToken) {
    shutdown.cancelled().await;
    tokio::time::sleep(limits::LAST_OUTPUT_MAX).await;
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => pending().await,
    }
}
