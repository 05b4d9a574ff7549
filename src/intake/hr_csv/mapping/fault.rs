//! What is wrong with a mapping file: which line, which key, why, and what to do.

use std::fmt;

use crate::domain::directory::problem::Fault;

/// The most groups of columns in one row: more is a slip of the finger.
pub(super) const MOST_REPETITIONS: u32 = 50;

/// Why a mapping cannot be used. Each text goes on from the key and says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingFault {
    #[error("is not UTF-8; save it as UTF-8")]
    NotUtf8,
    #[error("is not TOML: {0}")]
    NotToml(String),
    #[error("maps no file; write a section such as [employments]")]
    Nothing,
    #[error("is not known here; known are {}", known.join(", "))]
    UnknownKey { known: &'static [&'static str] },
    #[error("is not a column of ours; these are {}", known.join(", "))]
    UnknownColumn { known: Vec<&'static str> },
    #[error("is missing, and no row is whole without it; say which header it is")]
    MissingColumn,
    #[error("is missing; write it")]
    Missing,
    #[error("must be {0}")]
    WrongType(&'static str),
    #[error("is empty; fill it in, or leave it out")]
    Empty,
    #[error("needs exactly one of from, first_of, join and constant")]
    NotOneSource,
    #[error("needs exactly one of is, is_not and is_empty")]
    NotOneCondition,
    #[error("does not go with constant; write the word itself as the constant")]
    BesideConstant,
    #[error("goes with join only")]
    WithoutJoin,
    #[error("goes with values only")]
    WithoutValues,
    #[error("stands there twice, for capitals make no difference; keep one")]
    SameValueTwice,
    #[error("gives \"{word}\", which {fault}")]
    NotOurWord { word: String, fault: Fault },
    #[error("must be \"refuse\" or \"keep\"")]
    UnknownOthers,
    #[error(
        "is not a format of a day; write year, month and day as in \"%Y-%m-%d\" (%Y, %m, %d; %H, %M, %S for a time)"
    )]
    NotADayFormat,
    #[error("belongs to columns that are days: starts_on and ends_on")]
    NotADayColumn,
    #[error("must be whole numbers with from at most to, between 0 and {MOST_REPETITIONS} apart")]
    WrongRange,
    #[error("does nothing, for no header of a column has {{n}} in it; write {{n}} where the number stands")]
    NothingRepeats,
    #[error("has {{n}} in it, which only headers of columns may have, and only with repeat")]
    NothingToRepeat,
}

/// One thing that is wrong with a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappingProblem {
    /// The line of the mapping file; `None` where the file as a whole is meant.
    pub line: Option<usize>,
    /// The key, as `employments.columns.form`; empty where none is meant.
    pub key: String,
    pub fault: MappingFault,
}

impl fmt::Display for MappingProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("mapping")?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        let key = if self.key.is_empty() { "the file" } else { self.key.as_str() };
        write!(f, ": {key} {}", self.fault)
    }
}

/// All that is wrong with a mapping, in the order of its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappingProblems(pub Vec<MappingProblem>);

impl fmt::Display for MappingProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&said.join("\n"))
    }
}

impl std::error::Error for MappingProblems {}
