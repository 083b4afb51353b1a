//! What a comparison with other programs found, and how a person is shown it: a page in Markdown and a chart in SVG.
//!
//! Knows nothing of how anything was measured: figures come in as arguments.

pub mod chart;
pub mod figures;
pub mod machine;
pub mod page;
