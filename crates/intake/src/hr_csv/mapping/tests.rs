use std::path::PathBuf;

use super::*;
use crate::hr_csv::{absences, administrations, employments};
use kurskoll_domain::directory::records::{ReportedEmployment, Row};

fn fixture(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/hr").join(name);
    std::fs::read(path).expect("a fixture")
}

fn mapping(name: &str) -> Mapping {
    Mapping::parse(&fixture(name)).unwrap_or_else(|problems| panic!("{problems}"))
}

fn parsed(toml: &str) -> Mapping {
    Mapping::parse(toml.as_bytes()).unwrap_or_else(|problems| panic!("{problems}"))
}

fn employments_by(mapping: &Mapping, file: &[u8]) -> Result<Vec<Row<ReportedEmployment>>, String> {
    let read = employments::read_as(file, mapping.of(FileKind::Employments));
    read.map(|reading| reading.rows).map_err(|problems| problems.to_string())
}

/// Our own file of the same people as in the examples.
fn our_rows() -> Vec<ReportedEmployment> {
    let reading = employments::read(&fixture("good/employments.csv")).expect("a good file");
    reading.rows.into_iter().map(|row| row.record).collect()
}

/// The fewest columns, over which a test says more.
const FEWEST: &str = "[employments.columns]\nemployee_number = 'nr'\ngiven_name = 'fn'\nfamily_name = 'en'\n\
    employment_id = 'id'\nadministration = 'förv'\nform = { constant = 'permanent' }\nstarts_on = 'från'\n";

#[test]
fn rows_that_continue_a_person_are_read_as_our_own_file_is() {
    let mapping = mapping("mappings/continuation-rows.toml");
    let reading = employments::read_as(&fixture("mappings/continuation-rows.csv"), mapping.of(FileKind::Employments))
        .expect("good");
    assert_eq!((reading.ignored_columns, reading.skipped), (Vec::<String>::new(), 2));
    let rows: Vec<_> = reading.rows.iter().map(|row| (row.line, row.record.employment.unit.as_str())).collect();
    assert_eq!(rows, [(2, "Städ Nord"), (3, "Hemtjänst 4, Natt"), (5, "Gata, park"), (6, "Korttids")]);
    for (row, ours) in reading.rows.iter().zip(our_rows()) {
        let mut record = row.record.clone();
        // What the two files say differently.
        record.employment.unit.clone_from(&ours.employment.unit);
        record.employment.form = ours.employment.form;
        if row.line == 3 {
            // The address is filled down.
            assert_eq!(record.employment.email.as_deref(), Some("asa.oberg@example.org"));
        }
        assert_eq!(record, ours);
    }
}

#[test]
fn numbered_groups_of_columns_become_rows_with_the_line_of_the_file() {
    let mapping = mapping("mappings/numbered-groups.toml");
    let file = fixture("mappings/numbered-groups-employments.csv");
    let reading = employments::read_as(&file, mapping.of(FileKind::Employments)).expect("good");
    let rows: Vec<_> = reading
        .rows
        .iter()
        .map(|row| (row.line, row.record.employment.employment_id.as_str(), row.record.employment.form.as_str()))
        .collect();
    assert_eq!(rows, [(2, "1", "permanent"), (2, "2", "hourly"), (3, "1", "fixed_term"), (4, "2", "consultant")]);
    assert_eq!(reading.skipped, 1, "somebody without an employment");
    assert_eq!(reading.absent_columns, ["username", "manager_employee_number", "protected"]);
    assert!(reading.ignored_columns.is_empty());
    assert_eq!(reading.rows[1].record.employment.starts_on.to_string(), "2026-01-12");
    assert_eq!(reading.rows[1].record.given_name, "Åsa");

    let administrations = administrations::read_as(
        &fixture("mappings/numbered-groups-administrations.csv"),
        mapping.of(FileKind::Administrations),
    );
    assert_eq!(administrations.expect("good").rows[2].record.board, "Hälsa-, vård- och omsorgsnämnden");
    let file = fixture("mappings/numbered-groups-absences.csv");
    let absences = absences::read_as(&file, mapping.of(FileKind::Absences)).expect("good");
    assert_eq!((absences.rows.len(), absences.skipped), (2, 1));
}

#[test]
fn each_fault_of_a_mapping_is_named_with_its_line_and_key() {
    let said = |name| Mapping::parse(&fixture(name)).expect_err("a broken mapping").to_string();
    insta::assert_snapshot!(said("mappings/broken/everything.toml"), @r#"
    mapping, line 1: employment is not known here; did you mean employments? Known are administrations, employments, absences, exemptions, identities
    mapping, line 5: employments.days[0] is not a format of a day; write year, month and day as in "%Y-%m-%d" (%Y, %m, %d; %H, %M, %S for a time)
    mapping, line 6: employments.repeat must be whole numbers with from at most to, between 0 and 50 apart
    mapping, line 7: employments.ignored is not known here; did you mean ignore? Known are columns, days, skip, group, repeat, ignore
    mapping, line 8: employments.ignore must be a list in brackets
    mapping, line 10: employments.columns.administration is missing, and no row is whole without it; say which header it is
    mapping, line 12: employments.columns.namn is not a column of ours; known are employee_number, given_name, family_name, email, username, employment_id, administration, unit, form, starts_on, ends_on, manager_employee_number, protected
    mapping, line 13: employments.columns.given_name needs exactly one of from, first_of, join and constant
    mapping, line 14: employments.columns.family_name.when_empty does not go with constant; write the word itself as the constant
    mapping, line 15: employments.columns.email must be a header in quotes, or a table
    mapping, line 16: employments.columns.employment_id.join is empty; fill it in, or leave it out where it may be missing
    mapping, line 17: employments.columns.unit.with goes with join only
    mapping, line 17: employments.columns.unit.others goes with values only
    mapping, line 18: employments.columns.starts_on.days is empty; fill it in, or leave it out where it may be missing
    mapping, line 19: employments.columns.ends_on.form is not known here; did you mean from? Known are from, first_of, join, with, constant, values, others, days, when_empty
    mapping, line 19: employments.columns.ends_on needs exactly one of from, first_of, join and constant
    mapping, line 20: employments.columns.manager_employee_number.days belongs to columns that are days: starts_on and ends_on
    mapping, line 21: employments.columns.protected.values.J gives "jo", which is neither yes nor no; use true, false, 1, 0, yes, no, ja or nej
    mapping, line 21: employments.columns.protected.values.n is there twice, since capitals make no difference; keep one
    mapping, line 21: employments.columns.protected.others must be one of refuse, keep
    mapping, line 24: employments.columns.form.from is empty; fill it in, or leave it out where it may be missing
    mapping, line 25: employments.columns.form.values.AVA must be a text in quotes
    mapping, line 25: employments.columns.form.values.TV gives "permanentt", which is not a form of employment; use one of permanent, fixed_term, hourly, consultant, trainee
    mapping, line 26: employments.columns.form.when_empty gives "?", which is not a form of employment; use one of permanent, fixed_term, hourly, consultant, trainee
    mapping, line 28: employments.group.key is missing; write it
    mapping, line 29: employments.group.fill_down[0] has {n} in it, which only headers of columns may have, and only with repeat
    mapping, line 31: employments.skip[0] needs exactly one of is, is_not and is_empty
    mapping, line 34: employments.skip[1].header is missing; write it
    mapping, line 34: employments.skip[1] needs exactly one of is, is_not and is_empty
    mapping, line 39: absences.columns.employee_number has {n} in it, which only headers of columns may have, and only with repeat
    mapping, line 42: exemptions.repeat does nothing, for no header of a column has {n} in it; write {n} in place of the number
    mapping, line 45: identities.columns is missing; write it
    "#);
    insta::assert_snapshot!(said("mappings/broken/not-toml.toml"), @"mapping, line 2: the file is not TOML: unclosed inline table, expected `}`");
    insta::assert_snapshot!(Mapping::parse(b"").expect_err("nothing"), @"mapping: the file maps no file; write a section such as [employments]");
    insta::assert_snapshot!(Mapping::parse(b"# \xE5").expect_err("not UTF-8"), @"mapping: the file is not UTF-8; save it as UTF-8");
}

#[test]
fn problems_name_the_files_own_line_header_and_words() {
    let mapping = mapping("mappings/continuation-rows.toml");
    let file = String::from_utf8(fixture("mappings/continuation-rows.csv")).expect("UTF-8");
    let broken = file
        .replace(";20260112;", ";12/1 2026;")
        .replace(";ava;", ";PROJ;")
        .replace("105002;Lind;Kim;;J", "105002;;Kim;;X")
        .replace(";2;20;", ";1;20;");
    insta::assert_snapshot!(employments_by(&mapping, broken.as_bytes()).expect_err("broken"), @r#"
    employments, line 3, column Anst. fr.o.m. (starts_on): "12/1 2026" is not a day as the mapping reads it; write it as %Y-%m-%d or %Y%m%d, or add its format to the mapping
    employments, line 5, column Anst.form (form): "PROJ" is not among the values of the mapping; add it there, or mend the row
    employments, line 6, column Efternamn (family_name): the value is empty; fill it in
    employments, line 6, column Sekretess (protected): "X" is not among the values of the mapping; add it there, or mend the row
    "#);
    let other_headers = file.replace("Anst.form", "Form").replace("Förnamn", "Efternamn");
    insta::assert_snapshot!(employments_by(&mapping, other_headers.as_bytes()).expect_err("broken"), @r"
    employments, column Förnamn: the column is named on line 11 of the mapping, but is missing from the header; add it, or mend the mapping
    employments, column Efternamn: the column is in the header more than once; keep one
    employments, column Anst.form: the column is named on line 28 of the mapping, but is missing from the header; add it, or mend the mapping
    ");
    let groups = self::mapping("mappings/numbered-groups.toml");
    let file = encoding_rs::WINDOWS_1252.decode(&fixture("mappings/numbered-groups-employments.csv")).0.into_owned();
    let broken = file.replace("12.01.2026", "2026-01-12").replace("Inhyrd", "Inhyrd konsult");
    insta::assert_snapshot!(employments_by(&groups, broken.as_bytes()).expect_err("broken"), @r#"
    employments, line 2, column Anst2_from (starts_on): "2026-01-12" is not a day as the mapping reads it; write it as %d.%m.%Y, or add its format to the mapping
    employments, line 4, column Anst2_form (form): "Inhyrd konsult" is not among the values of the mapping; add it there, or mend the row
    "#);
}

#[test]
fn a_continuation_row_before_any_person_and_a_person_of_two_names_are_problems() {
    let toml = format!("[employments.group]\nkey = 'nr'\nfill_down = ['fn', 'en']\n{FEWEST}");
    let mapping = parsed(&toml);
    let file = "nr,fn,en,id,förv,från\n,,,1,SEF,2026-01-01\n7,Eva,Ek,2,SEF,2026-01-01\n7,Eva,Berg,3,SEF,2026-01-01\n";
    insta::assert_snapshot!(employments_by(&mapping, file.as_bytes()).expect_err("broken"), @r"
    employments, line 2, column nr (employee_number): the value is empty; fill it in
    employments, line 2, column fn (given_name): the value is empty; fill it in
    employments, line 2, column en (family_name): the value is empty; fill it in
    employments, line 4, column en (family_name): the value differs from line 3, which has another name for the same employee; give both rows the same
    ");
}

#[test]
fn names_do_not_run_over_from_one_person_to_the_next() {
    let mapping = parsed(&format!("[employments.group]\nkey = 'nr'\nfill_down = ['fn', 'en']\n{FEWEST}"));
    let file = "nr,fn,en,id,förv,från\n7,Eva,Ek,1,SEF,2026-01-01\n7,,,2,SEF,2026-01-01\n8,,Ek,1,SEF,2026-01-01\n";
    let said = employments_by(&mapping, file.as_bytes()).expect_err("8 has no given name");
    assert_eq!(said, "employments, line 4, column fn (given_name): the value is empty; fill it in");
}

#[test]
fn words_that_are_not_listed_are_refused_unless_they_are_kept() {
    let with = |others: &str| {
        parsed(&FEWEST.replace("'förv'", &format!("{{ from = 'förv', values = {{ '10' = 'SEF' }}{others} }}")))
    };
    let file = "nr,fn,en,id,förv,från\n7,Eva,Ek,1,10,2026-01-01\n7,Eva,Ek,2,FGK,2026-01-01\n";
    let stored = employments_by(&with(", others = 'keep'"), file.as_bytes()).expect("kept");
    let codes: Vec<&str> = stored.iter().map(|row| row.record.employment.administration.as_str()).collect();
    assert_eq!(codes, ["SEF", "FGK"]);
    insta::assert_snapshot!(employments_by(&with(""), file.as_bytes()).expect_err("refused"), @r#"employments, line 3, column förv (administration): "FGK" is not among the values of the mapping; add it there, or mend the row"#);
}

proptest::proptest! {
    #[test]
    fn no_mapping_and_no_file_make_the_reader_stumble(toml in "([a-z\\[\\]={}'\"., \n]|\\PC){0,200}", cells in "[a-z0-9;\n\"]{0,80}") {
        let _ = Mapping::parse(toml.as_bytes());
        let mapping = parsed(&format!("[employments.group]\nkey = 'nr'\nfill_down = ['fn', 'en']\n{FEWEST}"));
        let _ = employments_by(&mapping, format!("nr;fn;en;id;förv;från\n{cells}").as_bytes());
    }

    #[test]
    fn a_mapping_of_our_own_headers_reads_as_none(rows in proptest::collection::vec(("[0-9]{1,3}", "[A-ZÅ][a-zö]{0,5}", "[0-9]{1,2}"), 0..20)) {
        let mut file = "nr;fn;en;id;förv;från\n".to_owned();
        for (number, name, id) in &rows {
            file.push_str(&format!("{number};{name};Ek;{id};SEF;2026-01-01\n"));
        }
        let ours = file.replace("nr;fn;en;id;förv;från\n", "employee_number;given_name;family_name;employment_id;administration;starts_on;form\n").replace("2026-01-01", "2026-01-01;permanent");
        let mapped = employments_by(&parsed(FEWEST), file.as_bytes());
        let plain = employments::read(ours.as_bytes()).map(|reading| reading.rows);
        proptest::prop_assert_eq!(mapped.ok(), plain.ok());
    }
}
