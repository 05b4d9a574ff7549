use super::*;

/// What a small format says of a text: two keys, one of them needed, and a list of tables.
fn said(text: &str) -> String {
    let read = super::read("example", text.as_bytes(), |file: Table<'_, TomlFault>| {
        file.only(&["title", "days", "part"]);
        let title = file.required("title", |value| value.filled());
        let days = file.optional_or("days", 30, |value| value.number(0, 99));
        let parts = file.optional_or("part", Vec::new(), |value| {
            each(value.tables(3)?, |part| {
                let part = part.table()?;
                part.only(&["words", "from", "is_new"]);
                let part = if part.has("is_new") { part.called("new".to_owned()) } else { part };
                let words = part.optional_or("words", Vec::new(), |value| {
                    each(value.one_or_some(2)?, |word| word.word(&["red", "blue"]))
                });
                let from = part.optional("from", |value| value.day());
                let is_new = part.optional("is_new", |value| value.flag());
                Some((words?, from?, is_new?))
            })
        });
        Some(format!("{} {} {:?}", title?, days?, parts?))
    });
    read.unwrap_or_else(|problems| problems.to_string())
}

#[test]
fn what_is_right_is_read_and_what_is_left_out_has_its_default() {
    insta::assert_snapshot!(said("title = 'x'"), @"x 30 []");
    insta::assert_snapshot!(
        said("title = 'x'\ndays = 0x10\n[[part]]\nwords = 'red'\nfrom = 2026-03-01\n[[part]]\nis_new = true\n"),
        @r#"x 16 [(["red"], Some(2026-03-01), None), ([], None, Some(true))]"#
    );
}

#[test]
fn every_problem_is_named_with_its_line_and_its_place() {
    let text = "\u{feff}titel = 'x'\ndays = 100\n[[part]]\nwords = ['red', 'green', 'bleu']\nfrom = '2026-03-01'\n\
        [[part]]\nis_new = 1\nwords = ['green', 1]\n[[part]]\nwords = []\nfrm = 1\nelse = 1\n";
    insta::assert_snapshot!(said(text), @r"
    example, line 1: titel is not known here; did you mean title? Known are title, days, part
    example, line 1: title is missing; write it
    example, line 2: days must be a whole number from 0 to 99
    example, line 4: part[0].words has 3; 2 are the most
    example, line 5: part[0].from must be a day without quotes, as 2026-01-01
    example, line 7 (new): part[1].is_new must be true or false
    example, line 8 (new): part[1].words[0] must be one of red, blue
    example, line 8 (new): part[1].words[1] must be one of red, blue
    example, line 10: part[2].words is empty; fill it in, or leave it out where it may be missing
    example, line 11: part[2].frm is not known here; did you mean from? Known are words, from, is_new
    example, line 12: part[2].else is not known here; known are words, from, is_new
    ");
    insta::assert_snapshot!(said("title = ''\npart = 1\ndays = 99999999999999999999"), @r"
    example, line 1: title is empty; fill it in, or leave it out where it may be missing
    example, line 2: part must be a list of tables, each under [[…]]
    example, line 3: days must be a whole number from 0 to 99
    ");
}

#[test]
fn a_file_that_is_no_toml_has_one_problem() {
    insta::assert_snapshot!(said("title = 'x'\ndays ="), @"example, line 2: the file is not TOML: string values must be quoted, expected literal string");
    let bytes = super::read("example", b"# \xE5", |_: Table<'_, TomlFault>| Some(()));
    insta::assert_snapshot!(bytes.expect_err("not UTF-8"), @"example: the file is not UTF-8; save it as UTF-8");
}

#[test]
fn the_name_that_was_meant_is_near_and_never_a_wholly_different_one() {
    let known = || vec!["email", "employee_number", "days", "from"];
    for (written, meant) in [
        ("emial", Some("email")),
        ("employe_nr", None),
        ("employeenumber", Some("employee_number")),
        ("form", Some("from")),
        ("day", Some("days")),
        ("date", None),
        ("x", None),
        ("", None),
    ] {
        let known = Known::instead_of(written, known()).to_string();
        let expected = meant.map_or_else(|| "known are".to_owned(), |name| format!("did you mean {name}? Known are"));
        assert!(known.starts_with(&expected), "{written}: {known}");
    }
}
