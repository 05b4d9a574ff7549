use super::*;

fn reported(known: &Known, files: &Files, extent: Extent) -> Vec<String> {
    let plan = plan(known, files, extent, TODAY).expect("a plan");
    plan.difference().map(|row| serde_json::to_string(&row).expect("JSON")).collect()
}

#[test]
fn a_difference_has_a_row_for_each_field_and_none_for_what_stays() {
    let known = known(&employments(["1/a SEF 2020-01-01", "2/a SEF 2020-01-01", "3/a SEF 2026-05-01"]));
    let files = employments(["1/a FGK 2020-01-02", "4/a SEF 2026-04-01"]);
    assert_eq!(
        reported(&known, &files, Extent::Full),
        [
            r#"{"kind":"person","act":"added","key":"4","field":"given_name","before":null,"after":"Åsa"}"#,
            r#"{"kind":"person","act":"added","key":"4","field":"family_name","before":null,"after":"Öberg"}"#,
            r#"{"kind":"employment","act":"changed","key":"1/a","field":"administration","before":"SEF","after":"FGK"}"#,
            r#"{"kind":"employment","act":"changed","key":"1/a","field":"starts_on","before":"2020-01-01","after":"2020-01-02"}"#,
            r#"{"kind":"employment","act":"ended","key":"2/a","field":"ends_on","before":null,"after":"2026-03-31"}"#,
            r#"{"kind":"employment","act":"withdrawn","key":"3/a","field":"administration","before":"SEF","after":null}"#,
            r#"{"kind":"employment","act":"withdrawn","key":"3/a","field":"form","before":"permanent","after":null}"#,
            r#"{"kind":"employment","act":"withdrawn","key":"3/a","field":"starts_on","before":"2026-05-01","after":null}"#,
            r#"{"kind":"employment","act":"added","key":"4/a","field":"administration","before":null,"after":"SEF"}"#,
            r#"{"kind":"employment","act":"added","key":"4/a","field":"form","before":null,"after":"permanent"}"#,
            r#"{"kind":"employment","act":"added","key":"4/a","field":"starts_on","before":null,"after":"2026-04-01"}"#,
        ]
    );
}

#[test]
fn an_end_on_the_day_before_a_full_import_is_called_ended_whoever_says_so() {
    let known = known(&employments(["1/a SEF 2020-01-01", "2/a SEF 2020-01-01"]));
    let files = employments(["1/a SEF 2020-01-01 2026-03-31", "2/a FGK 2020-01-01 2026-03-31"]);
    assert_eq!(
        lines(&known, &files, Extent::Full),
        [
            "employment 1/a: ended, ends_on – → 2026-03-31",
            "employment 2/a: administration SEF → FGK, ends_on – → 2026-03-31"
        ]
    );
    assert_eq!(lines(&known, &files, Extent::Partial)[0], "employment 1/a: ends_on – → 2026-03-31");
}

#[test]
fn of_somebody_protected_a_difference_shows_the_number() {
    let mut protected = employments(["1/a SEF 2020-01-01"]);
    if let Some(rows) = &mut protected.employments {
        rows[0].record.protected = Some(true);
    }
    let known = known(&employments(["1/a FGK 2020-01-01"]));
    assert_eq!(
        reported(&known, &protected, Extent::Partial),
        [
            r#"{"kind":"person","act":"changed","key":"1","field":null,"before":null,"after":null}"#,
            r#"{"kind":"employment","act":"changed","key":"1","field":null,"before":null,"after":null}"#,
        ]
    );
}

#[test]
fn what_is_all_key_has_one_row_without_a_field() {
    let files = Files { identities: rows([identity("1", "17")]), ..employments(["1/a SEF 2020-01-01"]) };
    let row = reported(&known(&Files::default()), &files, Extent::Full).pop().expect("a row");
    assert_eq!(
        row,
        r#"{"kind":"identity","act":"added","key":"1 at larportal: account 17 on https://larportal.example.org","field":null,"before":null,"after":null}"#
    );
}
