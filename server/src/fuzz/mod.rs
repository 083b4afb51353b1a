//! What must hold for any bytes whatever: the bodies of the fuzz targets in `server/fuzz`. The ordinary tests run the same
//! bodies over the committed corpus and over mutations of it. Each panics when its property does not hold.

mod acts;
mod input;
mod model;
mod questions;
mod world;

use input::Input;

/// A secured system and a broker that asks it: acts about access by anybody, questions in any bytes, answers in parts, and time, in any
/// order, past bounds so small that short inputs reach them.
///
/// A plain model takes up the same events and says who each key is and what it may hear. Every act that is judged to be done must be its
/// actor's to do; an able administrator stays, a revoked key is nobody's for good, a banned user is nobody, a code is good once, bounds
/// hold. What was answered is what the model says, each question once and again when the answer changes. In the end all events come back
/// from a store as they were, and add up to the same state.
pub fn access(data: &[u8]) {
    questions::read(data);
    world::World::run(Input::new(data));
}
