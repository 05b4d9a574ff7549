//! Workbooks as spreadsheets and payroll systems write them, made here.

use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook, Worksheet};

use super::*;
use crate::hr_csv::mapping::Mapping;
use crate::hr_csv::{RawFile, Reading, absences, employments, results};
use kurskoll_domain::directory::problem::RowProblems;
use kurskoll_domain::directory::records::ReportedEmployment;

const HEADER: [&str; 9] = [
    "employee_number",
    "given_name",
    "family_name",
    "employment_id",
    "administration",
    "form",
    "starts_on",
    "ends_on",
    "protected",
];

fn day_format() -> Format {
    Format::new().set_num_format("yyyy-mm-dd")
}

fn day(sheet: &mut Worksheet, row: u32, column: u16, text: &str) {
    let day = ExcelDateTime::parse_from_str(text).expect("a day");
    sheet.write_datetime_with_format(row, column, &day, &day_format()).expect("a cell");
}

fn texts(sheet: &mut Worksheet, row: u32, cells: &[&str]) {
    for (column, text) in (0..).zip(cells) {
        sheet.write_string(row, column, *text).expect("a cell");
    }
}

/// A workbook with one sheet.
fn workbook(fill: impl FnOnce(&mut Worksheet)) -> Vec<u8> {
    let mut workbook = Workbook::new();
    fill(workbook.add_worksheet());
    workbook.save_to_buffer().expect("a workbook")
}

fn read(bytes: &[u8]) -> Result<Reading<ReportedEmployment>, RowProblems> {
    employments::read(bytes)
}

fn refused(bytes: &[u8]) -> String {
    read(bytes).expect_err("refused").to_string()
}

/// The header, and one row with texts and a typed day.
fn one_row(sheet: &mut Worksheet, number: &str) {
    texts(sheet, 0, &HEADER);
    texts(sheet, 1, &[number, "Åsa", "Öberg", "1", "SEF", "permanent"]);
    day(sheet, 1, 6, "2026-03-01");
}

#[test]
fn a_sheet_says_what_a_file_of_text_says() {
    let bytes = workbook(|sheet| {
        texts(sheet, 1, &HEADER);
        // A number and a text, a typed day and one of text, yes and no; an empty row between, and some at the end.
        sheet.write_number(2, 0, 104_233).expect("a cell");
        texts(sheet, 4, &["0104234"]);
        for row in [2, 4] {
            for (column, text) in (1..).zip(["Åsa", "Öberg", "1", "SEF", "permanent"]) {
                sheet.write_string(row, column, text).expect("a cell");
            }
        }
        sheet.write_number(4, 3, 1).expect("a cell");
        day(sheet, 2, 6, "2026-03-01");
        sheet.write_string(4, 6, "2026-03-01").expect("a cell");
        day(sheet, 4, 7, "2026-12-31");
        sheet.write_boolean(2, 8, true).expect("a cell");
        sheet.write_string(4, 8, "nej").expect("a cell");
        sheet.write_blank(9, 0, &day_format()).expect("a cell");
        sheet.write_string(10, 1, "  ").expect("a cell");
    });
    let reading = read(&bytes).expect("a good workbook");
    let reported: Vec<String> = reading
        .rows
        .iter()
        .map(|row| {
            let employment = &row.record.employment;
            let (number, id) = (&employment.employee_number, &employment.employment_id);
            let (starts_on, ends_on) = (employment.starts_on, employment.ends_on);
            format!("{} {number}/{id} {starts_on} {ends_on:?} {:?}", row.line, row.record.protected)
        })
        .collect();
    assert_eq!(
        reported,
        ["3 104233/1 2026-03-01 None Some(true)", "5 0104234/1 2026-03-01 Some(2026-12-31) Some(false)"],
        "rows are the sheet's own"
    );
}

#[test]
fn days_are_days_in_either_system_of_days() {
    let bytes = |is_1904: bool| {
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet();
        texts(sheet, 0, &["employee_number", "starts_on"]);
        sheet.write_string(1, 0, "104233").expect("a cell");
        // 2026-03-01 is the day 46082 from 1900, and 44620 from 1904.
        let serial = if is_1904 { 44_620 } else { 46_082 };
        sheet.write_number_with_format(1, 1, serial, &day_format()).expect("a cell");
        let bytes = workbook.save_to_buffer().expect("a workbook");
        if is_1904 {
            with_part(&bytes, "xl/workbook.xml", "<workbookPr ", "<workbookPr date1904=\"1\" ")
        } else {
            bytes
        }
    };
    for is_1904 in [false, true] {
        let rows = absences::read(&bytes(is_1904)).expect("a good workbook").rows;
        assert_eq!(rows[0].record.starts_on.to_string(), "2026-03-01", "1904: {is_1904}");
    }
}

/// A workbook in which a part is written differently.
fn with_part(bytes: &[u8], part: &str, from: &str, to: &str) -> Vec<u8> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).expect("an archive");
    let mut written = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for place in 0..archive.len() {
        let mut old = archive.by_index(place).expect("a part");
        let name = old.name().expect("a name").into_owned();
        let mut content = Vec::new();
        old.read_to_end(&mut content).expect("its bytes");
        if name == part {
            let text = String::from_utf8(content).expect("XML");
            assert!(text.contains(from), "{text}");
            content = text.replace(from, to).into_bytes();
        }
        written.start_file(name, zip::write::SimpleFileOptions::default()).expect("a part");
        std::io::Write::write_all(&mut written, &content).expect("written");
    }
    written.finish().expect("whole").into_inner()
}

#[test]
fn a_number_whose_zeros_are_a_format_is_read_as_it_is_shown() {
    let bytes = workbook(|sheet| {
        one_row(sheet, "");
        let zeros = Format::new().set_num_format("0000000");
        sheet.write_number_with_format(1, 0, 104_233, &zeros).expect("a cell");
    });
    let reading = read(&bytes).expect("a good workbook");
    assert_eq!(reading.rows[0].record.employment.employee_number.as_str(), "0104233");
}

#[test]
fn digits_that_a_workbook_lost_are_refused_by_the_cells_address() {
    let bytes = workbook(|sheet| {
        one_row(sheet, "");
        sheet.write_number(1, 0, 1_042_331_234_567_890_123.0).expect("a cell");
    });
    insta::assert_snapshot!(refused(&bytes), @"employments: the file has a number in cell A2 of more digits than a workbook keeps (15): the last ones are lost; write it as text");
    let text = workbook(|sheet| one_row(sheet, "1,04233E+05"));
    assert!(
        refused(&text).contains("line 2, column employee_number: the value is a power of ten"),
        "a spoiled text stays"
    );
}

#[test]
fn formulas_are_their_values_and_errors_are_refused() {
    let with = |result: &str| {
        workbook(|sheet| {
            one_row(sheet, "104233");
            sheet.write_formula(1, 4, Formula::new("=A9").set_result(result)).expect("a cell");
        })
    };
    let reading = read(&with("FGK")).expect("a good workbook");
    assert_eq!(reading.rows[0].record.employment.administration.as_str(), "FGK");
    let bytes = with_part(
        &with("FGK"),
        "xl/worksheets/sheet1.xml",
        "t=\"str\"><f>A9</f><v>FGK</v>",
        "t=\"e\"><f>A9</f><v>#N/A</v>",
    );
    assert!(
        refused(&bytes).contains("line 2, column administration: \"#N/A\" is a spreadsheet's error"),
        "{}",
        refused(&bytes)
    );
}

#[test]
fn the_sheet_is_the_only_one_with_something_in_it_or_the_one_that_is_named() {
    let mut workbook = Workbook::new();
    workbook.add_worksheet().set_name("Om").expect("a name");
    one_row(workbook.add_worksheet().set_name("Anställda").expect("a name"), "104233");
    let hidden = workbook.add_worksheet().set_name("Koder").expect("a name");
    one_row(hidden, "104299");
    hidden.set_hidden(true);
    let bytes = workbook.save_to_buffer().expect("a workbook");
    let number = |sheet| {
        let reading = employments::read_as(RawFile { bytes: &bytes, sheet }, None)?;
        Ok(reading.rows[0].record.employment.employee_number.to_string())
    };
    assert_eq!(number(None), Ok("104233".to_owned()));
    assert_eq!(number(Some("koder ")), Ok("104299".to_owned()));
    let wrong: Result<String, RowProblems> = number(Some("Blad1"));
    insta::assert_snapshot!(wrong.expect_err("refused"), @"employments: the file has no sheet of that name; its sheets are Om, Anställda, Koder");

    let mut workbook = Workbook::new();
    one_row(workbook.add_worksheet(), "104233");
    one_row(workbook.add_worksheet(), "104234");
    let bytes = workbook.save_to_buffer().expect("a workbook");
    insta::assert_snapshot!(refused(&bytes), @"employments: the file has several sheets with something in them (Sheet1, Sheet2); name one with --sheet, or ?sheet= at the API");
    let empty = Workbook::new().save_to_buffer().expect("a workbook");
    insta::assert_snapshot!(refused(&empty), @"employments: the file is empty; its first line must name the columns");
}

#[test]
fn merged_cells_are_refused_where_rows_would_have_nothing() {
    let bytes = workbook(|sheet| {
        one_row(sheet, "104233");
        sheet.merge_range(1, 4, 2, 4, "SEF", &Format::new()).expect("merged");
    });
    insta::assert_snapshot!(refused(&bytes), @"employments: the file has merged cells at E2: the rows below the first have nothing in them; unmerge them, and fill each row");
    let beside = workbook(|sheet| {
        one_row(sheet, "104233");
        sheet.merge_range(0, 10, 0, 12, "note", &Format::new()).expect("merged");
    });
    assert!(read(&beside).is_ok(), "in one row they hide nothing");
}

#[test]
fn a_title_above_the_header_is_said_once() {
    let bytes = workbook(|sheet| texts(sheet, 0, &["Anställda per 26 februari"]));
    insta::assert_snapshot!(refused(&bytes), @r#"employments: the file begins with "Anställda per 26 februari", which names no column; its first line must name the columns, separated by commas, semicolons or tabs: employee_number, given_name, family_name, employment_id, administration, form, starts_on; or --mapping says which of another system's columns they are (docs/importing.md)"#);
}

#[test]
fn what_unpacks_to_too_much_is_not_read() {
    let bytes = workbook(|sheet| one_row(sheet, "104233"));
    let far = workbook(|sheet| {
        one_row(sheet, "104233");
        sheet.write_string(1, 16_383, "x").expect("a cell");
    });
    assert!(refused(&far).contains("has a cell XFD2, farther right than a table of ours"), "{}", refused(&far));
    let too_large =
        |unpacked, in_memory| measure(&bytes, &Limits { unpacked, in_memory }) == Err(Fault::WorkbookTooLarge);
    assert!(!too_large(1 << 20, 1 << 20) && too_large(1 << 20, 500) && too_large(2000, 1 << 20));
}

#[test]
fn no_bytes_of_a_workbook_make_the_reader_stumble() {
    let bytes = workbook(|sheet| one_row(sheet, "104233"));
    for cut in (0..bytes.len()).step_by(97) {
        let _ = read(&bytes[..cut]);
        let mut bent = bytes.clone();
        bent[cut] ^= 0x55;
        let _ = read(&bent);
    }
}

#[test]
fn a_mapping_reads_a_workbook_and_its_days_are_days() {
    let mapping = "[absences]\ndays = [\"%d.%m.%Y\"]\n[absences.columns]\nemployee_number = \"Anst.nr\"\n\
                   starts_on = \"Ledig från\"\nends_on = \"Ledig till\"\n";
    let mapping = Mapping::parse(mapping.as_bytes()).expect("a mapping");
    let bytes = workbook(|sheet| {
        texts(sheet, 0, &["Anst.nr", "Ledig från", "Ledig till"]);
        sheet.write_number(1, 0, 104_233).expect("a cell");
        day(sheet, 1, 1, "2026-03-01");
        sheet.write_string(1, 2, "31.03.2026").expect("a cell");
    });
    let of_absences = mapping.of(kurskoll_domain::directory::problem::FileKind::Absences);
    let rows = absences::read_as(&bytes, of_absences).expect("a good workbook").rows;
    let absence = &rows[0].record;
    assert_eq!(
        (absence.starts_on.to_string(), absence.ends_on.map(|d| d.to_string())),
        ("2026-03-01".to_owned(), Some("2026-03-31".to_owned()))
    );
    let title = workbook(|sheet| texts(sheet, 0, &["Frånvaro", "2026"]));
    let wrong = absences::read_as(&title, of_absences).expect_err("refused").to_string();
    assert!(
        wrong.contains("which names no column; its first line must name the columns, as the mapping has them: Anst.nr"),
        "{wrong}"
    );
}

#[test]
fn results_of_a_workbook_keep_their_times_and_scores() {
    let bytes = workbook(|sheet| {
        texts(sheet, 0, &["type", "employee_number", "quiz_id", "occurred_at", "score_raw", "score_max"]);
        texts(sheet, 1, &["quiz.graded", "104233", "infosec-quiz"]);
        let at = ExcelDateTime::parse_from_str("2024-05-03 08:15:30").expect("a time");
        sheet.write_datetime_with_format(1, 3, &at, &Format::new().set_num_format("yyyy-mm-dd hh:mm")).expect("a cell");
        sheet.write_number(1, 4, 17.3).expect("a cell");
        sheet.write_number(1, 5, 20).expect("a cell");
    });
    let read_at = "2026-02-26T12:00:00Z".parse().expect("an instant");
    let clock = results::FileClock { zone: chrono_tz::Europe::Stockholm, read_at };
    let rows = results::read(&bytes, clock).expect("a good workbook").rows;
    assert_eq!(rows[0].record.occurred_at.to_rfc3339(), "2024-05-03T06:15:30+00:00");
    let kurskoll_domain::training::ResultKind::Attempt { score: Some(score), .. } = &rows[0].record.kind else {
        panic!("a score")
    };
    assert_eq!(score.percent().to_string(), "86.5");
}

#[test]
fn a_number_is_as_it_was_meant() {
    for (number, text) in [
        (104_233.0, "104233"),
        (17.5, "17.5"),
        (0.1 + 0.2, "0.3"),
        (0.8, "0.8"),
        (-3.0, "-3"),
        (999_999_999_999_999.0, "999999999999999"),
        (0.000_001, "0.000001"),
    ] {
        assert_eq!(number_text(number, None).as_deref(), Some(text));
    }
    for lost in [1e15, 1.042_33e20, f64::NAN, f64::INFINITY] {
        assert_eq!(number_text(lost, None), None, "{lost}");
    }
    assert_eq!(number_text(104_233.0, zeros_of("0000000")).as_deref(), Some("0104233"));
}

#[test]
fn cells_have_addresses() {
    let addresses = [(0, 0), (6, 1), (9, 25), (9, 26), (0, 701), (0, 702)].map(address);
    assert_eq!(addresses, ["A1", "B7", "Z10", "AA10", "ZZ1", "AAA1"]);
}

#[test]
fn what_is_no_workbook_is_said_to_be_none() {
    assert!(matches!(rows(b"PK\x03\x04\x14\0\x06\0", None), Err(Fault::BrokenWorkbook)));
    assert!(matches!(rows(b"PK\x05\x06", None), Err(Fault::BrokenWorkbook)));
}
