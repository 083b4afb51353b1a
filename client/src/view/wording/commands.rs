//! What the help says of commands. Their names are the same in all languages, as scripts write them, too.

use crate::chat::command::{COMMANDS, CommandKind, CommandSpec};

use super::language::{Both, Language, both};

/// What the help says of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandHelp {
    /// What follows the name.
    pub arguments: Both,
    /// What it does, in a few words.
    pub summary: Both,
    /// A whole line that works.
    pub example: Both,
}

pub(crate) fn command(kind: CommandKind) -> CommandHelp {
    match kind {
        CommandKind::Join => help_of(
            both("CHANNEL", "CANAL"),
            both("go to a channel; you stay in the others", "ir a um canal; você continua nos outros"),
            both("/join tech", "/join tech"),
        ),
        CommandKind::Create => help_of(
            both("CHANNEL [private]", "CANAL [private]"),
            both(
                "make a channel, or a private one, and go there",
                "criar um canal, ou um privado, e ir até ele",
            ),
            both("/create lunch", "/create almoço"),
        ),
        CommandKind::Leave => help_of(
            both("[CHANNEL]", "[CANAL]"),
            both("stop following this channel, or the one named", "deixar de seguir este canal, ou o citado"),
            both("/leave tech", "/leave tech"),
        ),
        CommandKind::Message => help_of(
            both("USER TEXT", "USUÁRIO TEXTO"),
            both(
                "tell one person; a name with spaces in quotes",
                "escrever a uma só pessoa; nome com espaços entre aspas",
            ),
            both("/msg bob see you at noon", "/msg bia até o meio-dia"),
        ),
        CommandKind::Query => help_of(
            both("USER", "USUÁRIO"),
            both(
                "talk with one person: plain lines go there",
                "conversar com uma pessoa: o que você digitar vai para ela",
            ),
            both("/query bob", "/query bia"),
        ),
        CommandKind::Reply => help_of(
            both("TEXT", "TEXTO"),
            both("answer whoever wrote to you last", "responder a quem escreveu a você por último"),
            both("/reply on my way", "/reply já estou indo"),
        ),
        CommandKind::Me => help_of(
            both("TEXT", "TEXTO"),
            both("say what you do", "dizer o que você está fazendo"),
            both("/me is back at noon", "/me volta ao meio-dia"),
        ),
        CommandKind::Answer => help_of(
            both("[NUMBER] TEXT", "[NÚMERO] TEXTO"),
            both(
                "answer a message; 1 is the latest here",
                "responder a uma mensagem; 1 é a mais recente daqui",
            ),
            both("/answer 2 I think so, too", "/answer 2 também acho"),
        ),
        CommandKind::Edit => help_of(
            both("[NUMBER] TEXT", "[NÚMERO] TEXTO"),
            both(
                "give your last message, or that one, another text",
                "trocar o texto da sua última mensagem, ou da indicada",
            ),
            both("/edit the build is green now", "/edit a compilação passou"),
        ),
        CommandKind::Delete => help_of(
            both("[NUMBER]", "[NÚMERO]"),
            both("take your last message back, or that one", "apagar sua última mensagem, ou a indicada"),
            both("/delete 3", "/delete 3"),
        ),
        CommandKind::React => help_of(
            both("[NUMBER] EMOJI", "[NÚMERO] EMOJI"),
            both(
                "put an emoji to the latest message, or to that one",
                "reagir com um emoji à última mensagem, ou à indicada",
            ),
            both("/react 2 👍", "/react 2 👍"),
        ),
        CommandKind::Unreact => help_of(
            both("[NUMBER] EMOJI", "[NÚMERO] EMOJI"),
            both("take an emoji back", "retirar um emoji"),
            both("/unreact 2 👍", "/unreact 2 👍"),
        ),
        CommandKind::Topic => help_of(
            both("[TEXT]", "[TEXTO]"),
            both(
                "what the channel is about: show it, or set it; -delete clears it",
                "do que trata o canal: ver ou definir; -delete retira o tópico",
            ),
            both(
                "/topic the release, and what is left for it",
                "/topic a versão nova, e o que falta para ela",
            ),
        ),
        CommandKind::Channels => help_of(
            both("", ""),
            both("list the channels", "listar os canais"),
            both("/channels", "/channels"),
        ),
        CommandKind::Users => help_of(
            both("", ""),
            both("list everybody who has logged in", "listar todos os que já entraram"),
            both("/users", "/users"),
        ),
        CommandKind::Who => {
            help_of(both("", ""), both("list who is here", "listar quem está aqui"), both("/who", "/who"))
        }
        CommandKind::Away => help_of(
            both("", ""),
            both("have others see that you are away", "mostrar aos outros que você está ausente"),
            both("/away", "/away"),
        ),
        CommandKind::Back => help_of(
            both("", ""),
            both("have others see that you are here again", "mostrar aos outros que você voltou"),
            both("/back", "/back"),
        ),
        CommandKind::Search => help_of(
            both("WORDS [KEY:VALUE]", "PALAVRAS [CHAVE:VALOR]"),
            both(
                "find messages; the keys are from:/in:/with:/after:/before:",
                "buscar mensagens; as chaves são from:/in:/with:/after:/before:",
            ),
            both(
                "/search release notes from:bob in:tech after:2026-01-01",
                "/search notas da versão from:bia in:tech after:2026-01-01",
            ),
        ),
        CommandKind::Jump => help_of(
            both("[NUMBER]", "[NÚMERO]"),
            both(
                "go to a message that was found; 1 is the first",
                "ir a uma mensagem encontrada; 1 é a primeira",
            ),
            both("/jump 2", "/jump 2"),
        ),
        CommandKind::History => help_of(
            both("[NUMBER] [CHANNEL or @USER]", "[NÚMERO] [CANAL ou @USUÁRIO]"),
            both("show earlier messages", "mostrar mensagens anteriores"),
            both("/history 100 @bob", "/history 100 @bia"),
        ),
        CommandKind::Mentions => help_of(
            both("", ""),
            both("list the latest messages that mention you", "listar as últimas mensagens que citam você"),
            both("/mentions", "/mentions"),
        ),
        CommandKind::Alert => help_of(
            both("LEVEL [CHANNEL or @USER]", "NÍVEL [CANAL ou @USUÁRIO]"),
            both(
                "be told of all, mentions, none, or as usual",
                "escolher de que ser avisado; Tab mostra os níveis",
            ),
            both("/alert none #geral", "/alert none #geral"),
        ),
        CommandKind::Mute => help_of(
            both("", ""),
            both("be told of nothing here", "não ser avisado de nada daqui"),
            both("/mute", "/mute"),
        ),
        CommandKind::Unmute => help_of(
            both("", ""),
            both("be told of this conversation as is usual", "ser avisado desta conversa como de costume"),
            both("/unmute", "/unmute"),
        ),
        CommandKind::Disturb => help_of(
            both("on|off", "on|off"),
            both("no notifications at all until you leave", "nenhuma notificação até você sair"),
            both("/dnd on", "/dnd on"),
        ),
        CommandKind::Invite => help_of(
            both("USER", "USUÁRIO"),
            both("take somebody into this private channel", "trazer alguém a este canal privado"),
            both("/invite bob", "/invite bia"),
        ),
        CommandKind::Kick => help_of(
            both("USER", "USUÁRIO"),
            both("take somebody out of this private channel", "tirar alguém deste canal privado"),
            both("/kick bob", "/kick bia"),
        ),
        CommandKind::Members => help_of(
            both("", ""),
            both("list who is in this channel", "listar quem está neste canal"),
            both("/members", "/members"),
        ),
        CommandKind::Private => help_of(
            both("", ""),
            both("have only members know of this channel", "deixar este canal só para membros"),
            both("/private", "/private"),
        ),
        CommandKind::Public => help_of(
            both("", ""),
            both("have everybody in this channel", "abrir este canal a todos"),
            both("/public", "/public"),
        ),
        CommandKind::Silence => help_of(
            both("USER [DURATION]", "USUÁRIO [DURAÇÃO]"),
            both("have somebody send nothing here", "impedir que alguém envie algo aqui"),
            both("/silence eva 10m", "/silence eva 10m"),
        ),
        CommandKind::Unsilence => help_of(
            both("USER", "USUÁRIO"),
            both("let somebody send here again", "deixar alguém enviar aqui de novo"),
            both("/unsilence eva", "/unsilence eva"),
        ),
        CommandKind::Ban => help_of(
            both("USER", "USUÁRIO"),
            both("shut somebody out, for administrators", "banir alguém, para administradores"),
            both("/ban eva", "/ban eva"),
        ),
        CommandKind::Unban => help_of(
            both("USER", "USUÁRIO"),
            both("let somebody in again who was banned", "deixar voltar alguém que foi banido"),
            both("/unban eva", "/unban eva"),
        ),
        CommandKind::Role => help_of(
            both("USER ROLE", "USUÁRIO PAPEL"),
            both("make somebody administrator, member or bot", "tornar alguém administrator, member ou bot"),
            both("/role bob administrator", "/role bia administrator"),
        ),
        CommandKind::Device => help_of(
            both("", ""),
            both("make a link for another device of yours", "criar um convite para outro dispositivo seu"),
            both("/device", "/device"),
        ),
        CommandKind::Editor => help_of(
            both("[TEXT]", "[TEXTO]"),
            both(
                "write with your own editor ($VISUAL, $EDITOR)",
                "escrever no seu editor ($VISUAL, $EDITOR)",
            ),
            both("/editor dear all,", "/editor pessoal,"),
        ),
        CommandKind::Help => help_of(
            both("[COMMAND]", "[COMANDO]"),
            both("show this, or more about one command", "mostrar isto, ou mais sobre um comando"),
            both("/help msg", "/help msg"),
        ),
        CommandKind::Quit => help_of(
            both("", ""),
            both("leave; Ctrl-D does the same", "sair; Ctrl-D faz o mesmo"),
            both("/quit", "/quit"),
        ),
    }
}

const fn help_of(arguments: Both, summary: Both, example: Both) -> CommandHelp {
    CommandHelp { arguments, summary, example }
}

/// One line for each command, then what else there is to know; names and explanations apart, for colouring.
pub(crate) fn help(language: Language) -> (&'static str, Vec<(String, &'static str)>, &'static str) {
    let commands =
        COMMANDS.iter().map(|spec| (usage(language, spec), spec.help().summary.of(language))).collect();
    match language {
        Language::English => (
            "A plain line goes to everybody in the channel. Commands:",
            commands,
            "Tab completes commands, channels and names. Up and Down go through what you typed before, Ctrl-R searches it.\n\
             A line that begins with // is said with one slash. /help COMMAND shows an example.",
        ),
        Language::Portuguese => (
            "Uma linha comum vai para todos no canal. Comandos:",
            commands,
            "Tab completa comandos, canais e nomes. As setas para cima e para baixo trazem o que você já digitou, Ctrl-R procura.\n\
             Uma linha que começa com // é dita com uma só barra. /help COMANDO mostra um exemplo.",
        ),
    }
}

/// All about one command.
pub(crate) fn help_on(language: Language, spec: &CommandSpec) -> String {
    let (also, example) = match language {
        Language::English => ("also", "for example"),
        Language::Portuguese => ("também", "por exemplo"),
    };
    let mut help = format!("{}: {}", usage(language, spec), spec.help().summary.of(language));
    if !spec.aliases.is_empty() {
        let aliases: Vec<String> = spec.aliases.iter().map(|alias| format!("/{alias}")).collect();
        help.push_str(&format!("\n  {also}: {}", aliases.join(", ")));
    }
    help.push_str(&format!("\n  {example}: {}", spec.help().example.of(language)));
    help
}

fn usage(language: Language, spec: &CommandSpec) -> String {
    format!("/{} {}", spec.name, spec.help().arguments.of(language)).trim_end().to_owned()
}
