//! A city of two administrations and four people with one requirement, and what a platform reports of them.

use serde_json::{Value, json};

use super::app::{HrFiles, TestApp};

pub const REQUIREMENT: &str = r#"
[[requirement]]
code = "infosec-onboarding"
title_sv = "Informationssäkerhet för nyanställda"
title_en = "Information security for new employees"
effective_from = 2026-01-01
existing_staff_due_on = 2026-06-30
new_hire_days = 30
valid_months = 12
renewal_days = 60
audience = { administrations = [], forms = ["permanent", "fixed_term", "hourly"], units = [] }
alternatives = [
  [ { course = "infosec-basics" }, { quiz = "infosec-basics-quiz", pass_mark = "0.8" } ],
  [ { course = "infosec-basics-2023" } ],
]
"#;

pub const ADMINISTRATIONS: &str =
    "code,name,board\nSEF,Serviceförvaltningen,Servicenämnden\nFGK,Fastighets- och gatukontoret,Tekniska nämnden\n";

pub const EMPLOYMENTS: &str = "\
employee_number,given_name,family_name,email,username,employment_id,administration,unit,form,starts_on,ends_on,manager_employee_number,protected
1001,Anna,Andersson,anna@example.org,anna,1,SEF,Måltid,permanent,2020-01-01,,,
1002,Bo,Öberg,bo@example.org,bo,1,SEF,Lokalvård,permanent,2026-02-10,,1001,
1003,Cecilia,Berg,cecilia@example.org,cecilia,1,FGK,Gata,hourly,2026-01-05,,,
1003,Cecilia,Berg,cecilia@example.org,cecilia,2,SEF,Måltid,hourly,2026-01-07,,,
1004,David,Ek,david@example.org,david,1,FGK,Gata,permanent,2026-01-05,,,true
";

/// A city of two administrations and four people, with one requirement.
pub async fn small_city(app: &TestApp) {
    app.apply(REQUIREMENT).await;
    app.import(HrFiles { administrations: ADMINISTRATIONS, employments: EMPLOYMENTS, ..HrFiles::default() }).await;
}

pub fn completed(learner: Value, course: &str, at: &str) -> Value {
    json!({"type": "course.completed", "timestamp": at,
           "data": {"learner": learner, "course": {"id": course}, "completed_at": at}})
}

pub fn graded(learner: Value, quiz: &str, attempt: u32, raw: &str, at: &str) -> Value {
    json!({"type": "quiz.graded", "timestamp": at,
           "data": {"learner": learner, "quiz": {"id": quiz}, "attempt": attempt,
                    "score": {"raw": raw, "max": "20"}, "graded_at": at}})
}
