//! `recado search`: messages with some words, best first.

use jiff::Timestamp;
use recado_proto::{Found, SearchIn, SearchRequest, UserName, limits as wire_limits};
use tokio_util::sync::CancellationToken;

use crate::chat::item::{Item, Place};
use crate::chat::place_of;
use crate::error::Error;
use crate::session::{Session, SessionConfig};
use crate::when::{self, When};

use super::shared::{Printer, ProgramError, ServerArgs, introduce, message, unanswered};
use super::target::Target;

/// What `recado search` takes.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct SearchArgs {
    /// Words that a message must have, in any order; one with * at its end, and the last, may go on
    #[arg(value_name = "WORDS", required = true)]
    words: Vec<String>,

    /// Only what this user wrote
    #[arg(long, value_name = "USER", value_parser = UserName::parse)]
    from: Option<UserName>,

    /// Only in this channel, or between you and @USER
    #[arg(long = "in", value_name = "CHANNEL|@USER", conflicts_with = "with")]
    within: Option<Target>,

    /// Only between you and this user
    #[arg(long, value_name = "USER", value_parser = UserName::parse)]
    with: Option<UserName>,

    /// Not before this: 1h ago, a date, or a time
    #[arg(long, value_name = "WHEN", value_parser = when::parse)]
    after: Option<When>,

    /// Before this: 1h ago, a date, or a time
    #[arg(long, value_name = "WHEN", value_parser = when::parse)]
    before: Option<When>,

    /// At most N messages, the best
    #[arg(short = 'n', long, value_name = "N", default_value_t = wire_limits::SEARCH_LIMIT_DEFAULT, value_parser = clap::value_parser!(u32).range(1..=i64::from(wire_limits::SEARCH_LIMIT_MAX)))]
    limit: u32,

    #[command(flatten)]
    server: ServerArgs,

    /// Print one JSON object a line, as `recado client --json` does
    #[arg(long, env = "RECADO_JSON")]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  recado search release notes --user ana
  recado search '\"release notes\"' --in tech --after 2026-01-01 --user ana
  recado search invoice --with bob --json --user ana | jq -r .text";

/// What is to be found, and who asks.
#[derive(Clone, Debug)]
pub struct SearchConfig {
    session: SessionConfig,
    user: UserName,
    words: String,
    from: Option<UserName>,
    within: Option<Place>,
    after: Option<When>,
    before: Option<When>,
    limit: u32,
    json: bool,
}

impl TryFrom<SearchArgs> for SearchConfig {
    type Error = ProgramError;

    fn try_from(args: SearchArgs) -> Result<Self, ProgramError> {
        let (session, user) = args.server.session_of_user(Vec::new())?;
        let SearchArgs { words, from, within, with, after, before, limit, json, .. } = args;
        let within = within.map(|target| target.0).or(with.map(Place::Direct));
        Ok(Self { session, user, words: words.join(" "), from, within, after, before, limit, json })
    }
}

impl SearchConfig {
    fn request(&self) -> SearchRequest {
        let now_ms = Timestamp::now().as_millisecond();
        let second =
            |when: &When| recado_proto::Timestamp::from_seconds(when.as_ms(now_ms).div_euclid(1_000));
        SearchRequest {
            user: self.user.clone(),
            words: self.words.clone(),
            from: self.from.clone(),
            within: self.within.clone().map(|within| match within {
                Place::Channel(channel) => SearchIn::Channel(channel),
                Place::Direct(user) => SearchIn::With(user),
            }),
            after: self.after.as_ref().map(second),
            before: self.before.as_ref().map(second),
            limit: self.limit,
        }
    }
}

/// Prints what is found, best first.
///
/// # Errors
/// The server did not answer or refused, standard output failed, or `shutdown` was cancelled.
pub async fn run(config: SearchConfig, shutdown: CancellationToken) -> Result<(), Error> {
    let (session, _events) = Session::connect(config.session.clone())?;
    let mut printer = Printer::new(config.json, Some(&config.user))?;
    let printed = tokio::select! {
        printed = print_all(&config, &session, &mut printer) => printed,
        () = shutdown.cancelled() => Err(Error::Interrupted),
    };
    let written = printer.finish().await;
    printed.and(written)
}

async fn print_all(config: &SearchConfig, session: &Session, printer: &mut Printer) -> Result<(), Error> {
    introduce(session, &config.user, &config.session).await?;
    let page = match session.search(config.request()).await {
        Ok(page) => page,
        Err(error) => return Err(unanswered(error, &config.session).await),
    };
    let heading = Item::Search {
        words: config.words.clone(),
        count: page.found.len(),
        partial: page.partial,
        behind: page.behind,
    };
    if !printer.show(&heading).await? {
        return Ok(());
    }
    for (index, Found { message: publication, snippet }) in page.found.into_iter().enumerate() {
        let Some(place) = place_of(&publication, &config.user) else { continue };
        if let Item::Message(message) = message(place, publication, &config.user, true) {
            let found = Item::Found { number: index + 1, message: Box::new(message), snippet };
            if !printer.show(&found).await? {
                return Ok(());
            }
        }
    }
    Ok(())
}
