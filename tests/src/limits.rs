//! How long the tests wait for what must happen. Nothing is timed: these only end a test that would hang.

use std::time::Duration;

/// How long any single event may take on a machine that does many things at once.
pub const PATIENCE: Duration = Duration::from_secs(120);
