//! Joining and leaving a secured system with the real program: what is asked, what is kept, and ways back.

mod again;
mod home;
mod links;
mod profiles;
mod questions;
