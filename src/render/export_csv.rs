//! An export as CSV: RFC 4180, or as Excel in Swedish opens it.
//!
//! Row by row into a buffer of the caller's, so that any number of rows streams in constant memory.

use chrono::{Datelike, NaiveDate};
use rust_decimal::Decimal;

use super::EXPORT_COLUMNS;
use super::formula::defused;
use crate::domain::report::ExportRow;

/// UTF-8's byte order mark: how Excel knows that a file is UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Both dialects end lines as RFC 4180 does (section 2, rule 1).
const LINE_END: &[u8] = b"\r\n";

/// How cells, numbers and the file's beginning are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Dialect {
    /// RFC 4180: commas, decimal points, UTF-8 without a byte order mark.
    #[default]
    Rfc4180,
    /// What Excel in Swedish opens by a double click: byte order mark, semicolons, decimal commas. No `sep=` line,
    /// which would undo the mark.
    ExcelSv,
}

impl Dialect {
    pub const ALL: [Self; 2] = [Self::Rfc4180, Self::ExcelSv];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rfc4180 => "rfc4180",
            Self::ExcelSv => "excel-sv",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dialect| dialect.as_str() == text)
    }

    const fn separator(self) -> u8 {
        match self {
            Self::Rfc4180 => b',',
            Self::ExcelSv => b';',
        }
    }

    /// What separates cells where a file is opened as the other dialect.
    const fn foreign_separator(self) -> char {
        match self {
            Self::Rfc4180 => ';',
            Self::ExcelSv => ',',
        }
    }

    const fn decimal_sign(self) -> u8 {
        match self {
            Self::Rfc4180 => b'.',
            Self::ExcelSv => b',',
        }
    }
}

/// Writes an export: once the header, then each row.
#[derive(Debug, Clone, Copy)]
pub struct CsvExport {
    dialect: Dialect,
}

impl CsvExport {
    #[must_use]
    pub const fn new(dialect: Dialect) -> Self {
        Self { dialect }
    }

    /// Appends what precedes the first row: the line of column names, after a byte order mark if the dialect requires
    /// one.
    pub fn write_header(&self, out: &mut Vec<u8>) {
        begin_file(out, self.dialect, &EXPORT_COLUMNS);
    }

    /// Appends one row.
    pub fn write_row(&self, out: &mut Vec<u8>, row: &ExportRow) {
        let mut line = Line::new(out, self.dialect);
        line.text(row.administration.as_str());
        line.text(&row.administration_name);
        line.text(&row.unit);
        line.text(row.employee_number.as_str());
        line.text(&row.given_name);
        line.text(&row.family_name);
        line.text(&row.email);
        line.word(row.employment_form.as_str());
        line.day(Some(row.starts_on));
        // A requirement's code may begin with a hyphen.
        line.text(row.requirement.as_str());
        line.word(row.status.as_str());
        line.day(row.due_on);
        line.day(row.satisfied_on);
        line.day(row.valid_until);
        line.decimal(row.best_score_percent);
        line.word(&row.attempts.to_string());
        line.day(row.last_attempt_on);
        line.text(row.evidence_event_id.as_ref().map_or("", |id| id.as_str()));
        line.day(Some(row.as_of));
        line.end();
    }
}

/// What precedes the first row of a file.
pub(super) fn begin_file(out: &mut Vec<u8>, dialect: Dialect, columns: &[&str]) {
    if dialect == Dialect::ExcelSv {
        out.extend_from_slice(BYTE_ORDER_MARK);
    }
    let mut line = Line::new(out, dialect);
    for column in columns {
        line.word(column);
    }
    line.end();
}

/// One line of the file, cell by cell.
pub(super) struct Line<'a> {
    out: &'a mut Vec<u8>,
    dialect: Dialect,
    begun: bool,
}

impl<'a> Line<'a> {
    pub(super) const fn new(out: &'a mut Vec<u8>, dialect: Dialect) -> Self {
        Self { out, dialect, begun: false }
    }

    fn begin_cell(&mut self) {
        if self.begun {
            self.out.push(self.dialect.separator());
        }
        self.begun = true;
    }

    /// A text from outside: defused, and in quotes if it needs them.
    pub(super) fn text(&mut self, text: &str) {
        self.begin_cell();
        let text = defused(text, self.dialect.foreign_separator());
        if text.bytes().any(needs_quotes) {
            self.out.push(b'"');
            for byte in text.bytes() {
                if byte == b'"' {
                    self.out.push(b'"');
                }
                self.out.push(byte);
            }
            self.out.push(b'"');
        } else {
            self.out.extend_from_slice(text.as_bytes());
        }
    }

    /// A value of Kurskoll's own, which has nothing that a file or a spreadsheet could misread.
    pub(super) fn word(&mut self, word: &str) {
        self.begin_cell();
        self.out.extend_from_slice(word.as_bytes());
    }

    fn day(&mut self, day: Option<NaiveDate>) {
        self.begin_cell();
        let Some(day) = day else { return };
        // By hand: five days a row are most of the time that a row takes, and chrono's formatting is general and slow.
        match u16::try_from(day.year()) {
            Ok(year @ 0..=9999) => {
                let [month, dom] = [day.month(), day.day()].map(|number| number as u8);
                let digit = |number: u16| b'0' + (number % 10) as u8;
                self.out.extend_from_slice(&[
                    digit(year / 1000),
                    digit(year / 100),
                    digit(year / 10),
                    digit(year),
                    b'-',
                    digit(u16::from(month / 10)),
                    digit(month.into()),
                    b'-',
                    digit(u16::from(dom / 10)),
                    digit(dom.into()),
                ]);
            }
            _ => self.out.extend_from_slice(day.to_string().as_bytes()),
        }
    }

    fn decimal(&mut self, value: Option<Decimal>) {
        self.begin_cell();
        let Some(value) = value else { return };
        let sign = self.dialect.decimal_sign();
        self.out.extend(value.to_string().bytes().map(|byte| if byte == b'.' { sign } else { byte }));
    }

    pub(super) fn end(self) {
        self.out.extend_from_slice(LINE_END);
    }
}

/// Whether a byte puts its cell in quotes: what RFC 4180 demands (section 2, rules 6 and 7), and the other separators,
/// since some programs split at all of them at once.
const fn needs_quotes(byte: u8) -> bool {
    matches!(byte, b'"' | b',' | b';' | b'\t' | b'\r' | b'\n')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::compliance::Status;
    use crate::domain::ids::{EmployeeNumber, EventId};
    use crate::render::fixtures::{any_row, day, row};

    fn written(dialect: Dialect, rows: &[ExportRow]) -> String {
        let export = CsvExport::new(dialect);
        let mut out = Vec::new();
        export.write_header(&mut out);
        for row in rows {
            export.write_row(&mut out, row);
        }
        String::from_utf8(out).expect("UTF-8")
    }

    /// Rows with awkward texts.
    fn awkward() -> [ExportRow; 3] {
        let plain = row();
        let hostile = ExportRow {
            unit: "=HYPERLINK(\"http://example.org\")".to_owned(),
            employee_number: EmployeeNumber::parse("-7").expect("a number"),
            given_name: "Åsa \"Kickan\"".to_owned(),
            family_name: "Öberg; Ärlig,\nvon".to_owned(),
            email: "@x".to_owned(),
            best_score_percent: Some(Decimal::new(-123, 1)),
            evidence_event_id: Some(EventId::parse("+1").expect("an id")),
            ..row()
        };
        let empty = ExportRow {
            unit: String::new(),
            given_name: String::new(),
            family_name: String::new(),
            email: String::new(),
            status: Status::Overdue,
            due_on: None,
            satisfied_on: None,
            valid_until: None,
            best_score_percent: None,
            attempts: 0,
            last_attempt_on: None,
            evidence_event_id: None,
            ..row()
        };
        [plain, hostile, empty]
    }

    #[test]
    fn the_plain_form_is_rfc_4180() {
        let expected = concat!(
            "administration,administration_name,unit,employee_number,given_name,family_name,email,employment_form,",
            "starts_on,requirement,status,due_on,satisfied_on,valid_until,best_score_percent,attempts,last_attempt_on,",
            "evidence_event_id,as_of\r\n",
            "SEF,Serviceförvaltningen,Måltid norr,104233,Åsa,Öberg,asa.oberg@example.org,permanent,2026-01-12,",
            "infosec-onboarding,compliant,2026-02-11,2026-01-20,2027-01-19,87.5,2,2026-01-20,msg_01,2026-02-26\r\n",
            "SEF,Serviceförvaltningen,\"'=HYPERLINK(\"\"http://example.org\"\")\",'-7,\"Åsa \"\"Kickan\"\"\",",
            "\"Öberg; Ärlig,\nvon\",'@x,permanent,2026-01-12,infosec-onboarding,compliant,2026-02-11,2026-01-20,2027-01-19,",
            "-12.3,2,2026-01-20,'+1,2026-02-26\r\n",
            "SEF,Serviceförvaltningen,,104233,,,,permanent,2026-01-12,infosec-onboarding,overdue,,,,,0,,,2026-02-26\r\n",
        );
        assert_eq!(written(Dialect::Rfc4180, &awkward()), expected);
    }

    #[test]
    fn the_form_for_excel_in_swedish_has_a_byte_order_mark_semicolons_and_decimal_commas() {
        let expected = concat!(
            "\u{feff}administration;administration_name;unit;employee_number;given_name;family_name;email;",
            "employment_form;starts_on;requirement;status;due_on;satisfied_on;valid_until;best_score_percent;attempts;",
            "last_attempt_on;evidence_event_id;as_of\r\n",
            "SEF;Serviceförvaltningen;Måltid norr;104233;Åsa;Öberg;asa.oberg@example.org;permanent;2026-01-12;",
            "infosec-onboarding;compliant;2026-02-11;2026-01-20;2027-01-19;87,5;2;2026-01-20;msg_01;2026-02-26\r\n",
            "SEF;Serviceförvaltningen;\"'=HYPERLINK(\"\"http://example.org\"\")\";'-7;\"Åsa \"\"Kickan\"\"\";",
            "\"Öberg; Ärlig,\nvon\";'@x;permanent;2026-01-12;infosec-onboarding;compliant;2026-02-11;2026-01-20;2027-01-19;",
            "-12,3;2;2026-01-20;'+1;2026-02-26\r\n",
            "SEF;Serviceförvaltningen;;104233;;;;permanent;2026-01-12;infosec-onboarding;overdue;;;;;0;;;2026-02-26\r\n",
        );
        assert_eq!(written(Dialect::ExcelSv, &awkward()), expected);
    }

    #[test]
    fn a_dialect_is_known_by_its_name() {
        for dialect in Dialect::ALL {
            assert_eq!(Dialect::parse(dialect.as_str()), Some(dialect));
        }
        assert_eq!(Dialect::parse("excel"), None);
    }

    #[test]
    fn a_day_of_any_year_is_written_as_a_day() {
        for text in ["0042-01-09", "1970-12-31", "9999-12-31", "+12026-02-28"] {
            let row = ExportRow { as_of: day(text), ..row() };
            assert!(written(Dialect::Rfc4180, &[row]).ends_with(&format!(",{text}\r\n")), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_as_the_same_cells(
            rows in proptest::collection::vec(any_row(), 0..4),
            dialect in proptest::sample::select(Dialect::ALL.to_vec()),
        ) {
            let text = written(dialect, &rows);
            let mut reader = csv::ReaderBuilder::new()
                .delimiter(dialect.separator())
                .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
            prop_assert_eq!(reader.headers().expect("a header"), EXPORT_COLUMNS.as_slice());
            let read: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().expect("lines of one length");
            prop_assert_eq!(read.len(), rows.len());
            for (cells, row) in read.iter().zip(&rows) {
                let shown = |text: &str| defused(text, dialect.foreign_separator()).into_owned();
                let on = |day: Option<NaiveDate>| day.map(|day| day.to_string()).unwrap_or_default();
                let score = row.best_score_percent.map(|score| score.to_string()).unwrap_or_default();
                let expected = [
                    shown(row.administration.as_str()),
                    shown(&row.administration_name),
                    shown(&row.unit),
                    shown(row.employee_number.as_str()),
                    shown(&row.given_name),
                    shown(&row.family_name),
                    shown(&row.email),
                    row.employment_form.as_str().to_owned(),
                    on(Some(row.starts_on)),
                    shown(row.requirement.as_str()),
                    row.status.as_str().to_owned(),
                    on(row.due_on),
                    on(row.satisfied_on),
                    on(row.valid_until),
                    if dialect == Dialect::ExcelSv { score.replace('.', ",") } else { score },
                    row.attempts.to_string(),
                    on(row.last_attempt_on),
                    row.evidence_event_id.as_ref().map(|id| shown(id.as_str())).unwrap_or_default(),
                    on(Some(row.as_of)),
                ];
                prop_assert_eq!(cells, expected.as_slice());
            }
        }
    }
}
