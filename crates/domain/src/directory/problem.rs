//! A problem with one of HR's files: which row, which column, why, and what to do.
//!
//! A problem shows the value only if it cannot be personal data: names, addresses, numbers of people and units are
//! never repeated, nor anything that could be a personal identity number in a wrong column.

use std::borrow::Cow;
use std::fmt;

use chrono::NaiveDate;

use crate::directory::EmploymentForm;
use crate::ids::{AdministrationCode, InvalidId, is_personal_identity_number};
use crate::linking::LinkingKey;
use crate::training::InvalidDecimal;

mod instead;

#[cfg(test)]
mod tests;

pub use instead::{OtherFile, SpreadsheetMark};

/// A kind of file (DESIGN, "Files in").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FileKind {
    Administrations,
    Employments,
    Absences,
    Exemptions,
    Identities,
    PriorTraining,
    Results,
}

impl FileKind {
    pub const ALL: [Self; 6] =
        [Self::Administrations, Self::Employments, Self::Absences, Self::Exemptions, Self::Identities, Self::Results];

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Administrations => "administrations",
            Self::Employments => "employments",
            Self::Absences => "absences",
            Self::Exemptions => "exemptions",
            Self::Identities => "identities",
            Self::PriorTraining => "prior training",
            Self::Results => "results",
        }
    }
}

impl FileKind {
    /// How a file of this kind is given.
    #[must_use]
    pub fn given_by(self) -> String {
        match self {
            Self::Results => "to kurskoll results import".to_owned(),
            other => format!("with --{}", other.as_str().replace(' ', "-")),
        }
    }
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a file, a row or a value cannot be accepted. Each text continues its subject and says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    // The file.
    #[error("is UTF-16 by its first bytes, but not whole; save it as \"CSV UTF-8\"")]
    BrokenUtf16,
    #[error("is not text; save it as \"CSV UTF-8\", or as a workbook (.xlsx)")]
    NotText,
    #[error("{}{other}", first.as_ref().map(|first| format!("begins with \"{first}\" and ")).unwrap_or_default())]
    OtherFile {
        other: OtherFile,
        /// The first line as read, if it is text.
        first: Option<String>,
    },
    #[error(
        "has \"{seen}\" for {meant}: it was UTF-8, read as something else and written anew; export it again, and don't open it on the way"
    )]
    EncodedTwice { seen: &'static str, meant: &'static str },
    #[error(
        "has \u{FFFD} where letters were: something could not write them, and they are lost; export it again as UTF-8"
    )]
    ReplacedCharacters,
    #[error("is written in {name}, in which å, ä and ö are other letters' bytes; save it as \"CSV UTF-8\"")]
    OldEncoding { name: &'static str },
    #[error("names a separator in its first line (sep=…) that is not supported; use a comma, a semicolon or a tab")]
    UnknownSeparator,
    #[error("begins with {first}, which names no column; its first line must name the columns, {expected}")]
    NotAHeader {
        /// The first line as read, or what it looks like.
        first: String,
        expected: String,
    },
    #[error("has the columns of {found}; give it {}, and here one whose first line names the columns, {expected}", found.given_by())]
    OtherKind { found: FileKind, expected: String },

    // The workbook.
    #[error("is an archive without a workbook in it; take the file out of it")]
    Archive,
    #[error(
        "cannot be read as a workbook: it is damaged, or has a password; open it and save it as .xlsx, or as \"CSV UTF-8\""
    )]
    BrokenWorkbook,
    #[error("is a workbook or document of another kind; save it as .xlsx, or as \"CSV UTF-8\"")]
    OtherWorkbook,
    #[error("is a workbook that unpacks to more than is accepted; save the sheet as \"CSV UTF-8\"")]
    WorkbookTooLarge,
    #[error("has a cell {cell}, farther right than a table of ours; delete what is beside the table")]
    TooManyColumns { cell: String },
    #[error(
        "has merged cells at {cell}: the rows below the first have nothing in them; unmerge them, and fill each row"
    )]
    MergedCells { cell: String },
    #[error("has several sheets with something in them ({sheets}); name one with --sheet, or ?sheet= at the API")]
    SeveralSheets { sheets: String },
    #[error("has no sheet of that name; its sheets are {sheets}")]
    NoSuchSheet { sheets: String },
    #[error(
        "has a number in cell {cell} of more digits than a workbook keeps (15): the last ones are lost; write it as text"
    )]
    DigitsLost { cell: String },
    #[error("claims to be UTF-8 (it begins with a byte order mark) but is not; export it again")]
    BrokenUtf8,
    #[error("has both UTF-8 and other characters, so that names would be garbled; export it again in one encoding")]
    MixedEncoding,
    #[error("is empty; its first line must name the columns")]
    NoHeader,
    #[error("is missing from the header{found}; add it, or say with --mapping which of the file's columns it is")]
    MissingColumn {
        /// The header's columns that are not ours, as ", which has A, B besides"; empty if there are none.
        found: String,
    },
    #[error("is in the header more than once; keep one")]
    DuplicateColumn,
    #[error("is named on line {line} of the mapping, but is missing from the header; add it, or mend the mapping")]
    HeaderOfMapping { line: usize },

    // The row.
    #[error("has {found} cells, but the header has {expected}; quote cells that contain the separator")]
    WrongNumberOfCells { expected: usize, found: usize },
    #[error("has a quoted cell that does not end at its closing quotation mark; double the marks within it")]
    BrokenQuotes,
    #[error("repeats the key of line {line}; keep one of the two")]
    Repeats { line: u64 },
    #[error("differs from line {line}, which has another name for the same employee; give both rows the same")]
    NameDiffers { line: u64 },
    #[error("names no learner; fill in employee_number, email or username")]
    NoLearner,
    #[error("is empty, and so is quiz_id; fill in the course or the quiz that it counts as")]
    NoCourse,
    #[error("is empty and so is passed; a graded quiz needs score_raw and score_max, or passed")]
    NoGrade,

    // The value.
    #[error("is empty; fill it in")]
    Missing,
    #[error("is empty, but the row needs it; fill in both score_raw and score_max, or none")]
    HalfAScore,
    #[error("{0}")]
    Invalid(InvalidId),
    #[error("{mark}{}; write it as HR does, in a column of text", probably.as_ref().map(|was| format!("; it was probably {was}")).unwrap_or_default())]
    MadeBySpreadsheet {
        mark: SpreadsheetMark,
        /// What it was before, if that is known.
        probably: Option<String>,
    },
    #[error(
        "has an invisible character (zero-width, or a mark of byte order or direction), so that nothing would match it; write it anew"
    )]
    InvisibleCharacter,
    #[error("is a spreadsheet's error, not a value; mend the formula, or leave the cell empty")]
    SpreadsheetError,
    #[error("is a spreadsheet's number for the day {0}; format the column as text, or write days as 2026-03-01")]
    SerialDay(NaiveDate),
    #[error("is not a day; write it as 2026-03-01 or 20260301")]
    NotADay,
    #[error("is not a day as the mapping reads it; write it as {formats}, or add its format to the mapping")]
    NotADayAsMapped { formats: String },
    #[error("is not among the values of the mapping; add it there, or mend the row")]
    NotInMapping,
    #[error("is before starts_on; the last day cannot come before the first")]
    EndsBeforeItStarts,
    #[error("is before valid_from; the last day cannot come before the first")]
    EndsBeforeItIsValid,
    #[error("is neither yes nor no; use true, false, 1, 0, yes, no, ja or nej")]
    NotABoolean,
    #[error(
        "begins with scim:, as the ids that Kurskoll gives to an identity provider's employments; give HR's own id"
    )]
    ReservedForProvider,
    #[error("is not a form of employment; use one of {}", listed(EmploymentForm::ALL.map(EmploymentForm::as_str)))]
    UnknownForm,
    #[error("is not a linking key; use one of {}", listed(LinkingKey::DEFAULT_ORDER.map(LinkingKey::as_str)))]
    UnknownKey,
    #[error("belongs to accounts only; leave it empty for other keys")]
    HomePageWithoutAccount,
    #[error("is not a type of result; use course.completed or quiz.graded")]
    UnknownType,
    #[error("is not a time; write it as 2026-03-01T13:45:00+01:00, 2026-03-01 13:45 or 2026-03-01")]
    NotAnInstant,
    #[error(
        "is a time that the clock skips when summer time begins; give it with its offset, as 2026-03-29T03:30:00+02:00"
    )]
    SkippedByTheClock,
    #[error("lies in the future; correct it, or give it with its offset where the platform's clock is another")]
    InTheFuture,
    #[error("is before 1990, when no learning platform recorded anything; correct it")]
    TooLongAgo,
    #[error("{0}")]
    InvalidDecimal(InvalidDecimal),
    /// As the profile that read the row says it.
    #[error("{0}")]
    ByProfile(String),

    // Its references.
    #[error("is the id of a known result with other content; give the new result an id of its own, or mend the row")]
    KnownOtherwise,
    #[error("is no administration that is known or in the administrations file; add it there first")]
    UnknownAdministration,
    #[error(
        "differs from administration {known} in capitals only; write it so, or record a reorganisation where the code changed"
    )]
    OtherCapitals { known: AdministrationCode },
    #[error("would be in administration {closed} when that is closed; name the one that has it now, or end it before")]
    ClosedAdministration { closed: AdministrationCode },
    #[error("is no employee who is known or in the employments file; add their employment first")]
    UnknownEmployee,
    #[error(
        "gives days that {} gives to another employee as well; end one before the other begins",
        line.map_or_else(|| "what is known".to_owned(), |line| format!("line {line}"))
    )]
    DaysOfAnother { line: Option<u64> },
    #[error("is no known requirement; apply its file first (`kurskoll requirements apply`)")]
    UnknownRequirement,
    #[error("is no known platform; add it first (`kurskoll platform add`)")]
    UnknownPlatform,
    #[error(
        "is missing from the full file, but {employments} employments there run or are to come; keep it, or move or end them"
    )]
    AdministrationInUse { employments: usize },
}

fn listed<const N: usize>(words: [&'static str; N]) -> String {
    words.join(", ")
}

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowProblem {
    pub file: FileKind,
    /// The line on which the row begins, 1 for the header; `None` for the file as a whole.
    pub line: Option<u64>,
    /// The file's own header, if a mapping gives it another name than ours.
    pub column: Option<Cow<'static, str>>,
    /// The value, if it may be shown; make it with [`showable`].
    pub value: Option<String>,
    pub fault: Fault,
}

impl fmt::Display for RowProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.file.as_str())?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        if let Some(column) = &self.column {
            write!(f, ", column {column}")?;
        }
        f.write_str(": ")?;
        match (&self.value, &self.column, self.line) {
            (Some(value), _, _) => write!(f, "\"{value}\"")?,
            (None, Some(_), Some(_)) => f.write_str("the value")?,
            (None, Some(_), None) => f.write_str("the column")?,
            (None, None, Some(_)) => f.write_str("the row")?,
            (None, None, None) => f.write_str("the file")?,
        }
        write!(f, " {}", self.fault)
    }
}

/// The longest value that a problem shows, in characters.
const LONGEST_SHOWN: usize = 40;

/// A value as a problem may show it: cut short, on one line; `None` if it is empty, or if digits in it could be a
/// personal identity number in a wrong column.
#[must_use]
pub fn showable(value: &str) -> Option<String> {
    let value = value.trim();
    // A mistyped number is as personal as a right one: ten digits in a row are enough.
    let is_long = |run: &str| run.bytes().filter(u8::is_ascii_digit).count() >= 10;
    let joins = |c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '\u{2010}'..='\u{2015}' | '\u{2212}');
    let runs = value.split(|c: char| !joins(c));
    let compact: String = value.chars().filter(|c| !c.is_whitespace()).collect();
    if value.is_empty() || runs.into_iter().any(is_long) || is_personal_identity_number(&compact) {
        return None;
    }
    let plain: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_SHOWN).collect();
    Some(if value.chars().count() > LONGEST_SHOWN { format!("{plain}…") } else { plain })
}

/// All problems, in the order of the lines: the first of them, and how many there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowProblems {
    listed: Vec<RowProblem>,
    total: usize,
}

impl RowProblems {
    /// The most problems that are listed; the rest are only counted.
    pub const MAX_LISTED: usize = 1000;

    pub fn push(&mut self, problem: RowProblem) {
        self.total += 1;
        if self.listed.len() < Self::MAX_LISTED {
            self.listed.push(problem);
        }
    }

    /// Adds another file's problems.
    pub fn append(&mut self, other: Self) {
        self.total += other.total;
        let room = Self::MAX_LISTED - self.listed.len();
        self.listed.extend(other.listed.into_iter().take(room));
    }

    /// Sorts the listed problems by file and line.
    pub fn sort(&mut self) {
        self.listed.sort_by_key(|problem| (problem.file, problem.line));
    }

    /// Renames columns as `renamed` says.
    pub fn rename_columns(&mut self, renamed: impl Fn(FileKind, &str) -> Option<String>) {
        for problem in &mut self.listed {
            let name = problem.column.as_deref().and_then(|column| renamed(problem.file, column));
            problem.column = name.map(Cow::Owned).or_else(|| problem.column.take());
        }
    }

    /// The first problems, at most [`Self::MAX_LISTED`].
    #[must_use]
    pub fn listed(&self) -> &[RowProblem] {
        &self.listed
    }

    /// How many there are, listed or not.
    #[must_use]
    pub const fn total(&self) -> usize {
        self.total
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.total == 0
    }
}

impl fmt::Display for RowProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.listed.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        match self.total - self.listed.len() {
            0 => Ok(()),
            more => write!(f, "\n… and {more} more"),
        }
    }
}

impl std::error::Error for RowProblems {}

impl From<RowProblem> for RowProblems {
    fn from(problem: RowProblem) -> Self {
        Self { listed: vec![problem], total: 1 }
    }
}
