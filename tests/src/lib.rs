//! Whole-system tests: helpers that start the parts of Recado and other programs, and end them with the test.

pub mod accounting;
pub mod benchmarks;
pub mod chaos;
pub mod chat;
pub mod limits;
pub mod lines;
pub mod parts;
pub mod peers;
pub mod process;
pub mod proxy;
pub mod secured;
pub mod simulation;
pub mod stored;
pub mod terminal;
pub mod tmux;
pub mod workspace;
