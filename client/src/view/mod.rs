//! How things look: text made harmless, colours, plain lines and JSON lines. It writes nowhere itself and reads no clock.

pub mod colour;
pub mod json;
pub mod plain;
pub(crate) mod prompt;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod tests;
pub mod text;
pub mod times;
pub mod wording;
