//! How many statements give no result for a given course or quiz, and why.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, Value};

use crate::domain::training::Target;
use crate::store::sql::{placeholders, statement};
use crate::store::{StoreError, instant};

/// Statements about the same target that give no result for the same reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WithoutResultCount {
    /// The platform's code.
    pub platform: String,
    pub target: Target,
    /// A code.
    pub reason: String,
    pub verb: String,
    pub statements: u64,
}

/// Counts the statements of all platforms about some courses and quizzes that give no result for these, as known at an
/// instant; the largest counts first. An index finds them by the names alone.
pub async fn count(
    connection: &impl ConnectionTrait,
    targets: &[Target],
    known_at: chrono::DateTime<chrono::Utc>,
) -> Result<Vec<WithoutResultCount>, StoreError> {
    let mut by_name: BTreeMap<String, Vec<&Target>> = BTreeMap::new();
    for target in targets {
        by_name.entry(name_of(target)).or_default().push(target);
    }
    if by_name.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT p.code AS platform, w.object AS object, w.lacks AS lacks, w.reason AS reason, w.verb AS verb,
                COUNT(*) AS statements
         FROM statement_without_result w JOIN platform p ON p.id = w.platform_id
         WHERE w.object IN ({}) AND w.recorded_at <= $1 AND (w.superseded_at IS NULL OR w.superseded_at > $1)
         GROUP BY p.code, w.object, w.lacks, w.reason, w.verb",
        placeholders(2, by_name.len())
    );
    let known_at: Value = instant::stored(known_at).into();
    let values = std::iter::once(known_at).chain(by_name.keys().map(|name| name.clone().into()));
    let mut counts = Vec::new();
    for row in connection.query_all_raw(statement(connection, &sql, values)).await? {
        let (object, lacks): (String, String) = (row.try_get("", "object")?, row.try_get("", "lacks")?);
        let statements: i64 = row.try_get("", "statements")?;
        for target in by_name.get(&object).into_iter().flatten().filter(|target| is_without(target, &lacks)) {
            counts.push(WithoutResultCount {
                platform: row.try_get("", "platform")?,
                target: (*target).clone(),
                reason: row.try_get("", "reason")?,
                verb: row.try_get("", "verb")?,
                statements: u64::try_from(statements).unwrap_or_default(),
            });
        }
    }
    counts.sort_by(|one, other| {
        let order = |count: &WithoutResultCount| {
            (
                std::cmp::Reverse(count.statements),
                count.platform.clone(),
                count.target.clone(),
                count.reason.clone(),
                count.verb.clone(),
            )
        };
        order(one).cmp(&order(other))
    });
    Ok(counts)
}

fn name_of(target: &Target) -> String {
    match target {
        Target::Course(course) => course.to_string(),
        Target::Quiz(quiz) => quiz.to_string(),
    }
}

/// Whether a statement that lacks results of a kind gives none for a target.
fn is_without(target: &Target, lacks: &str) -> bool {
    match target {
        Target::Course(_) => lacks != "quiz",
        Target::Quiz(_) => lacks != "course",
    }
}
