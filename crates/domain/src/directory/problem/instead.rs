//! What a file or a person's number is instead of the expected.

/// The kinds of files that are not a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OtherFile {
    #[error("is an old workbook (.xls), or one with a password; save it as .xlsx without one, or as \"CSV UTF-8\"")]
    OldWorkbook,
    #[error("is a PDF; export a table, as \"CSV UTF-8\" or .xlsx")]
    Pdf,
    #[error("is compressed; unpack it")]
    Compressed,
    #[error("is a document with formatted text; export a table, as \"CSV UTF-8\" or .xlsx")]
    Document,
    #[error(
        "is a web page or XML, though it may be called .csv or .xls; open it in a spreadsheet and save it as \"CSV UTF-8\" or .xlsx"
    )]
    Markup,
    #[error("is JSON; export a table, as \"CSV UTF-8\" or .xlsx")]
    Json,
}

/// How a spreadsheet spoils numbers of people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SpreadsheetMark {
    #[error("is a power of ten, as a spreadsheet makes it of a long number")]
    PowerOfTen,
    #[error("has decimals, as a spreadsheet makes them of a number")]
    Decimals,
    #[error("has separators between its thousands, as a spreadsheet makes them of a number")]
    Thousands,
    #[error("is a formula, as a spreadsheet keeps a number's zeros")]
    Formula,
    #[error("is between quotation marks or after an apostrophe, as a spreadsheet marks a number as text")]
    Quoted,
    #[error("has a sign before it, as a spreadsheet makes it of a number")]
    Sign,
    #[error(
        "has an invisible character (zero-width, or a mark of byte order or direction), as copying brings it along"
    )]
    Invisible,
    #[error("has digits of another script or width")]
    OtherDigits,
    #[error("is a day, as a spreadsheet makes it of a number with a hyphen")]
    Day,
    #[error("is a program's text for an empty value, not a number")]
    Nothing,
}
