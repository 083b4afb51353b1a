//! MessagePack itself: reading single values out of a frame and writing them. It knows no key and no service.

mod reader;
mod value;
mod writer;

pub(crate) use reader::Reader;
pub use value::FormatError;
pub(crate) use value::{Items, Value};
pub(crate) use writer::{MapWriter, Writer};
