//! Why something failed, and what to do about it.

use recado_proto::{Code, NameError, limits as wire_limits};

use crate::chat::command::{CommandError, CommandSpec};
use crate::chat::item::{Attempt, Failure};
use crate::chat::reason::{Hint, Reason, Unreadable};
use crate::limits;
use crate::session::RequestError;
use crate::view::text::one_line;
use crate::writing::WritingError;

use super::language::Language;
use super::{channel, place};

/// Why something failed and what to do, in one line.
pub(crate) fn failure(language: Language, failure: &Failure) -> String {
    let what = attempt(language, &failure.what);
    let reason = reason(language, &failure.reason);
    let reason = one_line(reason.trim_end_matches('.'));
    match &failure.hint {
        Some(hint) => format!("{what}{reason}; {}", one_line(&self::hint(language, hint))),
        None => format!("{what}{reason}"),
    }
}

fn attempt(language: Language, what: &Attempt) -> String {
    match language {
        Language::English => match what {
            Attempt::Line => String::new(),
            Attempt::Send { ambiguous, to, .. } => {
                let sent = if *ambiguous { "perhaps not sent" } else { "not sent" };
                match to {
                    Some(to) => format!("{sent} to {}: ", place(to)),
                    None => format!("{sent}: "),
                }
            }
            Attempt::Join(of) => format!("cannot join {}: ", channel(of)),
            Attempt::Leave(_) => "cannot leave: ".to_owned(),
            Attempt::Create(of) => format!("cannot create {}: ", channel(of)),
            Attempt::Users => "cannot list users: ".to_owned(),
            Attempt::Channels => "cannot list channels: ".to_owned(),
            Attempt::History | Attempt::Older(_) => "cannot show earlier messages: ".to_owned(),
            Attempt::Search => "cannot search: ".to_owned(),
            Attempt::Act | Attempt::Govern => "not done: ".to_owned(),
        },
        Language::Portuguese => match what {
            Attempt::Line => String::new(),
            Attempt::Send { ambiguous, to, .. } => {
                let sent = if *ambiguous { "talvez não enviada" } else { "não enviada" };
                match to {
                    Some(to) => format!("{sent} a {}: ", place(to)),
                    None => format!("{sent}: "),
                }
            }
            Attempt::Join(of) => format!("não foi possível entrar em {}: ", channel(of)),
            Attempt::Leave(_) => "não foi possível sair: ".to_owned(),
            Attempt::Create(of) => format!("não foi possível criar {}: ", channel(of)),
            Attempt::Users => "não foi possível listar os usuários: ".to_owned(),
            Attempt::Channels => "não foi possível listar os canais: ".to_owned(),
            Attempt::History | Attempt::Older(_) => {
                "não foi possível mostrar mensagens anteriores: ".to_owned()
            }
            Attempt::Search => "não foi possível buscar: ".to_owned(),
            Attempt::Act | Attempt::Govern => "não foi feito: ".to_owned(),
        },
    }
}

/// Why, as a sentence without an end.
pub(crate) fn reason(language: Language, reason: &Reason) -> String {
    match (language, reason) {
        (Language::English | Language::Portuguese, Reason::Command(error)) => command_error(language, error),
        (Language::English | Language::Portuguese, Reason::Unreadable(why)) => unreadable(language, *why),
        (Language::English | Language::Portuguese, Reason::Request(error)) => request_error(language, error),
        (Language::English, Reason::NotAmongFound(0)) => {
            "nothing was found yet that one could go to".to_owned()
        }
        (Language::Portuguese, Reason::NotAmongFound(0)) => {
            "nada foi encontrado ainda para onde ir".to_owned()
        }
        (Language::English, Reason::NotAmongFound(last)) => {
            format!("what was found last has the numbers 1 to {last}")
        }
        (Language::Portuguese, Reason::NotAmongFound(last)) => {
            format!("o que foi encontrado por último tem os números de 1 a {last}")
        }
        (Language::English, Reason::InNoChannel) => "you are in no channel".to_owned(),
        (Language::Portuguese, Reason::InNoChannel) => "você não está em nenhum canal".to_owned(),
        (Language::English, Reason::PresenceIsOff) => "it is not said whether you are here".to_owned(),
        (Language::Portuguese, Reason::PresenceIsOff) => "não se diz se você está aqui".to_owned(),
        (Language::English, Reason::InNoConversation) => "you are in no conversation".to_owned(),
        (Language::Portuguese, Reason::InNoConversation) => "você não está em nenhuma conversa".to_owned(),
        (Language::English, Reason::NotInThisChannel) => "you are not in this channel".to_owned(),
        (Language::Portuguese, Reason::NotInThisChannel) => "você não está neste canal".to_owned(),
        (Language::English, Reason::NotIn(of)) => format!("you are not in #{of}"),
        (Language::Portuguese, Reason::NotIn(of)) => format!("você não está em #{of}"),
        (Language::English, Reason::OnlyChannels) => "only channels have a topic".to_owned(),
        (Language::Portuguese, Reason::OnlyChannels) => "só canais têm tópico".to_owned(),
        (Language::English, Reason::NoSuchEmoji(written)) => format!("no emoji is called {written}"),
        (Language::Portuguese, Reason::NoSuchEmoji(written)) => format!("nenhum emoji se chama {written}"),
        (Language::English, Reason::NobodyWrote) => "nobody has written to you directly yet".to_owned(),
        (Language::Portuguese, Reason::NobodyWrote) => "ninguém escreveu diretamente a você ainda".to_owned(),
        (Language::English, Reason::NeedsTerminal) => "an editor needs a terminal".to_owned(),
        (Language::Portuguese, Reason::NeedsTerminal) => "um editor precisa de um terminal".to_owned(),
        (Language::English, Reason::NotSoFarBack(back)) => {
            format!("nothing that was shown here is {back} messages back")
        }
        (Language::Portuguese, Reason::NotSoFarBack(back)) => {
            format!("nada do que foi mostrado aqui tem o número {back}")
        }
        (Language::English, Reason::NothingShown) => {
            "nothing was shown here yet that could be meant".to_owned()
        }
        (Language::Portuguese, Reason::NothingShown) => {
            "ainda não foi mostrada aqui nenhuma mensagem que sirva".to_owned()
        }
        (Language::English, Reason::OutboxFull(lines)) => {
            format!("{lines} lines are waiting to be sent already")
        }
        (Language::Portuguese, Reason::OutboxFull(lines)) => {
            format!("já há {lines} linhas à espera de envio")
        }
        (Language::English, Reason::NoSuchChannel(of)) => format!("there is no channel {of}"),
        (Language::Portuguese, Reason::NoSuchChannel(of)) => format!("não existe o canal {of}"),
        (Language::English, Reason::NoAnswer) => "the server did not answer".to_owned(),
        (Language::Portuguese, Reason::NoAnswer) => "o servidor não respondeu".to_owned(),
        (Language::English, Reason::NoServer) => "no server could be reached".to_owned(),
        (Language::Portuguese, Reason::NoServer) => "nenhum servidor pôde ser alcançado".to_owned(),
        (Language::English, Reason::LineBefore) => "the line before it was not answered".to_owned(),
        (Language::Portuguese, Reason::LineBefore) => "a linha anterior não teve resposta".to_owned(),
    }
}

/// What to do about it.
pub(crate) fn hint(language: Language, hint: &Hint) -> String {
    match (language, hint) {
        (Language::English, Hint::JoinThere) => "/join goes there".to_owned(),
        (Language::Portuguese, Hint::JoinThere) => "/join leva até lá".to_owned(),
        (Language::English, Hint::Join(of)) => format!("/join {of} goes there"),
        (Language::Portuguese, Hint::Join(of)) => format!("/join {of} leva até lá"),
        (Language::English, Hint::JoinOne) => "/join goes to a channel, /channels lists them".to_owned(),
        (Language::Portuguese, Hint::JoinOne) => "/join leva a um canal, /channels lista todos".to_owned(),
        (Language::English, Hint::Create(of)) => format!("/create {of} makes it"),
        (Language::Portuguese, Hint::Create(of)) => format!("/create {of} cria o canal"),
        (Language::English, Hint::NearestChannel { nearest, named }) => {
            format!("did you mean {nearest}? /create {named} makes it")
        }
        (Language::Portuguese, Hint::NearestChannel { nearest, named }) => {
            format!("você quis dizer {nearest}? /create {named} cria o canal")
        }
        (Language::English, Hint::NearestUser(nearest)) => format!("did you mean {nearest}?"),
        (Language::Portuguese, Hint::NearestUser(nearest)) => format!("você quis dizer {nearest}?"),
        (Language::English, Hint::NearestOfUsers(nearest)) => {
            format!("did you mean {nearest}? /users lists everybody")
        }
        (Language::Portuguese, Hint::NearestOfUsers(nearest)) => {
            format!("você quis dizer {nearest}? /users lista todos")
        }
        (Language::English, Hint::ListUsers) => "/users lists everybody".to_owned(),
        (Language::Portuguese, Hint::ListUsers) => "/users lista todos".to_owned(),
        (Language::English, Hint::WriteToSomebody) => "/msg USER TEXT writes to somebody".to_owned(),
        (Language::Portuguese, Hint::WriteToSomebody) => "/msg USUÁRIO TEXTO escreve a alguém".to_owned(),
        (Language::English, Hint::Search) => "/search WORDS finds messages".to_owned(),
        (Language::Portuguese, Hint::Search) => "/search PALAVRAS busca mensagens".to_owned(),
        (Language::English, Hint::DirectHistory) => "/history @USER shows direct messages".to_owned(),
        (Language::Portuguese, Hint::DirectHistory) => {
            "/history @USUÁRIO mostra mensagens diretas".to_owned()
        }
        (Language::English, Hint::EmojiNames) => {
            "Tab behind : and a few letters shows what they are called".to_owned()
        }
        (Language::Portuguese, Hint::EmojiNames) => {
            "Tab depois de : e algumas letras mostra os nomes deles".to_owned()
        }
        (Language::English, Hint::Numbers) => "1 is the latest message, 2 the one before".to_owned(),
        (Language::Portuguese, Hint::Numbers) => "1 é a mensagem mais recente, 2 a anterior".to_owned(),
    }
}

/// Why a line is no command, and what to write instead.
pub(crate) fn command_error(language: Language, error: &CommandError) -> String {
    match (language, error) {
        (Language::English | Language::Portuguese, CommandError::Name { error }) => {
            name_error(language, error)
        }
        (Language::English, CommandError::Unknown { name, nearest }) => match nearest {
            Some(nearest) => format!("there is no command /{name}; did you mean /{nearest}?"),
            None => format!("there is no command /{name}; /help lists them"),
        },
        (Language::Portuguese, CommandError::Unknown { name, nearest }) => match nearest {
            Some(nearest) => format!("não existe o comando /{name}; você quis dizer /{nearest}?"),
            None => format!("não existe o comando /{name}; /help lista todos"),
        },
        (Language::English, CommandError::Incomplete(spec)) => {
            format!(
                "/{} needs {}; for example: {}",
                spec.name,
                arguments(language, spec),
                example(language, spec)
            )
        }
        (Language::Portuguese, CommandError::Incomplete(spec)) => {
            format!(
                "/{} pede {}; por exemplo: {}",
                spec.name,
                arguments(language, spec),
                example(language, spec)
            )
        }
        (Language::English, CommandError::TooMuch(spec)) => {
            format!(
                "/{} takes {}; for example: {}",
                spec.name,
                arguments(language, spec),
                example(language, spec)
            )
        }
        (Language::Portuguese, CommandError::TooMuch(spec)) => {
            format!(
                "/{} aceita {}; por exemplo: {}",
                spec.name,
                arguments(language, spec),
                example(language, spec)
            )
        }
        (Language::English, CommandError::Number) => {
            format!("the number of messages is from 1 to {}", wire_limits::HISTORY_LIMIT_MAX)
        }
        (Language::Portuguese, CommandError::Number) => {
            format!("o número de mensagens vai de 1 a {}", wire_limits::HISTORY_LIMIT_MAX)
        }
        (Language::English, CommandError::Back) => {
            format!("how far back a message is goes from 1, the latest, to {}", limits::NUMBERED_MESSAGES_MAX)
        }
        (Language::Portuguese, CommandError::Back) => format!(
            "as mensagens contam-se para trás de 1, a mais recente, a {}",
            limits::NUMBERED_MESSAGES_MAX
        ),
        (Language::English, CommandError::When { error }) => error.to_string(),
        (Language::Portuguese, CommandError::When { error }) => format!(
            "{:?} não é um momento: escreva há quanto tempo (30m, 1h), uma data (2026-01-31), ou uma hora \
             (2026-01-31T12:00:00Z)",
            error.text()
        ),
        (Language::English, CommandError::Quote) => "a quote is not closed".to_owned(),
        (Language::Portuguese, CommandError::Quote) => "falta fechar as aspas".to_owned(),
    }
}

fn arguments(language: Language, spec: &CommandSpec) -> &'static str {
    let arguments = spec.help().arguments;
    match language {
        Language::English if arguments.is_empty() => "nothing more",
        Language::Portuguese if arguments.is_empty() => "só isso",
        Language::English | Language::Portuguese => arguments.of(language),
    }
}

fn example(language: Language, spec: &CommandSpec) -> &'static str {
    spec.help().example.of(language)
}

/// Why a text is no name.
pub(crate) fn name_error(language: Language, error: &NameError) -> String {
    match (language, error) {
        // The same as programs are told.
        (Language::English, error) => error.to_string(),
        (Language::Portuguese, NameError::Empty) => "um nome não pode ser vazio".to_owned(),
        (Language::Portuguese, NameError::TooLong { bytes }) => {
            format!("um nome tem no máximo {} bytes, este tem {bytes}", wire_limits::NAME_BYTES_MAX)
        }
        (Language::Portuguese, NameError::ControlCharacter) => {
            "um nome não pode ter caracteres de controle".to_owned()
        }
        (Language::Portuguese, NameError::Reserved) => {
            "um nome não pode começar com `_`, que é reservado ao sistema".to_owned()
        }
    }
}

/// Why a line of input cannot be read.
pub(crate) fn unreadable(language: Language, why: Unreadable) -> String {
    match (language, why) {
        (Language::English, Unreadable::TooLong) => {
            format!("a line has at most {} bytes", limits::LINE_BYTES_MAX)
        }
        (Language::Portuguese, Unreadable::TooLong) => {
            format!("uma linha tem no máximo {} bytes", limits::LINE_BYTES_MAX)
        }
        (Language::English, Unreadable::NoText) => "the line is not UTF-8".to_owned(),
        (Language::Portuguese, Unreadable::NoText) => "a linha não está em UTF-8".to_owned(),
    }
}

/// Why nothing comes of the user's editor.
pub(crate) fn writing_error(language: Language, error: &WritingError) -> String {
    let reason = match (language, error) {
        // The same as logs say.
        (Language::English, error) => error.to_string(),
        (Language::Portuguese, WritingError::NoFile(error)) => {
            format!("não foi possível criar o arquivo para o editor: {error}")
        }
        (Language::Portuguese, WritingError::NotStarted(error)) => {
            format!("não foi possível abrir o editor: {error}")
        }
        (Language::Portuguese, WritingError::Missing(editor)) => {
            format!("não existe o editor `{editor}`; VISUAL ou EDITOR diz qual é o seu")
        }
        (Language::Portuguese, WritingError::Failed { editor, status }) => {
            format!("o editor `{editor}` falhou ({status}); o que você digitou continua como estava")
        }
        (Language::Portuguese, WritingError::Unreadable { reason, file }) => {
            format!("não foi possível ler o que o editor deixou ({reason}); está em {}", file.display())
        }
    };
    one_line(&reason).into_owned()
}

/// Why a request has no result.
pub(crate) fn request_error(language: Language, error: &RequestError) -> String {
    match (language, error) {
        // The same as programs are told.
        (Language::English, error) => error.to_string(),
        (Language::Portuguese, RequestError::Refused { code, description }) => refused(code, description),
        (Language::Portuguese, RequestError::Unanswered { attempts: 0 }) => {
            reason(language, &Reason::NoServer)
        }
        (Language::Portuguese, RequestError::Unanswered { attempts: 1 }) => {
            reason(language, &Reason::NoAnswer)
        }
        (Language::Portuguese, RequestError::Unanswered { attempts }) => {
            format!("o servidor não respondeu, embora perguntado {attempts} vezes")
        }
        (Language::Portuguese, RequestError::Malformed { reason }) => {
            format!("a resposta do servidor não foi entendida ({reason})")
        }
        (Language::Portuguese, RequestError::Distrusted(found)) => {
            super::distrusted(language, found).replace('\n', " ")
        }
        (Language::Portuguese, RequestError::NotLoggedIn) => "ninguém entrou ainda".to_owned(),
        (Language::Portuguese, RequestError::Busy) => "há pedidos demais em andamento".to_owned(),
        (Language::Portuguese, RequestError::TooManyTopics) => {
            "já são seguidos canais e conversas demais".to_owned()
        }
        (Language::Portuguese, RequestError::Closed) => "a sessão terminou".to_owned(),
    }
}

/// What the server says of a refusal is in English: its code says the same. What the code does not know stays as it came.
fn refused(code: &Code, description: &str) -> String {
    let known = match code {
        Code::BadCode => "o código está errado, venceu ou já foi usado",
        Code::BadName => "esse nome não serve",
        Code::BadPassword => "o usuário ou a senha está errado",
        Code::BadPlace => "esse ponto do histórico não existe",
        Code::BadRequest => "o servidor não entendeu o pedido",
        Code::Busy => "o servidor está ocupado demais agora",
        Code::Forbidden => "isso você não pode fazer",
        Code::IdReused => "esse número já é de outra mensagem",
        Code::Internal => "o servidor falhou",
        Code::KeyTaken => "essa chave é de outro usuário, ou foi revogada",
        Code::NameTaken => "esse nome já é de um canal ou usuário, ou parece com um que é",
        Code::NoSuchChannel => "esse canal não existe",
        Code::NoSuchKey => "essa chave não existe",
        Code::NoSuchMessage => "essa mensagem não existe, ou foi apagada",
        Code::NoSuchUser => "esse usuário não existe",
        Code::NotSecured => "este sistema é aberto: ninguém precisa provar quem é",
        Code::TooLarge => "o texto é grande demais",
        Code::Unavailable => "o servidor está parando",
        Code::UnknownKey => "a chave deste aparelho não é de ninguém aqui; entre com um código",
        Code::UnknownService => "o servidor não conhece esse serviço",
        Code::Unstated | Code::Other(_) => description,
    };
    known.to_owned()
}

/// A message that cannot be sent.
pub(crate) fn too_long(language: Language, bytes: usize) -> String {
    let most = language.grouped(wire_limits::MESSAGE_BYTES_MAX as u64);
    let has = language.grouped(bytes as u64);
    match language {
        Language::English => format!("a message has at most {most} bytes, this one has {has}"),
        Language::Portuguese => format!("uma mensagem tem no máximo {most} bytes, esta tem {has}"),
    }
}

/// A line that cannot be taken now.
pub(crate) fn busy(language: Language) -> &'static str {
    match language {
        Language::English => "too much is under way; try again in a moment",
        Language::Portuguese => "há coisas demais em andamento; tente de novo daqui a pouco",
    }
}
