//! `recado search`: messages with some words, best first.

use jiff::Timestamp;
use recado_proto::{Found, UserName, limits as wire_limits};
use tokio_util::sync::CancellationToken;

use crate::chat::item::{Item, Place};
use crate::chat::place_of;
use crate::chat::search::Wanted;
use crate::entry::{Entry, unanswered};
use crate::error::Error;
use crate::session::Session;
use crate::when::{self, When};

use super::shared::{Printer, ProgramError, ServerArgs, message, printing};
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
    entry: Entry,
    wanted: Wanted,
    limit: u32,
    json: bool,
}

impl TryFrom<SearchArgs> for SearchConfig {
    type Error = ProgramError;

    fn try_from(args: SearchArgs) -> Result<Self, ProgramError> {
        let entry = args.server.entry(Vec::new())?;
        let SearchArgs { words, from, within, with, after, before, limit, json, .. } = args;
        let within = within.map(|target| target.0).or(with.map(Place::Direct));
        let wanted = Wanted { words: words.join(" "), from, within, after, before };
        Ok(Self { entry, wanted, limit, json })
    }
}

/// Prints what is found, best first.
///
/// # Errors
/// The server did not answer or refused, standard output failed, or `shutdown` was cancelled.
pub async fn run(config: SearchConfig, shutdown: CancellationToken) -> Result<(), Error> {
    let (entry, json) = (config.entry.clone(), config.json);
    printing(entry, json, shutdown, async |session, user, printer| {
        print_all(&config, session, user, printer).await
    })
    .await
}

async fn print_all(
    config: &SearchConfig,
    session: &Session,
    user: &UserName,
    printer: &mut Printer,
) -> Result<(), Error> {
    let now_ms = Timestamp::now().as_millisecond();
    let request = config.wanted.clone().into_request(user.clone(), config.limit, now_ms);
    let page = match session.search(request).await {
        Ok(page) => page,
        Err(error) => return Err(unanswered(error, &config.entry.session).await),
    };
    let heading = Item::Search {
        words: config.wanted.words.clone(),
        count: page.found.len(),
        partial: page.partial,
        behind: page.behind,
    };
    if !printer.show(&heading).await? {
        return Ok(());
    }
    for (index, Found { message: publication, snippet }) in page.found.into_iter().enumerate() {
        let Some(place) = place_of(&publication, user) else { continue };
        if let Item::Message(message) = message(place, publication, user, true) {
            let found = Item::Found { number: index + 1, message: Box::new(message), snippet };
            if !printer.show(&found).await? {
                return Ok(());
            }
        }
    }
    Ok(())
}
