//! What may be wrong with a mapping file.

use crate::toml::{Known, Problems, TomlFault};
use kurskoll_domain::directory::problem::Fault;

/// The most groups of columns in one row: more is a slip of the finger.
pub(super) const MOST_REPETITIONS: u32 = 50;

/// Why a mapping cannot be used. Each text follows the key and says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingFault {
    #[error(transparent)]
    Toml(#[from] TomlFault),
    #[error("maps no file; write a section such as [employments]")]
    Nothing,
    #[error("is not a column of ours; {0}")]
    UnknownColumn(Known),
    #[error("is missing, and no row is whole without it; say which header it is")]
    MissingColumn,
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
    #[error("is there twice, since capitals make no difference; keep one")]
    SameValueTwice,
    #[error("gives \"{word}\", which {fault}")]
    NotOurWord { word: String, fault: Fault },
    #[error(
        "is not a format of a day; write year, month and day as in \"%Y-%m-%d\" (%Y, %m, %d; %H, %M, %S for a time)"
    )]
    NotADayFormat,
    #[error("belongs to columns that are days: starts_on and ends_on")]
    NotADayColumn,
    #[error("must be whole numbers with from at most to, between 0 and {MOST_REPETITIONS} apart")]
    WrongRange,
    #[error("does nothing, for no header of a column has {{n}} in it; write {{n}} in place of the number")]
    NothingRepeats,
    #[error("has {{n}} in it, which only headers of columns may have, and only with repeat")]
    NothingToRepeat,
}

/// All that is wrong with a mapping.
pub type MappingProblems = Problems<MappingFault>;
