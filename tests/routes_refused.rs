//! Which callers are allowed where: every mounted route, requested by every caller, as one table.
//!
//! A mounted route that is not requested here fails, and so does a requested one that is not mounted. An officer of another
//! administration gets the same answer about this one as about one that does not exist.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kurskoll::app::Caller;
use kurskoll::app::compliance::decide_results::ResultDecisionRequest;
use kurskoll::app::employees::propose::{Decision, ProposalRequest};
use kurskoll::app::linking::link::LinkRequest;
use kurskoll::auth::{KeyRing, SigningKey, issue};
use kurskoll::config::{ApprovalSettings, RateLimitSettings, Settings};
use kurskoll::domain::access::Role;
use kurskoll::domain::directory::proposal::ProposalContent;
use kurskoll::domain::ids::{CourseId, EmployeeNumber, EventId, PlatformCode, RequirementCode};
use kurskoll::domain::linking::{Identity, LinkingKey};
use kurskoll::domain::training::{Target, Verdict};
use serde_json::{Value, json};

use crate::support::app::{Answer, HrFiles, TestApp, TestClock};
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::{ADMINISTRATIONS, EMPLOYMENTS, REQUIREMENT, completed};

/// All callers, in the order of the table's columns. All paths below are about SEF: `own` is an officer of SEF,
/// `foreign` one of FGK.
const CALLERS: [&str; 9] = ["admin", "city", "own", "foreign", "auditor", "scim", "none", "expired", "unknown"];

/// A mounted route, and its request. What can be done only once has one for each caller: `{caller}` is the caller's place
/// in the table, `{link}` a link by hand of the caller's own, and `{delivery}` a delivery in quarantine.
pub struct RouteCase {
    pub route: &'static str,
    pub path: &'static str,
    pub body: &'static str,
}

/// A bulk request, refused as a whole if a part is not the caller's.
const BULK: &str = r#"{"all_or_nothing": true, "operations": [{"op": "dismiss", "platform": "larportal", "key": "email",
                       "value": "shared-{caller}@example.org", "reason": "a test account"}]}"#;

const fn case(route: &'static str, path: &'static str) -> RouteCase {
    RouteCase { route, path, body: "{}" }
}

const DISMISS: &str = r#"{"ids": [4711], "reason": "settled otherwise"}"#;

const LINK: &str = r#"{"platform": "larportal", "key": "email", "value": "shared-{caller}@example.org",
                       "employee_number": "20{caller}1", "reason": "asked by phone"}"#;

pub const REQUESTS: [RouteCase; 113] = [
    case("GET /api/v1/administrations/<code>/compliance", "/api/v1/administrations/SEF/compliance"),
    case("GET /api/v1/administrations/<code>/export.csv", "/api/v1/administrations/SEF/export.csv"),
    case("GET /api/v1/administrations/<code>/export.xlsx", "/api/v1/administrations/SEF/export.xlsx"),
    case("GET /api/v1/audit", "/api/v1/audit"),
    case("GET /api/v1/deliveries", "/api/v1/deliveries"),
    case("GET /api/v1/deliveries/<id>", "/api/v1/deliveries/{delivery}"),
    case("POST /api/v1/deliveries/<id>/replay", "/api/v1/deliveries/{delivery}/replay"),
    case("GET /api/v1/employees/<employee_number>", "/api/v1/employees/1002"),
    RouteCase {
        route: "POST /api/v1/employees/<employee_number>/corrections",
        path: "/api/v1/employees/1002/corrections",
        body: r#"{"reason": "reported late", "person": {"given_name": "Bo {caller}"}}"#,
    },
    RouteCase {
        route: "POST /api/v1/employees/<employee_number>/merge",
        path: "/api/v1/employees/1002/merge",
        body: r#"{"duplicate": "1001", "reason": "hired twice", "dry_run": true}"#,
    },
    case("GET /api/v1/merges", "/api/v1/merges"),
    RouteCase {
        route: "POST /api/v1/merges/<id>/undo",
        path: "/api/v1/merges/4711/undo",
        body: r#"{"reason": "two after all"}"#,
    },
    case("GET /api/v1/employees/<employee_number>/history", "/api/v1/employees/1002/history"),
    case("GET /api/v1/exemptions", "/api/v1/exemptions"),
    RouteCase {
        route: "POST /api/v1/exemptions",
        path: "/api/v1/exemptions",
        body: r#"{"employee_number": "1002", "requirement": "infosec-onboarding", "starts_on": "2026-03-1{caller}",
                    "ends_on": null, "reason": "works in the field"}"#,
    },
    case("GET /api/v1/exemptions/<id>", "/api/v1/exemptions/{exemption-approve}"),
    RouteCase {
        route: "POST /api/v1/exemptions/<id>/approve",
        path: "/api/v1/exemptions/{exemption-approve}/approve",
        body: "{}",
    },
    RouteCase {
        route: "POST /api/v1/exemptions/<id>/reject",
        path: "/api/v1/exemptions/{exemption-reject}/reject",
        body: r#"{"reason": "asked by phone"}"#,
    },
    RouteCase {
        route: "POST /api/v1/exemptions/<id>/withdraw",
        path: "/api/v1/exemptions/{exemption-withdraw}/withdraw",
        body: r#"{"reason": "asked by phone"}"#,
    },
    case("GET /api/v1/prior-training", "/api/v1/prior-training"),
    RouteCase {
        route: "POST /api/v1/prior-training",
        path: "/api/v1/prior-training",
        body: r#"{"employee_number": "1002", "course": "course-{caller}", "completed_on": "2026-01-12", "reason": "certificate"}"#,
    },
    case("GET /api/v1/prior-training/<id>", "/api/v1/prior-training/{prior-approve}"),
    RouteCase {
        route: "POST /api/v1/prior-training/<id>/approve",
        path: "/api/v1/prior-training/{prior-approve}/approve",
        body: "{}",
    },
    RouteCase {
        route: "POST /api/v1/prior-training/<id>/reject",
        path: "/api/v1/prior-training/{prior-reject}/reject",
        body: r#"{"reason": "asked by phone"}"#,
    },
    RouteCase {
        route: "POST /api/v1/prior-training/<id>/withdraw",
        path: "/api/v1/prior-training/{prior-withdraw}/withdraw",
        body: r#"{"reason": "asked by phone"}"#,
    },
    case("GET /api/v1/imports", "/api/v1/imports"),
    case("GET /api/v1/imports/<id>", "/api/v1/imports/1"),
    case("GET /api/v1/imports/<id>/difference", "/api/v1/imports/1/difference"),
    case("GET /api/v1/imports/<id>/difference.csv", "/api/v1/imports/1/difference.csv"),
    RouteCase {
        route: "POST /api/v1/imports/<id>/undo",
        path: "/api/v1/imports/1/undo",
        body: r#"{"reason": "an old file", "dry_run": true}"#,
    },
    case("GET /api/v1/profiles", "/api/v1/profiles"),
    case("GET /api/v1/profiles/<name>", "/api/v1/profiles/docebo"),
    RouteCase {
        route: "POST /api/v1/profiles/check",
        path: "/api/v1/profiles/check",
        body: r#"{"profile": "docebo", "sample": {"event": "ping"}}"#,
    },
    case("GET /api/v1/links", "/api/v1/links"),
    RouteCase { route: "POST /api/v1/links/bulk", path: "/api/v1/links/bulk", body: BULK },
    RouteCase { route: "POST /api/v1/links", path: "/api/v1/links", body: LINK },
    case("POST /api/v1/links/<id>/undo", "/api/v1/links/{link}/undo"),
    case("GET /api/v1/openapi.json", "/api/v1/openapi.json"),
    case("GET /api/v1/platforms", "/api/v1/platforms"),
    case("GET /api/v1/platforms/<code>/health", "/api/v1/platforms/larportal/health"),
    case("POST /api/v1/platforms/<code>/reread", "/api/v1/platforms/larportal/reread"),
    case("POST /api/v1/platforms/<code>/results", "/api/v1/platforms/larportal/results"),
    case("GET /api/v1/results/decisions", "/api/v1/results/decisions"),
    RouteCase {
        route: "POST /api/v1/results/decisions",
        path: "/api/v1/results/decisions",
        body: r#"{"event_id": "e-{caller}", "decision": "withdraw", "reason": "asked by phone"}"#,
    },
    case("GET /api/v1/results/decisions/<id>", "/api/v1/results/decisions/{result-approve}"),
    case("POST /api/v1/results/decisions/<id>/approve", "/api/v1/results/decisions/{result-approve}/approve"),
    RouteCase {
        route: "POST /api/v1/results/decisions/<id>/reject",
        path: "/api/v1/results/decisions/{result-reject}/reject",
        body: r#"{"reason": "asked by phone"}"#,
    },
    case("GET /api/v1/quarantine", "/api/v1/quarantine"),
    case("GET /api/v1/quarantine/groups", "/api/v1/quarantine/groups"),
    RouteCase { route: "POST /api/v1/quarantine/dismiss", path: "/api/v1/quarantine/dismiss", body: DISMISS },
    RouteCase { route: "POST /api/v1/quarantine/replay", path: "/api/v1/quarantine/replay", body: r#"{"ids": []}"# },
    case("POST /api/v1/quarantine/<id>/take", "/api/v1/quarantine/4711/take"),
    RouteCase {
        route: "POST /api/v1/quarantine/<id>/undo-dismissal",
        path: "/api/v1/quarantine/4711/undo-dismissal",
        body: r#"{"reason": "asked by phone"}"#,
    },
    case("GET /api/v1/reports/onboarding", "/api/v1/reports/onboarding?requirement=infosec-onboarding"),
    case(
        "GET /api/v1/reports/onboarding/differences",
        "/api/v1/reports/onboarding/differences?requirement=infosec-onboarding&compare_known_at=2026-02-26T12:00:00Z",
    ),
    case("GET /api/v1/unlinked", "/api/v1/unlinked"),
    case("GET /api/v1/unlinked.csv", "/api/v1/unlinked.csv"),
    case("GET /health/live", "/health/live"),
    case("GET /health/ready", "/health/ready"),
    case("GET /metrics", "/metrics"),
    case("POST /scim/v2/.search", "/scim/v2/.search"),
    case("GET /scim/v2/Me", "/scim/v2/Me"),
    case("POST /scim/v2/Me", "/scim/v2/Me"),
    case("PUT /scim/v2/Me", "/scim/v2/Me"),
    case("PATCH /scim/v2/Me", "/scim/v2/Me"),
    case("DELETE /scim/v2/Me", "/scim/v2/Me"),
    RouteCase { route: "POST /scim/v2/Bulk", path: "/scim/v2/Bulk", body: NO_OPERATION },
    case("GET /scim/v2/Groups", "/scim/v2/Groups"),
    RouteCase { route: "POST /scim/v2/Groups", path: "/scim/v2/Groups", body: r#"{"displayName": "IT"}"# },
    case("POST /scim/v2/Groups/.search", "/scim/v2/Groups/.search"),
    case("GET /scim/v2/Groups/<id>", "/scim/v2/Groups/SEF"),
    RouteCase { route: "PUT /scim/v2/Groups/<id>", path: "/scim/v2/Groups/SEF", body: r#"{"displayName": "IT"}"# },
    RouteCase { route: "PATCH /scim/v2/Groups/<id>", path: "/scim/v2/Groups/SEF", body: NO_OPERATION },
    case("DELETE /scim/v2/Groups/<id>", "/scim/v2/Groups/SEF"),
    case("GET /scim/v2/ResourceTypes", "/scim/v2/ResourceTypes"),
    case("GET /scim/v2/ResourceTypes/<id>", "/scim/v2/ResourceTypes/User"),
    case("GET /scim/v2/Schemas", "/scim/v2/Schemas"),
    case("GET /scim/v2/Schemas/<id>", "/scim/v2/Schemas/urn:ietf:params:scim:schemas:core:2.0:User"),
    case("GET /scim/v2/ServiceProviderConfig", "/scim/v2/ServiceProviderConfig"),
    case("GET /scim/v2/Users", "/scim/v2/Users"),
    RouteCase { route: "POST /scim/v2/Users", path: "/scim/v2/Users", body: SCIM_USER },
    case("POST /scim/v2/Users/.search", "/scim/v2/Users/.search"),
    case("GET /scim/v2/Users/<id>", "/scim/v2/Users/1-1"),
    RouteCase {
        route: "PUT /scim/v2/Users/<id>",
        path: "/scim/v2/Users/1-1",
        body: r#"{"userName": "anna@example.org"}"#,
    },
    RouteCase { route: "PATCH /scim/v2/Users/<id>", path: "/scim/v2/Users/1-1", body: NO_OPERATION },
    case("DELETE /scim/v2/Users/<id>", "/scim/v2/Users/1-1"),
    case("POST /webhooks/<platform>", "/webhooks/larportal"),
    case(
        "GET /api/v1/reports/onboarding/trend",
        "/api/v1/reports/onboarding/trend?requirement=infosec-onboarding&from=2026-01-01&to=2026-02-26",
    ),
    case("GET /api/v1/reorganisations", "/api/v1/reorganisations"),
    RouteCase {
        route: "POST /api/v1/reorganisations",
        path: "/api/v1/reorganisations",
        body: r#"{"on_day": "2027-02-1{caller}", "reason": "decided", "dry_run": true, "moves": [{"from": "FGK", "to": "SEF"}]}"#,
    },
    RouteCase {
        route: "POST /api/v1/reorganisations/<id>/undo",
        path: "/api/v1/reorganisations/1/undo",
        body: r#"{"reason": "postponed"}"#,
    },
    // A token is for the owner of a key, and is refused in an envelope of its own.
    // Any request in form syntax, which this body is not.
    case("GET /xapi/about", "/xapi/about"),
    case("GET /xapi/activities", "/xapi/activities?activityId=https://larportal.example.org/7"),
    case("DELETE /xapi/activities/profile", "/xapi/activities/profile"),
    case("GET /xapi/activities/profile", "/xapi/activities/profile"),
    case("POST /xapi/activities/profile", "/xapi/activities/profile"),
    case("PUT /xapi/activities/profile", "/xapi/activities/profile"),
    case("DELETE /xapi/activities/state", "/xapi/activities/state"),
    case("GET /xapi/activities/state", "/xapi/activities/state"),
    case("POST /xapi/activities/state", "/xapi/activities/state"),
    case("PUT /xapi/activities/state", "/xapi/activities/state"),
    case("GET /xapi/agents", "/xapi/agents"),
    case("DELETE /xapi/agents/profile", "/xapi/agents/profile"),
    case("GET /xapi/agents/profile", "/xapi/agents/profile"),
    case("POST /xapi/agents/profile", "/xapi/agents/profile"),
    case("PUT /xapi/agents/profile", "/xapi/agents/profile"),
    // A token is for the owner of a key, and is refused in an envelope of its own.
    case("POST /xapi/oauth/token", "/xapi/oauth/token"),
    case("GET /xapi/statements", "/xapi/statements"),
    case("POST /xapi/statements", "/xapi/statements"),
    case("PUT /xapi/statements", "/xapi/statements"),
    case("GET /xapi/statements/more/<token>", "/xapi/statements/more/e30"),
    // Any request in form syntax, which this body is not.
    case("POST /xapi/<resource..>", "/xapi/statements?method=GET"),
    case("OPTIONS /xapi/<resource..>", "/xapi/statements"),
];

const NO_OPERATION: &str = r#"{"Operations": []}"#;

const SCIM_USER: &str = r#"{"userName": "eva@example.org",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"employeeNumber": "3001", "organization": "SEF"}}"#;

/// The column of the officer of another administration.
const FOREIGN: usize = 3;

/// Texts that only callers who see SEF may learn; no refusal contains them.
const OF_SEF: [&str; 6] = ["Serviceförvaltningen", "Lokalvård", "Måltid", "Anna", "shared-", "made-"];

/// A city with everything that the paths above name.
struct World {
    app: TestApp,
    /// By caller.
    tokens: [Option<String>; CALLERS.len()],
    links: Vec<i64>,
    /// By the placeholder in a path, an id for each caller.
    proposals: BTreeMap<String, Vec<i64>>,
    delivery: String,
}

impl World {
    async fn start(database: &TestDatabase) -> Self {
        // What can be approved is proposed first.
        let approval = ApprovalSettings { exemptions: true, prior_training: true, results: true };
        // Callers without a token send more requests here than the rate limit allows.
        let rate_limits = RateLimitSettings { failures_per_minute: 0, ..RateLimitSettings::default() };
        let settings = |settings| Settings { approval, rate_limits, ..settings };
        let app = TestApp::start_with(database, TestClock::frozen(), settings).await;
        app.apply(REQUIREMENT).await;
        let mut employments = EMPLOYMENTS.to_owned();
        for caller in 0..CALLERS.len() {
            for twin in 1..=2 {
                let email = format!("shared-{caller}@example.org");
                employments += &format!("20{caller}{twin},Eva,Ek,{email},,1,SEF,Måltid,permanent,2020-01-01,,,\n");
            }
        }
        app.import(HrFiles { administrations: ADMINISTRATIONS, employments: &employments, ..HrFiles::default() }).await;
        let secret = app.platform("larportal").await;
        let mut links = Vec::new();
        for caller in 0..CALLERS.len() {
            let learner = json!({"email": format!("shared-{caller}@example.org")});
            let body = completed(learner, "infosec-basics", "2026-02-01T10:00:00+01:00");
            let answer = app.deliver("larportal", &secret, &format!("e-{caller}"), &body).await.ok();
            assert_eq!(answer["linked"], false, "two people have the address");
            links.push(link_by_hand(&app, &format!("made-{caller}"), "1002").await);
        }
        let mut proposals = proposals(&app).await;
        for verb in ["approve", "reject"] {
            for caller in 0..CALLERS.len() {
                let learner = json!({"employee_number": "1002"});
                let body = completed(learner, &format!("{verb}-{caller}"), "2026-02-01T10:00:00+01:00");
                let event = format!("{verb}-{caller}");
                app.deliver("larportal", &secret, &event, &body).await.ok();
                let request = ResultDecisionRequest {
                    event_id: EventId::parse(&event).expect("an id"),
                    platform: None,
                    verdict: Verdict::Withdraw,
                    reason: "asked".to_owned(),
                    dry_run: false,
                };
                let made = app.app.decide_result(&Caller::operator(), &request).await.expect("a proposal").decision;
                proposals.entry(format!("{{result-{verb}}}")).or_default().push(made.expect("a proposal").id);
            }
        }
        let opening = json!({"on_day": "2027-01-01", "reason": "decided", "opens": [{"code": "NY", "name": "Ny"}]});
        let admin = app.token(Role::Admin, &[]).await;
        app.post("/api/v1/reorganisations", Some(&admin), &opening).await.ok();
        let not_understood = app.deliver("larportal", &secret, "q-1", &json!({"type": 1})).await;
        let tokens = tokens(&app).await;
        Self { delivery: not_understood.json()["delivery_id"].to_string(), app, tokens, links, proposals }
    }

    fn filled(&self, text: &str, caller: usize) -> String {
        let link = self.links.get(caller).expect("a link for each caller").to_string();
        let mut text = text.to_owned();
        for (name, ids) in &self.proposals {
            text = text.replace(name, &ids.get(caller).expect("an id for each caller").to_string());
        }
        text.replace("{caller}", &caller.to_string()).replace("{link}", &link).replace("{delivery}", &self.delivery)
    }

    async fn ask(&self, case: &RouteCase, caller: usize) -> Answer {
        let token = self.tokens.get(caller).and_then(Option::as_deref);
        let path = self.filled(case.path, caller);
        if case.route.starts_with("GET ") {
            return self.app.get(&path, token).await;
        }
        let body: Value = serde_json::from_str(&self.filled(case.body, caller)).expect("JSON");
        let (method, _) = case.route.split_once(' ').expect("a method");
        let json = [("content-type", "application/json")];
        self.app.ask(&format!("{method} {path}"), token, &json, Some(&body)).await
    }
}

/// The id of a link by hand that an operator makes.
async fn link_by_hand(app: &TestApp, username: &str, employee: &str) -> i64 {
    let request = LinkRequest {
        platform: PlatformCode::parse("larportal").expect("a code"),
        identity: Identity::new(LinkingKey::Username, username, "").expect("an identity"),
        employee: Some(EmployeeNumber::parse(employee).expect("a number")),
        days: None,
        reason: "asked by phone".to_owned(),
        moves_results: false,
        is_dry_run: false,
    };
    app.app.link_identity(&Caller::operator(), &request).await.expect("a link").link.decision.id
}

/// Something to approve, to reject and to withdraw for each caller.
async fn proposals(app: &TestApp) -> BTreeMap<String, Vec<i64>> {
    let mut second = Caller::operator();
    "second".clone_into(&mut second.principal.subject);
    let mut proposals: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for (verb_place, verb) in (0_u64..).zip(["approve", "reject", "withdraw"]) {
        for caller in 0..CALLERS.len() {
            // Days of 1002 in SEF.
            let day = chrono::NaiveDate::from_ymd_opt(2026, 2, 10).expect("a day") + chrono::Days::new(caller as u64);
            let last = day + chrono::Days::new(verb_place);
            let requirement = RequirementCode::parse("infosec-onboarding").expect("a code");
            let course = CourseId::parse(&format!("elsewhere-{verb}")).expect("an id");
            for (noun, content) in [
                ("exemption", ProposalContent::Exemption { requirement, starts_on: day, ends_on: Some(last) }),
                (
                    "prior",
                    ProposalContent::PriorTraining { target: Target::Course(course), score: None, completed_on: day },
                ),
            ] {
                let number = EmployeeNumber::parse("1002").expect("a number");
                let request = ProposalRequest { number, content, reason: "asked".to_owned() };
                let made = app.app.propose(&Caller::operator(), &request).await.expect("a proposal").proposal;
                if verb == "withdraw" {
                    let which = (made.content.kind(), made.id);
                    app.app.decide(&second, which, &Decision::Approve).await.expect("approved");
                }
                proposals.entry(format!("{{{noun}-{verb}}}")).or_default().push(made.id);
            }
        }
    }
    proposals
}

/// A token for each caller.
async fn tokens(app: &TestApp) -> [Option<String>; CALLERS.len()] {
    let now = app.clock.now();
    app.clock.advance(-chrono::Duration::days(2));
    let expired = app.token(Role::Admin, &[]).await;
    app.clock.advance(chrono::Duration::days(2));
    let stranger = KeyRing::new(SigningKey::generate().expect("a key"), []);
    let unknown = issue(
        &stranger,
        &Settings::default().token_settings(),
        "stranger",
        &BTreeSet::from([Role::Admin]),
        &BTreeSet::new(),
        now,
        Duration::from_secs(600),
    );
    [
        Some(app.token(Role::Admin, &[]).await),
        Some(app.token(Role::City, &[]).await),
        Some(app.token(Role::Administration, &["SEF"]).await),
        Some(app.token(Role::Administration, &["FGK"]).await),
        Some(app.token(Role::Auditor, &[]).await),
        Some(app.token(Role::Scim, &[]).await),
        None,
        Some(expired),
        Some(unknown.expect("a token")),
    ]
}

both_databases! {
    async fn every_route_admits_the_callers_of_the_table_and_no_others(database: TestDatabase) {
        let world = World::start(&database).await;
        let listed: BTreeSet<String> = REQUESTS.iter().map(|case| case.route.to_owned()).collect();
        assert_eq!(world.app.routes, listed, "the mounted routes, and those of this table");
        let mut table = format!("{:<53}", "route");
        table += &CALLERS.map(|caller| format!("{caller:>8}")).concat();
        for case in &REQUESTS {
            table += &format!("\n{:<53}", case.route);
            for (caller, name) in CALLERS.iter().enumerate() {
                let answer = world.ask(case, caller).await;
                table += &format!("{:>8}", answer.status);
                let is_refused = answer.status >= 400;
                let media_type = answer.headers.get("content-type").map_or("nothing", String::as_str);
                if case.route.ends_with(" /xapi/oauth/token") {
                    assert_eq!(media_type, "application/json", "{}", case.route);
                } else if case.route.contains(" /scim/") {
                    // SCIM has its own envelope, for every caller.
                    let wanted = if answer.status == 204 { "nothing" } else { "application/scim+json" };
                    assert_eq!(media_type, wanted, "{}", case.route);
                } else {
                    assert_eq!(media_type == "application/problem+json", is_refused, "{} is {media_type}", case.route);
                }
                // Every caller may read the document, and its examples are about SEF.
                if is_refused || (caller == FOREIGN && !case.route.ends_with("/openapi.json")) {
                    let reported = OF_SEF.iter().find(|word| answer.body.contains(**word));
                    assert_eq!(reported, None, "{} reveals it to {name}: {}", case.route, answer.body);
                }
            }
        }
        insta::allow_duplicates! { insta::assert_snapshot!(table, @r"
        route                                                   admin    city     own foreign auditor    scim    none expired unknown
        GET /api/v1/administrations/<code>/compliance             200     200     200     404     200     403     401     401     401
        GET /api/v1/administrations/<code>/export.csv             200     200     200     404     200     403     401     401     401
        GET /api/v1/administrations/<code>/export.xlsx            200     200     200     404     200     403     401     401     401
        GET /api/v1/audit                                         200     403     403     403     200     403     401     401     401
        GET /api/v1/deliveries                                    200     403     403     403     200     403     401     401     401
        GET /api/v1/deliveries/<id>                               200     403     403     403     200     403     401     401     401
        POST /api/v1/deliveries/<id>/replay                       200     403     403     403     403     403     401     401     401
        GET /api/v1/employees/<employee_number>                   200     200     200     404     200     403     401     401     401
        POST /api/v1/employees/<employee_number>/corrections      200     403     403     403     403     403     401     401     401
        POST /api/v1/employees/<employee_number>/merge            200     403     403     403     403     403     401     401     401
        GET /api/v1/merges                                        200     403     403     403     200     403     401     401     401
        POST /api/v1/merges/<id>/undo                             404     403     403     403     403     403     401     401     401
        GET /api/v1/employees/<employee_number>/history           200     200     200     404     200     403     401     401     401
        GET /api/v1/exemptions                                    200     200     200     200     200     403     401     401     401
        POST /api/v1/exemptions                                   200     403     403     403     403     403     401     401     401
        GET /api/v1/exemptions/<id>                               200     200     200     404     200     403     401     401     401
        POST /api/v1/exemptions/<id>/approve                      200     403     403     403     403     403     401     401     401
        POST /api/v1/exemptions/<id>/reject                       200     403     403     403     403     403     401     401     401
        POST /api/v1/exemptions/<id>/withdraw                     200     403     403     403     403     403     401     401     401
        GET /api/v1/prior-training                                200     200     200     200     200     403     401     401     401
        POST /api/v1/prior-training                               200     403     403     403     403     403     401     401     401
        GET /api/v1/prior-training/<id>                           200     200     200     404     200     403     401     401     401
        POST /api/v1/prior-training/<id>/approve                  200     403     403     403     403     403     401     401     401
        POST /api/v1/prior-training/<id>/reject                   200     403     403     403     403     403     401     401     401
        POST /api/v1/prior-training/<id>/withdraw                 200     403     403     403     403     403     401     401     401
        GET /api/v1/imports                                       200     200     403     403     200     403     401     401     401
        GET /api/v1/imports/<id>                                  200     200     403     403     200     403     401     401     401
        GET /api/v1/imports/<id>/difference                       200     200     403     403     200     403     401     401     401
        GET /api/v1/imports/<id>/difference.csv                   200     200     403     403     200     403     401     401     401
        POST /api/v1/imports/<id>/undo                            200     403     403     403     403     403     401     401     401
        GET /api/v1/profiles                                      200     403     403     403     403     403     401     401     401
        GET /api/v1/profiles/<name>                               200     403     403     403     403     403     401     401     401
        POST /api/v1/profiles/check                               200     403     403     403     403     403     401     401     401
        GET /api/v1/links                                         200     200     200     200     200     403     401     401     401
        POST /api/v1/links/bulk                                   200     200     200     422     403     403     401     401     401
        POST /api/v1/links                                        200     200     200     404     403     403     401     401     401
        POST /api/v1/links/<id>/undo                              200     200     200     404     403     403     401     401     401
        GET /api/v1/openapi.json                                  200     200     200     200     200     200     200     200     200
        GET /api/v1/platforms                                     200     200     403     403     200     403     401     401     401
        GET /api/v1/platforms/<code>/health                       200     200     403     403     200     403     401     401     401
        POST /api/v1/platforms/<code>/reread                      200     403     403     403     403     403     401     401     401
        POST /api/v1/platforms/<code>/results                     415     403     403     403     403     403     401     401     401
        GET /api/v1/results/decisions                             200     403     403     403     200     403     401     401     401
        POST /api/v1/results/decisions                            200     403     403     403     403     403     401     401     401
        GET /api/v1/results/decisions/<id>                        200     403     403     403     200     403     401     401     401
        POST /api/v1/results/decisions/<id>/approve               200     403     403     403     403     403     401     401     401
        POST /api/v1/results/decisions/<id>/reject                200     403     403     403     403     403     401     401     401
        GET /api/v1/quarantine                                    200     403     403     403     200     403     401     401     401
        GET /api/v1/quarantine/groups                             200     403     403     403     200     403     401     401     401
        POST /api/v1/quarantine/dismiss                           404     403     403     403     403     403     401     401     401
        POST /api/v1/quarantine/replay                            200     403     403     403     403     403     401     401     401
        POST /api/v1/quarantine/<id>/take                         404     403     403     403     403     403     401     401     401
        POST /api/v1/quarantine/<id>/undo-dismissal               404     403     403     403     403     403     401     401     401
        GET /api/v1/reports/onboarding                            200     200     200     200     200     403     401     401     401
        GET /api/v1/reports/onboarding/differences                200     200     200     200     200     403     401     401     401
        GET /api/v1/unlinked                                      200     200     200     200     200     403     401     401     401
        GET /api/v1/unlinked.csv                                  200     200     200     200     200     403     401     401     401
        GET /health/live                                          200     200     200     200     200     200     200     200     200
        GET /health/ready                                         200     200     200     200     200     200     200     200     200
        GET /metrics                                              200     200     200     200     200     200     200     200     200
        POST /scim/v2/.search                                     403     403     403     403     403     200     401     401     401
        GET /scim/v2/Me                                           403     403     403     403     403     501     401     401     401
        POST /scim/v2/Me                                          403     403     403     403     403     501     401     401     401
        PUT /scim/v2/Me                                           403     403     403     403     403     501     401     401     401
        PATCH /scim/v2/Me                                         403     403     403     403     403     501     401     401     401
        DELETE /scim/v2/Me                                        403     403     403     403     403     501     401     401     401
        POST /scim/v2/Bulk                                        403     403     403     403     403     200     401     401     401
        GET /scim/v2/Groups                                       403     403     403     403     403     200     401     401     401
        POST /scim/v2/Groups                                      403     403     403     403     403     201     401     401     401
        POST /scim/v2/Groups/.search                              403     403     403     403     403     200     401     401     401
        GET /scim/v2/Groups/<id>                                  403     403     403     403     403     200     401     401     401
        PUT /scim/v2/Groups/<id>                                  403     403     403     403     403     405     401     401     401
        PATCH /scim/v2/Groups/<id>                                403     403     403     403     403     405     401     401     401
        DELETE /scim/v2/Groups/<id>                               403     403     403     403     403     405     401     401     401
        GET /scim/v2/ResourceTypes                                403     403     403     403     403     200     401     401     401
        GET /scim/v2/ResourceTypes/<id>                           403     403     403     403     403     200     401     401     401
        GET /scim/v2/Schemas                                      403     403     403     403     403     200     401     401     401
        GET /scim/v2/Schemas/<id>                                 403     403     403     403     403     200     401     401     401
        GET /scim/v2/ServiceProviderConfig                        403     403     403     403     403     200     401     401     401
        GET /scim/v2/Users                                        403     403     403     403     403     200     401     401     401
        POST /scim/v2/Users                                       403     403     403     403     403     201     401     401     401
        POST /scim/v2/Users/.search                               403     403     403     403     403     200     401     401     401
        GET /scim/v2/Users/<id>                                   403     403     403     403     403     200     401     401     401
        PUT /scim/v2/Users/<id>                                   403     403     403     403     403     200     401     401     401
        PATCH /scim/v2/Users/<id>                                 403     403     403     403     403     200     401     401     401
        DELETE /scim/v2/Users/<id>                                403     403     403     403     403     204     401     401     401
        POST /webhooks/<platform>                                 401     401     401     401     401     401     401     401     401
        GET /api/v1/reports/onboarding/trend                      200     200     200     200     200     403     401     401     401
        GET /api/v1/reorganisations                               200     200     403     403     200     403     401     401     401
        POST /api/v1/reorganisations                              200     403     403     403     403     403     401     401     401
        POST /api/v1/reorganisations/<id>/undo                    200     403     403     403     403     403     401     401     401
        GET /xapi/about                                           200     200     200     200     200     200     200     200     200
        GET /xapi/activities                                      401     401     401     401     401     401     401     401     401
        DELETE /xapi/activities/profile                           401     401     401     401     401     401     401     401     401
        GET /xapi/activities/profile                              401     401     401     401     401     401     401     401     401
        POST /xapi/activities/profile                             401     401     401     401     401     401     401     401     401
        PUT /xapi/activities/profile                              401     401     401     401     401     401     401     401     401
        DELETE /xapi/activities/state                             401     401     401     401     401     401     401     401     401
        GET /xapi/activities/state                                401     401     401     401     401     401     401     401     401
        POST /xapi/activities/state                               401     401     401     401     401     401     401     401     401
        PUT /xapi/activities/state                                401     401     401     401     401     401     401     401     401
        GET /xapi/agents                                          401     401     401     401     401     401     401     401     401
        DELETE /xapi/agents/profile                               401     401     401     401     401     401     401     401     401
        GET /xapi/agents/profile                                  401     401     401     401     401     401     401     401     401
        POST /xapi/agents/profile                                 401     401     401     401     401     401     401     401     401
        PUT /xapi/agents/profile                                  401     401     401     401     401     401     401     401     401
        POST /xapi/oauth/token                                    400     400     400     400     400     400     400     400     400
        GET /xapi/statements                                      401     401     401     401     401     401     401     401     401
        POST /xapi/statements                                     401     401     401     401     401     401     401     401     401
        PUT /xapi/statements                                      401     401     401     401     401     401     401     401     401
        GET /xapi/statements/more/<token>                         401     401     401     401     401     401     401     401     401
        POST /xapi/<resource..>                                   400     400     400     400     400     400     400     400     400
        OPTIONS /xapi/<resource..>                                204     204     204     204     204     204     204     204     204
        "); }
    }

    async fn a_foreign_administration_is_answered_like_one_that_does_not_exist(database: TestDatabase) {
        let world = World::start(&database).await;
        let officer = world.tokens[FOREIGN].as_deref();
        let links = world.links[0].to_string();
        let exemption = world.proposals["{exemption-approve}"][0].to_string();
        // The path, the foreign value in it, and one that does not exist.
        for (path, foreign, absent) in [
            ("/api/v1/administrations/{}/compliance", "SEF", "XYZ"),
            ("/api/v1/administrations/{}/compliance?status=overdue&unit=Lokalvård&limit=1", "SEF", "XYZ"),
            ("/api/v1/administrations/{}/compliance?requirement=no-such", "SEF", "XYZ"),
            ("/api/v1/administrations/{}/export.csv", "SEF", "XYZ"),
            ("/api/v1/administrations/{}/export.csv?requirement=infosec-onboarding", "SEF", "XYZ"),
            ("/api/v1/administrations/{}/export.csv?as_of=2026-02-20&known_at=2026-02-20T00:00:00Z", "SEF", "XYZ"),
            ("/api/v1/administrations/{}/export.csv?known_at=2099-01-01T00:00:00Z", "SEF", "XYZ"),
            ("/api/v1/administrations/{}/export.xlsx", "SEF", "XYZ"),
            ("/api/v1/employees/{}", "1002", "9999"),
            ("/api/v1/employees/{}?as_of=2026-02-20&known_at=2026-02-26T12:00:00Z", "1002", "9999"),
            ("POST /api/v1/links/{}/undo", &links, "999999"),
            ("/api/v1/employees/{}/history", "1002", "9999"),
            ("/api/v1/exemptions/{}", &exemption, "999999"),
            ("/api/v1/exemptions?employee_number={}", "1002", "9999"),
        ] {
            let ask = async |name: &str| {
                let answer = match path.strip_prefix("POST ") {
                    Some(path) => world.app.post(&path.replace("{}", name), officer, &json!({})).await,
                    None => world.app.get(&path.replace("{}", name), officer).await,
                };
                without_what_is_echoed(answer, name)
            };
            let reported = ask(foreign).await;
            assert_eq!(reported, ask(absent).await, "{path}");
            let is_list = path.ends_with("employee_number={}");
            assert_eq!(reported.0, if is_list { 200 } else { 404 }, "{path}: {}", reported.2);
        }
        // A link to another's employee, with another's learner.
        let link = async |value: &str, employee: &str| {
            let body = json!({"platform": "larportal", "key": "email", "value": value,
                              "employee_number": employee, "reason": "asked by phone"});
            without_what_is_echoed(world.app.post("/api/v1/links", officer, &body).await, employee)
        };
        let reported = link("shared-0@example.org", "1002").await;
        assert_eq!(reported, link("shared-0@example.org", "9999").await);
        assert_eq!(reported.0, 404, "{}", reported.2);
        let reported = link("shared-0@example.org", "1004").await;
        assert_eq!(reported, link("nobody@example.org", "1004").await);
        assert_eq!(reported.0, 404, "{}", reported.2);
    }
}

/// An answer without its request id, its time and the requested name.
fn without_what_is_echoed(answer: Answer, name: &str) -> (u16, BTreeMap<String, String>, String) {
    let Answer { status, mut headers, body } = answer;
    let id = headers.remove("x-request-id").expect("every answer has a request id");
    headers.remove("date");
    headers.remove("content-length");
    (status, headers, body.replace(&id, "(request id)").replace(name, "(name)"))
}
