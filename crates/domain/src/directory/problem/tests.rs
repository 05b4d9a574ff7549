use super::*;

#[test]
fn what_could_be_a_personal_identity_number_is_never_shown() {
    for value in [
        "811218-9876",
        "19811218-9876",
        "8112189877",
        "811218 9876",
        "SEF 811218-9876",
        "ÅÄÖ;19811218+9876;",
        "811218\u{2013}9877",
        "",
    ] {
        assert_eq!(showable(value), None, "{value}");
    }
    for value in ["2026-02-30", "20260230", "SEF", "2026-03-01T25:00:00+01:00", "permanentt", "abc 123"] {
        assert_eq!(showable(value).as_deref(), Some(value));
    }
    assert_eq!(showable("a\nb"), Some("a b".to_owned()));
    assert_eq!(showable(&"x".repeat(41)), Some(format!("{}…", "x".repeat(40))));
}

#[test]
fn a_problem_says_where_what_and_what_to_do() {
    let mut problem = RowProblem {
        file: FileKind::Employments,
        line: Some(12),
        column: Some("starts_on".into()),
        value: showable("2026-02-30"),
        fault: Fault::NotADay,
    };
    assert_eq!(
        problem.to_string(),
        "employments, line 12, column starts_on: \"2026-02-30\" is not a day; write it as 2026-03-01 or 20260301"
    );
    problem.value = None;
    problem.fault = Fault::UnknownForm;
    assert_eq!(
        problem.to_string(),
        "employments, line 12, column starts_on: the value is not a form of employment; use one of permanent, \
         fixed_term, hourly, consultant, trainee"
    );
}

#[test]
fn only_the_first_thousand_are_listed_and_all_are_counted() {
    let problem = |line| RowProblem {
        file: FileKind::Absences,
        line: Some(line),
        column: None,
        value: None,
        fault: Fault::NotADay,
    };
    let mut problems = RowProblems::default();
    (0..1500).for_each(|line| problems.push(problem(line)));
    assert_eq!((problems.listed().len(), problems.total()), (1000, 1500));
    let mut all = RowProblems::from(problem(0));
    all.append(problems);
    assert_eq!((all.listed().len(), all.total()), (1000, 1501));
    assert!(all.to_string().ends_with("\n… and 501 more"));
}
