//! A store with many messages, made as a user would: by an import.

use std::{
    fs,
    io::{BufWriter, Write},
    path::Path,
    time::{Duration, Instant},
};

use anyhow::ensure;

use crate::{parts::store_url, process::Run};

/// What is to be stored.
pub struct Stored<'a> {
    /// How many messages.
    pub messages: usize,
    /// In how many channels, in turn: `c0`, `c1`, …; by `u0` to `u96`, a hundred each second from Unix time 1,700,000,000 on.
    pub channels: usize,
    /// The text of each, which JSON need not escape.
    pub text: &'a dyn Fn(usize) -> String,
}

impl Stored<'_> {
    /// Imports them into the store that [`crate::parts::Recado::up`] opens in this folder. How long that took.
    pub fn import(&self, folder: &Path) -> anyhow::Result<Duration> {
        let path = folder.join("server_data.json");
        self.write(&path)?;
        let url = store_url(&folder.join("recado.db"));
        let file = path.display().to_string();
        let began = Instant::now();
        let ended = Run::recado(folder, ["import", &file, "--store", &url]).to_end();
        ensure!(ended.code == Some(0), "the import failed: {:?}", ended.err);
        Ok(began.elapsed())
    }

    fn write(&self, path: &Path) -> anyhow::Result<()> {
        let mut file = BufWriter::new(fs::File::create(path)?);
        write!(file, r#"{{"logins":[{{"username":"ana","timestamp":1700000000}}],"channels":["#)?;
        for number in 0..self.channels {
            write!(file, "{}\"c{number}\"", if number > 0 { "," } else { "" })?;
        }
        write!(file, r#"],"channel_messages":["#)?;
        for number in 0..self.messages {
            let comma = if number > 0 { "," } else { "" };
            let to = number % self.channels;
            let time = 1_700_000_000 + number / 100;
            let text = (self.text)(number);
            write!(
                file,
                r#"{comma}{{"user":"u{}","channel":"c{to}","message":"{text}","timestamp":{time}}}"#,
                number % 97
            )?;
        }
        write!(file, r#"],"user_messages":[]}}"#)?;
        file.flush()?;
        Ok(())
    }
}
