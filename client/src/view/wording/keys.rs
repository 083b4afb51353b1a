//! What the help of the full screen says of keys. What they are called is the same in all languages, as settings write them, too.

use super::language::{Both, Language, both};

pub(crate) const SEND: Both = both("send", "enviar");
pub(crate) const NEW_LINE: Both = both("new line", "nova linha");
pub(crate) const NEXT_ACTIVITY: Both =
    both("next with activity, and back", "próxima com novidade, e de volta");
pub(crate) const MENTIONS: Both = both("what mentions you", "o que cita você");
pub(crate) const NEXT_MENTION: Both =
    both("to the latest of it, and further back", "à citação mais recente, e para trás");
pub(crate) const WRITE: Both = both("write it with your editor", "escrever no seu editor");
pub(crate) const SWITCHER: Both = both("go to a conversation by name", "ir a uma conversa pelo nome");
pub(crate) const NEXT_CONVERSATION: Both = both("next conversation", "próxima conversa");
pub(crate) const PREVIOUS_CONVERSATION: Both = both("conversation before", "conversa anterior");
pub(crate) const CHOOSE: Both =
    both("choose a message: answer, edit, react", "escolher mensagem: responder, editar…");
pub(crate) const PAGE_UP: Both = both("scroll back", "rolar para trás");
pub(crate) const PAGE_DOWN: Both = both("scroll on", "rolar para a frente");
pub(crate) const ROW_UP: Both = both("scroll back by a row", "uma linha para trás");
pub(crate) const ROW_DOWN: Both = both("scroll on by a row", "uma linha para a frente");
pub(crate) const TOP: Both = both("to the oldest that is here", "à mais antiga que está aqui");
pub(crate) const BOTTOM: Both = both("to the latest", "à mais recente");
pub(crate) const CLOSE: Both = both("close, or to the latest", "fechar, ou à mais recente");
pub(crate) const COMPLETE: Both = both("complete", "completar");
pub(crate) const COMPLETE_BACK: Both = both("candidate before", "candidato anterior");
pub(crate) const UP: Both = both("line above, or sent before", "linha acima, ou enviada antes");
pub(crate) const DOWN: Both = both("line below, or sent after", "linha abaixo, ou enviada depois");
pub(crate) const LEFT: Both = both("left", "esquerda");
pub(crate) const RIGHT: Both = both("right", "direita");
pub(crate) const WORD_LEFT: Both = both("a word back", "palavra anterior");
pub(crate) const WORD_RIGHT: Both = both("a word on", "palavra seguinte");
pub(crate) const LINE_BEGIN: Both = both("line's beginning", "começo da linha");
pub(crate) const LINE_END: Both = both("line's end", "fim da linha");
pub(crate) const DELETE_LEFT: Both = both("delete the character before", "apagar o caractere anterior");
pub(crate) const DELETE_RIGHT: Both = both("delete the character behind", "apagar o caractere seguinte");
pub(crate) const DELETE_WORD_LEFT: Both = both("delete the word before", "apagar a palavra anterior");
pub(crate) const DELETE_WORD_RIGHT: Both = both("delete the word behind", "apagar a palavra seguinte");
pub(crate) const DELETE_LINE_BEGIN: Both = both("delete the line before", "apagar até o começo da linha");
pub(crate) const DELETE_LINE_END: Both = both("delete the line behind", "apagar até o fim da linha");
pub(crate) const PUT_BACK: Both = both("put it back", "recolocar o que foi apagado");
pub(crate) const UNDO: Both = both("undo", "desfazer");
pub(crate) const REDO: Both = both("redo", "refazer");
pub(crate) const REDRAW: Both = both("draw all anew", "redesenhar tudo");
pub(crate) const STOP: Both = both("stop; fg goes on", "suspender; fg continua");
pub(crate) const KEYS: Both = both("these keys; also ? at first", "estas teclas; também ? no início");
pub(crate) const INTERRUPT: Both = both("clear, and leave", "limpar, e sair");
pub(crate) const LEAVE: Both = both("leave", "sair");

/// While keys are about a message.
pub(crate) fn chosen_hint(language: Language) -> &'static str {
    match language {
        Language::English => "r answer  e edit  d delete  + react  y copy  o origin  Esc",
        Language::Portuguese => "r responde  e edita  d apaga  + reage  y copia  o origem",
    }
}

/// Above the list of keys.
pub(crate) fn keys_title(language: Language) -> &'static str {
    match language {
        Language::English => "Keys (Up and Down move, Esc closes); /help lists commands",
        Language::Portuguese => "Teclas (setas movem, Esc fecha); /help lista os comandos",
    }
}

/// In the corner: what the most useful keys do, those that there are.
pub(crate) fn keys_hint(
    language: Language,
    keys: Option<&str>,
    activity: Option<&str>,
    switcher: Option<&str>,
) -> String {
    let [shows_keys, goes_on, goes_to] = match language {
        Language::English => ["keys", "next unread", "go to"],
        Language::Portuguese => ["teclas", "próxima não lida", "ir a"],
    };
    let all = [(keys, shows_keys), (activity, goes_on), (switcher, goes_to)];
    let known = all.iter().filter_map(|(key, does)| key.map(|key| format!("{key} {does}")));
    known.collect::<Vec<_>>().join("  ")
}
