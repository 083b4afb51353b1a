//! How long the tests wait for what must happen. Nothing is timed: these only end a test that would hang.

use std::time::Duration;

/// How long any single event may take on a machine that does many things at once.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// How long a client waits for an answer before it asks again.
pub const ANSWER_WAIT: Duration = Duration::from_secs(2);

/// How long a listener waits for a message before another is sent to find out whether it hears.
pub const SOUNDING_WAIT: Duration = Duration::from_millis(300);

/// How far apart the signals are of somebody who has lost patience.
pub const SIGNAL_INTERVAL: Duration = Duration::from_millis(20);

/// How far apart the looks are at a screen, or at a process, that does not say by itself when it has changed.
pub const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// How many looks in a row find a screen as it is before a snapshot is written.
pub const LOOKS_UNTIL_SETTLED: usize = 40;
