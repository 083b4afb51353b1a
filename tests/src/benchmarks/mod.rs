//! What comparisons with other programs share: finding the programs, connections that only receive, what the figures come to, and how a person
//! is shown it: a page in Markdown and a chart in SVG.

pub mod chart;
pub mod figures;
pub mod machine;
pub mod options;
pub mod page;
pub mod programs;
pub mod subscribers;
