//! Results that wait for a link, in pages and as a file.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use rocket::http::ContentType;
use rocket::serde::json::Json;
use rocket::{State, get};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::linking::suggest::SuggestionAnswer;
use crate::app::linking::unlinked::{
    KeyAnswer, ListUnlinkedError, QueueOrder, QueuePlace, QueueRequest, UnlinkedAnswer,
};
use crate::app::{App, Caller};
use crate::domain::ids::{PlatformCode, RequirementCode};
use crate::domain::linking::suggestion::Reason;
use crate::domain::linking::{Identity, LearnerKeys, Unlinked};
use crate::http::api::v1::reports::export::Download;
use crate::http::guards::query::Query;
use crate::http::problem::Problem;
use crate::render::queue_csv::{QueueRow, queue_csv};

/// How many sets of keys an entry shows; it says how many there are.
const LEARNERS_SHOWN: usize = 20;

/// The queue of unlinked results, an item for each identity to decide about.
#[derive(Debug, Serialize, ToSchema)]
pub struct UnlinkedPageView {
    items: Vec<UnlinkedView>,
    /// The `after` of the next request; null: no more.
    next: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct UnlinkedView {
    #[schema(example = "larportal")]
    platform: String,
    /// What to decide about: one link or dismissal of it resolves the entry.
    identity: IdentityView,
    /// Whether addresses, user names and accounts are withheld, and suggestions with them: some key fits an employee
    /// with protected personal data. HR or the provider resolves such an item.
    withheld: bool,
    /// `unknown`, `ambiguous` or `contradicted`.
    #[schema(example = "ambiguous")]
    why: &'static str,
    /// How many results wait.
    results: u64,
    first_recorded_at: DateTime<Utc>,
    last_recorded_at: DateTime<Utc>,
    /// What each key says, in the order of the platform's linking keys.
    keys: Vec<KeyView>,
    /// How many sets of keys the platform uses for them.
    learner_count: usize,
    /// These, at most 20.
    learners: Vec<LearnerView>,
    /// The courses that the results are about.
    courses: Vec<String>,
    /// The quizzes that they are about.
    quizzes: Vec<String>,
    /// The requirements towards which some of them count today.
    counts_towards: Vec<CountsTowardsView>,
    /// The employee numbers of those whom some key fits.
    candidates: Vec<String>,
    /// Who might be meant, the likeliest first; at most five. Nothing is applied by itself.
    suggestions: Vec<SuggestionView>,
    /// The decision that it belongs to no employee; null while it waits.
    dismissed: Option<DismissalView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct IdentityView {
    /// `employee_number`, `email`, `username` or `account`.
    #[schema(example = "email")]
    key: &'static str,
    /// Null if it is withheld.
    #[schema(example = "anna.andersson@example.org")]
    value: Option<String>,
    /// The home page of an account; null for the other keys.
    home_page: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct KeyView {
    /// `employee_number`, `email`, `username` or `account`.
    #[schema(example = "email")]
    key: &'static str,
    /// Null if the key is not given, or is withheld.
    value: Option<String>,
    home_page: Option<String>,
    /// `not_given`, `unknown` (nobody is known by it), `ambiguous` (several are), `contradicted` (the event's own
    /// number belongs to another), `fits` (one is known by it; it links on another day), `not_linked_by` (one is; the
    /// platform is not linked by this key) or `dismissed` (a person decided so).
    #[schema(example = "unknown")]
    verdict: &'static str,
    /// The employee numbers of those whom it fits.
    employees: Vec<String>,
    /// Whom the event's own number names instead.
    contradicted_by: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct LearnerView {
    employee_number: Option<String>,
    email: Option<String>,
    username: Option<String>,
    account: Option<AccountView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct AccountView {
    home_page: String,
    name: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct CountsTowardsView {
    #[schema(example = "infosec-onboarding")]
    requirement: String,
    /// Whether they meet it on their own.
    whole: bool,
}

#[derive(Debug, Serialize, ToSchema)]
struct SuggestionView {
    #[schema(example = "104233")]
    employee_number: String,
    given_name: String,
    family_name: String,
    /// From 1 to 100.
    #[schema(example = 83)]
    score: u8,
    reasons: Vec<ReasonView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ReasonView {
    /// What programs branch on.
    #[schema(example = "same_name")]
    code: &'static str,
    /// What people read.
    #[schema(example = "has the same given and family name")]
    text: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct DismissalView {
    /// The id by which it is undone.
    link: i64,
    #[schema(example = "the platform's own test account")]
    reason: String,
    decided_by: String,
    decided_at: DateTime<Utc>,
}

impl From<Identity> for IdentityView {
    fn from(identity: Identity) -> Self {
        let home_page = Some(identity.home_page).filter(|home_page| !home_page.is_empty());
        let value = Some(identity.value).filter(|value| !value.is_empty());
        Self { key: identity.key.as_str(), value, home_page }
    }
}

impl From<KeyAnswer> for KeyView {
    fn from(answer: KeyAnswer) -> Self {
        let KeyAnswer { key, employees, contradicted_by } = answer;
        let identity = key.identity.map(IdentityView::from);
        let (value, home_page) = identity.map_or((None, None), |identity| (identity.value, identity.home_page));
        Self { key: key.key.as_str(), value, home_page, verdict: key.verdict.as_str(), employees, contradicted_by }
    }
}

impl From<LearnerKeys> for LearnerView {
    fn from(keys: LearnerKeys) -> Self {
        Self {
            employee_number: keys.employee_number.map(String::from),
            email: keys.email,
            username: keys.username,
            account: keys.account.map(|account| AccountView { home_page: account.home_page, name: account.name }),
        }
    }
}

impl From<SuggestionAnswer> for SuggestionView {
    fn from(answer: SuggestionAnswer) -> Self {
        let reason = |reason: &Reason| ReasonView { code: reason.code(), text: reason.to_string() };
        Self {
            employee_number: answer.employee_number,
            given_name: answer.given_name,
            family_name: answer.family_name,
            score: answer.score,
            reasons: answer.reasons.iter().map(reason).collect(),
        }
    }
}

impl From<UnlinkedAnswer> for UnlinkedView {
    fn from(answer: UnlinkedAnswer) -> Self {
        let towards = answer.counts_towards.into_iter();
        Self {
            platform: answer.platform,
            identity: answer.identity.into(),
            withheld: answer.is_withheld,
            why: answer.why.as_str(),
            results: answer.results,
            first_recorded_at: answer.first_recorded_at,
            last_recorded_at: answer.last_recorded_at,
            keys: answer.keys.into_iter().map(KeyView::from).collect(),
            learner_count: answer.learners.len(),
            learners: answer.learners.into_iter().take(LEARNERS_SHOWN).map(LearnerView::from).collect(),
            courses: answer.courses,
            quizzes: answer.quizzes,
            counts_towards: towards
                .map(|towards| CountsTowardsView { requirement: towards.requirement.into(), whole: towards.whole })
                .collect(),
            candidates: answer.candidates,
            suggestions: answer.suggestions.into_iter().map(SuggestionView::from).collect(),
            dismissed: answer.dismissed.map(|decision| DismissalView {
                link: decision.id,
                reason: decision.reason,
                decided_by: decision.decided_by,
                decided_at: decision.decided_at,
            }),
        }
    }
}

/// The parameters that a page and a file share.
const FILTERS: [&str; 5] = ["sort", "platform", "why", "requirement", "dismissed"];

fn request_of(query: &Query) -> Result<QueueRequest, Problem> {
    let words = [Unlinked::Unknown, Unlinked::Ambiguous, Unlinked::Contradicted];
    let why = query.word("why", &words.map(Unlinked::as_str))?;
    let order = query.word("sort", &QueueOrder::ALL.map(QueueOrder::as_str))?;
    let dismissed = query.word("dismissed", &["false", "true"])?;
    Ok(QueueRequest {
        order: order.and_then(QueueOrder::parse).unwrap_or_default(),
        platform: query.id("platform", PlatformCode::parse)?,
        why: why.and_then(|word| words.into_iter().find(|why| why.as_str() == word)),
        requirement: query.id("requirement", RequirementCode::parse)?,
        dismissed: dismissed == Some("true"),
    })
}

/// Results that wait unlinked, by the identity to decide about
///
/// They are linked automatically as soon as the directory knows a key. Learners who share an identity are one item: one
/// decision resolves them. An administration sees items where some key fits an employee and all employees whom a key
/// fits are its own, and gets suggestions among its own people; nobody with protected personal data is suggested. What
/// arrives between two pages can move an item from one to the other.
#[utoipa::path(
    get, path = "/api/v1/unlinked", operation_id = "list_unlinked", tag = "linking", security(("bearer" = [])),
    params(
        ("sort" = Option<String>, Query, description = "`most` results first, or `oldest` first; `most` by default"),
        ("platform" = Option<String>, Query, description = "Only this platform's"),
        ("why" = Option<String>, Query, description = "Only what waits for this reason"),
        ("requirement" = Option<String>, Query, description = "Only what counts towards this requirement today"),
        ("dismissed" = Option<String>, Query, description = "`true`: what was dismissed, instead of what waits"),
        ("limit" = Option<u32>, Query, description = "How many items, 1 to 500; 100 by default", minimum = 1, maximum = 500),
        ("after" = Option<String>, Query, description = "`next` of the previous answer"),
    ),
    responses(
        (status = 200, description = "A page of the queue", body = UnlinkedPageView),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
        (status = 404, response = crate::http::openapi::NotFound),
    ),
)]
#[get("/unlinked")]
pub async fn list(app: &State<App>, caller: Caller, query: Query) -> Result<Json<UnlinkedPageView>, Problem> {
    let query = query.only(&[&FILTERS[..], &["limit", "after"]].concat())?;
    let after = query.text("after").map(place_of).transpose()?;
    let page = app.list_unlinked(&caller, &request_of(&query)?, after, query.limit(100, 500)?).await?;
    Ok(Json(UnlinkedPageView {
        items: page.entries.into_iter().map(UnlinkedView::from).collect(),
        next: page.next.map(cursor),
    }))
}

/// The whole queue as CSV: one row an item
#[utoipa::path(
    get, path = "/api/v1/unlinked.csv", operation_id = "export_unlinked", tag = "linking", security(("bearer" = [])),
    params(
        ("sort" = Option<String>, Query, description = "`most` results first, or `oldest` first; `most` by default"),
        ("platform" = Option<String>, Query, description = "Only this platform's"),
        ("why" = Option<String>, Query, description = "Only what waits for this reason"),
        ("requirement" = Option<String>, Query, description = "Only what counts towards this requirement today"),
        ("dismissed" = Option<String>, Query, description = "`true`: what was dismissed, instead of what waits"),
        ("dialect" = Option<String>, Query, description = "`rfc4180` (commas, UTF-8) or `excel-sv` (BOM, semicolons)"),
    ),
    responses(
        (status = 200, description = "The file", content_type = "text/csv", body = String),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
        (status = 404, response = crate::http::openapi::NotFound),
    ),
)]
#[get("/unlinked.csv")]
pub async fn export(app: &State<App>, caller: Caller, query: Query) -> Result<Download<Vec<u8>>, Problem> {
    let query = query.only(&[&FILTERS[..], &["dialect"]].concat())?;
    let dialect = query.dialect()?;
    let entries = app.export_unlinked(&caller, &request_of(&query)?).await?;
    let rows: Vec<QueueRow> = entries.into_iter().map(row_of).collect();
    let kind = ContentType::new("text", "csv").with_params(("charset", "utf-8"));
    Ok(Download::new(queue_csv(&rows, dialect), kind, "unlinked.csv"))
}

fn row_of(entry: UnlinkedAnswer) -> QueueRow {
    let key = |answer: KeyAnswer| format!("{}:{}", answer.key.key.as_str(), answer.key.verdict.as_str());
    let likeliest = entry.suggestions.first().into_iter().flat_map(|suggestion| &suggestion.reasons);
    QueueRow {
        suggested_because: likeliest.map(ToString::to_string).collect(),
        platform: entry.platform,
        key: entry.identity.key.as_str(),
        value: entry.identity.value,
        home_page: entry.identity.home_page,
        why: entry.why.as_str(),
        results: entry.results,
        first_recorded_at: entry.first_recorded_at,
        last_recorded_at: entry.last_recorded_at,
        keys: entry.keys.into_iter().map(key).collect(),
        courses: entry.courses,
        quizzes: entry.quizzes,
        counts_towards: entry.counts_towards.into_iter().map(|towards| towards.requirement.into()).collect(),
        candidates: entry.candidates,
        suggestions: entry.suggestions.into_iter().map(|suggestion| suggestion.employee_number).collect(),
        dismissed_because: entry.dismissed.map(|decision| decision.reason).unwrap_or_default(),
    }
}

/// A place as an opaque cursor.
fn cursor(place: QueuePlace) -> String {
    let first = place.first_recorded_at.timestamp_micros();
    URL_SAFE_NO_PAD.encode(format!("{},{first},{}", place.fewer, place.tie))
}

fn place_of(cursor: &str) -> Result<QueuePlace, Problem> {
    let numbers = || -> Option<[i64; 3]> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
        let numbers: Option<Vec<i64>> = text.split(',').map(|number| number.parse().ok()).collect();
        numbers?.try_into().ok()
    };
    let place = numbers().and_then(|[fewer, first, tie]| {
        Some(QueuePlace { fewer, first_recorded_at: DateTime::from_timestamp_micros(first)?, tie })
    });
    place.ok_or_else(|| Problem::bad_request("after is not the `next` of an earlier answer".to_owned()))
}

impl From<ListUnlinkedError> for Problem {
    fn from(error: ListUnlinkedError) -> Self {
        match error {
            ListUnlinkedError::Refused(refused) => Self::forbidden(refused.to_string()),
            ListUnlinkedError::UnknownPlatform(_) | ListUnlinkedError::UnknownRequirement(_) => {
                Self::not_found(error.to_string())
            }
            ListUnlinkedError::Store(error) => Self::internal(&error),
        }
    }
}
