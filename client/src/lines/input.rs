//! Reads lines of bounded length on a thread of its own, because reading standard input cannot be cancelled.

use std::io::{self, BufRead, BufReader, Read};
use std::thread;

use tokio::sync::mpsc;

use crate::chat::reason::Unreadable;
use crate::engine::Input;
use crate::limits;

/// Reads until the end, or until nobody listens any more. The thread may stay behind in a read that never ends.
pub(crate) fn spawn(source: impl Read + Send + 'static) -> io::Result<mpsc::Receiver<Input>> {
    let (sender, receiver) = mpsc::channel(limits::LINES_AHEAD_MAX);
    thread::Builder::new().name("input".to_owned()).spawn(move || {
        let mut source = BufReader::new(source);
        let mut first = true;
        loop {
            let mut input = next_line(&mut source);
            if let Input::Line { text, .. } = &mut input
                && std::mem::take(&mut first)
                && text.starts_with('\u{feff}')
            {
                text.remove(0);
            }
            let ended = input == Input::End;
            if sender.blocking_send(input).is_err() || ended {
                return;
            }
        }
    })?;
    Ok(receiver)
}

fn next_line(source: &mut impl BufRead) -> Input {
    let mut line = Vec::new();
    match source.take(limits::LINE_BYTES_MAX as u64).read_until(b'\n', &mut line) {
        Ok(0) => return Input::End,
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::Interrupted => return next_line(source),
        Err(_) => return Input::End,
    }
    if line.last() != Some(&b'\n') && line.len() >= limits::LINE_BYTES_MAX {
        skip_rest(source);
        return Input::Unreadable(Unreadable::TooLong);
    }
    match String::from_utf8(line) {
        Ok(text) => Input::Line { text: text.trim_end_matches(['\n', '\r']).to_owned(), echo: false },
        Err(_) => Input::Unreadable(Unreadable::NoText),
    }
}

fn skip_rest(source: &mut impl BufRead) {
    loop {
        let (skipped, ended) = match source.fill_buf() {
            Ok([]) => return,
            Ok(bytes) => match bytes.iter().position(|byte| *byte == b'\n') {
                Some(at) => (at + 1, true),
                None => (bytes.len(), false),
            },
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => return,
        };
        source.consume(skipped);
        if ended {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::chat::reason::Unreadable;
    use crate::engine::Input;
    use crate::limits;

    use super::next_line;

    fn check(mut source: &[u8], expect: &[Input]) {
        let mut inputs = Vec::new();
        loop {
            let input = next_line(&mut source);
            let ended = input == Input::End;
            inputs.push(input);
            if ended {
                break;
            }
        }
        assert_eq!(inputs, expect);
    }

    fn line(text: &str) -> Input {
        Input::Line { text: text.to_owned(), echo: false }
    }

    #[test]
    fn lines_end_with_a_line_feed_a_pair_or_the_end() {
        check(b"", &[Input::End]);
        check(b"one\ntwo\r\n\nlast", &[line("one"), line("two"), line(""), line("last"), Input::End]);
    }

    #[test]
    fn a_line_that_cannot_be_read_does_not_stop_the_next() {
        let unreadable = Input::Unreadable(Unreadable::NoText);
        check(b"\xff\xfe\nok\n", &[unreadable, line("ok"), Input::End]);
        let mut long = vec![b'x'; 3 * limits::LINE_BYTES_MAX];
        long.extend_from_slice(b"\nok");
        let unreadable = Input::Unreadable(Unreadable::TooLong);
        check(&long, &[unreadable.clone(), line("ok"), Input::End]);
        check(&vec![b'x'; limits::LINE_BYTES_MAX], &[unreadable, Input::End]);
        let longest = "x".repeat(limits::LINE_BYTES_MAX - 1);
        check(format!("{longest}\n").as_bytes(), &[line(&longest), Input::End]);
    }
}
