//! What the client does with what is typed and what arrives, apart from any terminal or socket.

pub mod command;
mod nearest;
