//! How things look: text made harmless, colours, plain lines and JSON lines. It writes nowhere itself and reads no clock.

pub mod text;
