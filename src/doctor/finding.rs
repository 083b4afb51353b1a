//! What the doctor says of one point.

use std::fmt::{self, Display, Formatter};

use serde::Serialize;

/// How grave it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Grade {
    Ok,
    /// Worth a look; it may be meant so.
    Warning,
    /// It does not work so, or is not safe.
    Problem,
}

/// One point.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// A word for it, the same at each examination.
    pub(super) point: &'static str,
    pub(super) grade: Grade,
    /// What was found.
    pub(super) says: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) advice: Option<String>,
}

impl Finding {
    pub(super) fn ok(point: &'static str, says: impl Into<String>) -> Self {
        Self { point, grade: Grade::Ok, says: says.into(), advice: None }
    }

    pub(super) fn warning(point: &'static str, says: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { point, grade: Grade::Warning, says: says.into(), advice: Some(advice.into()) }
    }

    pub(super) fn problem(point: &'static str, says: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { point, grade: Grade::Problem, says: says.into(), advice: Some(advice.into()) }
    }
}

impl Display for Grade {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Grade::Ok => "ok",
            Grade::Warning => "warning",
            Grade::Problem => "problem",
        })
    }
}
