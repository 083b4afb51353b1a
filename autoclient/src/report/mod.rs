//! What is left of a run: a folder with its record as JSON and CSV, its histograms in their own formats, and a page for people.
//!
//! It knows nothing of how a run is driven; all comes from the [`Record`](crate::record::Record).

pub(crate) mod charts;
mod condense;
mod csv;
mod folder;
mod histograms;
mod json;
pub(crate) mod page;
pub(crate) mod plot;
#[cfg(test)]
pub(crate) mod sample;
pub(crate) mod scale;
#[cfg(test)]
mod schema;
pub(crate) mod tables;
pub(crate) mod text;

pub use folder::{Folder, ReportError};
pub use json::{FORMAT, ReadError, read};
