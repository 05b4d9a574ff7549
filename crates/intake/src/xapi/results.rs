//! From a statement to results: what it reports of courses and quizzes, and what only looks as if it did.
//!
//! A statement reports at most two things of one activity: that it was completed, and how an attempt at it went. If an
//! activity is a course or a quiz by its kind, it is that first, and the other where the statement says as much: what
//! was passed is completed, and a course with points was a test. Where its kind says neither, a requirement may name it
//! as either.

use chrono::TimeDelta;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::places::{AttemptIs, Places, Said};
use super::verb_mapping::{CoursePlace, VerbMapping};
use super::without::without;
use super::{Activity, Actor, Agent, Context, Identifier, Object, Score as SentScore, Statement};
use crate::json::Document;
use crate::profile::{Field, FieldReading};
use crate::request::Arrival;
use kurskoll_domain::ids::{AttemptName, CourseId, EmployeeNumber, EventId, QuizId};
use kurskoll_domain::linking::{Account, LearnerKeys, LinkingKey, normalized};
use kurskoll_domain::receiving::Cmi5Progress;
use kurskoll_domain::training::{ReportedResult, ResultKind, Revokes, Score, Target, WithoutResult, decimal_from_text};

pub use super::nothing::Nothing;

/// The category of statements that cmi5 defines (cmi5, 9.6.2.1).
const CMI5: &str = "https://w3id.org/xapi/cmi5/context/categories/cmi5";
/// What every statement of a cmi5 session carries, whether cmi5 defines it or merely allows it (cmi5, 9.6.3.1).
const CMI5_SESSION: &str = "https://w3id.org/xapi/cmi5/context/extensions/sessionid";

/// How far ahead of its arrival a result may be dated: a sender's clock may be off.
const AHEAD: TimeDelta = TimeDelta::hours(24);

/// What further results of a statement have after the statement's id in their own.
const ATTEMPT_SUFFIX: &str = "#attempt";
const COMPLETION_SUFFIX: &str = "#completion";

/// The home pages under which identifiers are kept that are no account.
const SHA1_HOME: &str = "mbox_sha1sum";
const OPENID_HOME: &str = "openid";

/// What a statement reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extracted {
    /// At most two, or three revocations, the first under the statement's id.
    pub results: Vec<ReportedResult>,
    /// Why there is none.
    pub nothing: Option<Nothing>,
    pub progress: Option<Cmi5Progress>,
    /// What it is about and gives no result of, though a requirement may name that.
    pub without: Option<WithoutResult>,
}

/// Why a statement that reports a result is refused, worded to follow the name of its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResultFault {
    /// What stands where the profile looks for the time.
    #[error("holds a time that {problem}")]
    NoSuchTime { pointer: String, problem: String },
}

impl ResultFault {
    /// Where in the statement it is (RFC 6901).
    #[must_use]
    pub fn pointer(&self) -> &str {
        let Self::NoSuchTime { pointer, .. } = self;
        pointer
    }
}

impl Extracted {
    const fn nothing(why: Nothing) -> Self {
        Self { results: Vec::new(), nothing: Some(why), progress: None, without: None }
    }
}

/// What the verb says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum VerbKind {
    Completed,
    Attended,
    Passed,
    Failed,
    Scored,
    Satisfied,
    Waived,
    Uncompleted,
}

/// What an activity is by its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Course,
    Quiz,
    Attempt,
    /// A part of an attempt, as one of its questions.
    Part,
    /// Either, as a requirement will have it.
    Either,
}

impl VerbKind {
    /// Its word in a profile.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Attended => "attended",
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Scored => "scored",
            Self::Satisfied => "satisfied",
            Self::Waived => "waived",
            Self::Uncompleted => "uncompleted",
        }
    }
}

impl VerbMapping {
    pub(super) fn verb(&self, id: &str) -> Option<VerbKind> {
        let is = |mapping: &[String]| mapping.iter().any(|word| word == id);
        let known = [
            (&self.completed, VerbKind::Completed),
            (&self.attended, VerbKind::Attended),
            (&self.passed, VerbKind::Passed),
            (&self.failed, VerbKind::Failed),
            (&self.scored, VerbKind::Scored),
            (&self.satisfied, VerbKind::Satisfied),
            (&self.waived, VerbKind::Waived),
            (&self.uncompleted, VerbKind::Uncompleted),
        ];
        known.into_iter().find(|(mapping, _)| is(mapping)).map(|(_, verb)| verb)
    }

    pub(super) fn sort(&self, activity: &Activity<'_>) -> Sort {
        let Some(kind) = activity.definition.as_ref().and_then(|definition| definition.kind.as_deref()) else {
            return Sort::Either;
        };
        let is = |kinds: &[String]| kinds.iter().any(|known| known == kind);
        if is(&self.courses) {
            Sort::Course
        } else if is(&self.quizzes) {
            Sort::Quiz
        } else if is(&self.attempts) {
            Sort::Attempt
        } else if is(&self.parts) {
            Sort::Part
        } else {
            Sort::Either
        }
    }
}

/// What a statement with the id `id` reports.
///
/// A result's instant is the statement's `timestamp`, or when it came where it has none (Data 2.4.7).
pub fn extract(
    statement: &Statement<'_>,
    id: Uuid,
    arrival: Arrival,
    mapping: &VerbMapping,
) -> Result<Extracted, ResultFault> {
    extract_traced(statement, id, arrival, mapping).1
}

/// The same, with what was read from where the platform's profile says.
pub fn extract_traced(
    statement: &Statement<'_>,
    id: Uuid,
    arrival: Arrival,
    mapping: &VerbMapping,
) -> (Vec<FieldReading>, Result<Extracted, ResultFault>) {
    let verb = mapping.verb(&statement.verb.id).filter(|_| statement.voids().is_none());
    let mut places = match verb {
        Some(verb) => Places::read(statement, (verb.as_str(), &statement.verb.id), mapping, arrival.received_at),
        None => Places::default(),
    };
    let trace = std::mem::take(&mut places.trace);
    let pointer = trace.iter().find(|reading| reading.field == Field::OccurredAt);
    let pointer = pointer.and_then(|reading| reading.pointer.clone()).unwrap_or_default();
    let extracted = extracted(statement, id, arrival, mapping, (places, pointer));
    (trace, extracted.map(|extracted| Extracted { without: without(statement, &extracted, mapping), ..extracted }))
}

fn extracted(
    statement: &Statement<'_>,
    id: Uuid,
    arrival: Arrival,
    mapping: &VerbMapping,
    (mut places, pointer_of_time): (Places, String),
) -> Result<Extracted, ResultFault> {
    let time = std::mem::take(&mut places.occurred_at);
    let extracted = match statement.voids() {
        Some(voided) => voiding(statement, voided, mapping),
        None => about_an_activity(statement, mapping, places),
    };
    let (learner, found, progress) = match extracted {
        Ok(extracted) => extracted,
        Err(nothing) => return Ok(Extracted::nothing(nothing)),
    };
    let occurred_at = match time {
        Said::Usual => statement.timestamp.unwrap_or(arrival.received_at),
        Said::Missing => return Ok(Extracted::nothing(Nothing::NoTime)),
        Said::Is(Ok(instant)) => instant,
        Said::Is(Err(problem)) => return Err(ResultFault::NoSuchTime { pointer: pointer_of_time, problem }),
    };
    // One clock that is off is no reason to refuse the whole request: the statement is stored, and gives no result yet.
    if occurred_at > arrival.read_at + AHEAD {
        return Ok(Extracted::nothing(Nothing::InTheFuture));
    }
    if occurred_at.timestamp() < FIRST_OF_1990 {
        return Ok(Extracted::nothing(Nothing::TooLongAgo));
    }
    let event_id = EventId::of_uuid(id);
    let result = |(place, (target, kind)): (usize, (Target, ResultKind))| ReportedResult {
        event_id: match (place, &target) {
            (0, _) => event_id.clone(),
            // All revocations of what one statement reported are about one name.
            (1, _) if statement.voids().is_some() => further(&event_id, ATTEMPT_SUFFIX),
            (_, Target::Course(_)) => further(&event_id, COMPLETION_SUFFIX),
            (_, Target::Quiz(_)) => further(&event_id, ATTEMPT_SUFFIX),
        },
        learner: learner.clone(),
        target,
        kind,
        occurred_at,
        reported_at: None,
        reason: None,
    };
    Ok(Extracted {
        results: found.into_iter().enumerate().map(result).collect(),
        nothing: None,
        progress,
        without: None,
    })
}

/// 1990-01-01T00:00:00Z.
const FIRST_OF_1990: i64 = 631_152_000;

type Reported = (LearnerKeys, Vec<(Target, ResultKind)>, Option<Cmi5Progress>);

/// The event id of a further result of a statement.
fn further(event_id: &EventId, suffix: &str) -> EventId {
    // A UUID and a word: never too long, and no control character.
    EventId::parse(&format!("{event_id}{suffix}")).unwrap_or_else(|_| event_id.clone())
}

/// A voiding statement withdraws all that the voided one reported, whoever voids it.
fn voiding(statement: &Statement<'_>, voided: Uuid, mapping: &VerbMapping) -> Result<Reported, Nothing> {
    let learner = learner(&statement.actor, mapping).ok_or(Nothing::NoLearner)?;
    let event_id = EventId::of_uuid(voided);
    // What it was about is in the voided statement, which may not have arrived yet.
    let target = Target::Course(CourseId::parse(&format!("urn:uuid:{voided}")).map_err(|_| Nothing::Unnameable)?);
    let withdraw = |event_id: EventId| (target.clone(), ResultKind::Revocation(Revokes::Statement(event_id)));
    let further = [ATTEMPT_SUFFIX, COMPLETION_SUFFIX].map(|suffix| further(&event_id, suffix));
    let withdrawn = std::iter::once(event_id).chain(further).map(withdraw);
    Ok((learner, withdrawn.collect(), None))
}

fn about_an_activity(statement: &Statement<'_>, mapping: &VerbMapping, places: Places) -> Result<Reported, Nothing> {
    let verb = mapping.verb(&statement.verb.id).ok_or(Nothing::OtherVerb)?;
    let Object::Activity(object) = &statement.object else { return Err(Nothing::NoActivity) };
    let context = statement.context.as_ref();
    let is_cmi5 = is_cmi5(context);
    if !is_cmi5 && is_of_a_cmi5_session(context) {
        return Err(Nothing::Cmi5Allowed);
    }
    let Places { learner: said, course, quiz, attempt, .. } = places;
    let usual = || {
        let keys = learner(&statement.actor, mapping).ok_or(Nothing::NoLearner)?;
        let instructor = context.and_then(|context| context.instructor.as_ref());
        let instructor = instructor.and_then(|instructor| learner(instructor, mapping));
        // Some platforms name the teacher who resets a learner as the actor: whose training it was is not said.
        match verb {
            VerbKind::Uncompleted if instructor.as_ref() == Some(&keys) => Err(Nothing::ActorIsInstructor),
            _ => Ok(keys),
        }
    };
    let learner = said.or_usual(Nothing::NoLearnerThere, usual)?;
    let registration = context.and_then(|context| context.registration);
    let outcome = Outcome::of(statement, mapping);
    let about = About { object, context, mapping, course, quiz };
    let found = match verb {
        VerbKind::Uncompleted => uncompleted(&about)?,
        VerbKind::Satisfied => {
            let registration = registration.ok_or(Nothing::NoRegistration)?;
            let found = vec![about.course_itself()?];
            return Ok((learner, found, Some(Cmi5Progress::Satisfied(registration))));
        }
        _ if about.sort() == Sort::Part => return Err(Nothing::PartOfAttempt),
        VerbKind::Completed | VerbKind::Waived => completed(&about, verb, &outcome)?,
        VerbKind::Attended => attended(&about, &outcome)?,
        VerbKind::Passed | VerbKind::Failed | VerbKind::Scored => graded(&about, verb, &outcome)?,
    };
    let found = if about.sort() == Sort::Course { without_unnamed(found, &attempt) } else { found };
    let found = named(found, attempt)?;
    let is_graded = !found.iter().any(|(_, kind)| kind.is_ungraded());
    let is_done = is_graded && matches!(verb, VerbKind::Completed | VerbKind::Passed | VerbKind::Waived);
    let progress = registration.filter(|_| is_cmi5 && is_done).map(Cmi5Progress::Done);
    Ok((learner, found, progress))
}

/// What a statement is about, and what the profile reads of it elsewhere.
struct About<'s, 'a> {
    object: &'s Activity<'a>,
    context: Option<&'s Context<'a>>,
    mapping: &'s VerbMapping,
    course: Said<CourseId>,
    quiz: Said<QuizId>,
}

impl About<'_, '_> {
    fn sort(&self) -> Sort {
        self.mapping.sort(self.object)
    }

    /// The course, where the profile has it; else the object.
    fn course_itself(&self) -> Result<(Target, ResultKind), Nothing> {
        self.course_or(|| completion(self.object))
    }

    /// The course, where the profile has it; else where `course_from` does.
    fn course_around(&self) -> Result<(Target, ResultKind), Nothing> {
        self.course_or(|| course(self.object, self.context, self.mapping).and_then(completion))
    }

    fn course_or(
        &self,
        usual: impl FnOnce() -> Result<(Target, ResultKind), Nothing>,
    ) -> Result<(Target, ResultKind), Nothing> {
        match &self.course {
            Said::Usual => usual(),
            Said::Missing => Err(Nothing::NoCourse),
            Said::Is(course) => Ok((Target::Course(course.clone()), ResultKind::Completion)),
        }
    }

    /// The object itself as a course, wherever the profile has courses: what is reported of a quiz besides how it went.
    fn object_as_course(&self) -> Result<(Target, ResultKind), Nothing> {
        completion(self.object)
    }

    /// The object itself as a quiz, wherever the profile has quizzes: what is reported of a course besides its
    /// completion.
    fn object_as_quiz(&self) -> Result<Target, Nothing> {
        quiz_target(self.object)
    }

    /// The quiz, where the profile has it; else the object, or of an attempt the quiz around it.
    fn quiz(&self) -> Result<Target, Nothing> {
        match &self.quiz {
            Said::Usual if self.sort() == Sort::Attempt => {
                quiz_target(quiz_of_attempt(self.context, self.mapping).ok_or(Nothing::NoQuiz)?)
            }
            Said::Usual => quiz_target(self.object),
            Said::Missing => Err(Nothing::NoQuizThere),
            Said::Is(quiz) => Ok(Target::Quiz(quiz.clone())),
        }
    }
}

/// What a course was completed by counts also where its attempt has no name where the profile looks for one.
fn without_unnamed(mut found: Vec<(Target, ResultKind)>, attempt: &Said<AttemptIs>) -> Vec<(Target, ResultKind)> {
    let is_completion = |(_, kind): &(Target, ResultKind)| matches!(kind, ResultKind::Completion);
    if matches!(attempt, Said::Missing) && found.iter().any(is_completion) {
        found.retain(is_completion);
    }
    found
}

/// Results with their attempts named as the profile has it.
fn named(found: Vec<(Target, ResultKind)>, attempt: Said<AttemptIs>) -> Result<Vec<(Target, ResultKind)>, Nothing> {
    let named = |(target, kind): (Target, ResultKind)| match (kind, &attempt) {
        (ResultKind::Attempt { .. }, Said::Missing) => Err(Nothing::NoAttempt),
        (ResultKind::Attempt { name, score, passed, .. }, Said::Is(AttemptIs::Number(number))) => {
            Ok((target, ResultKind::Attempt { name, number: Some(*number), score, passed }))
        }
        (ResultKind::Attempt { number, score, passed, .. }, Said::Is(AttemptIs::Name(name))) => {
            Ok((target, ResultKind::Attempt { name: Some(name.clone()), number, score, passed }))
        }
        (kind, _) => Ok((target, kind)),
    };
    found.into_iter().map(named).collect()
}

/// What a statement's `result` says, as far as it matters.
struct Outcome {
    score: Option<Score>,
    success: Option<bool>,
    completion: Option<bool>,
}

impl Outcome {
    fn of(statement: &Statement<'_>, mapping: &VerbMapping) -> Self {
        let result = statement.result.as_ref();
        Self {
            score: result.and_then(|result| result.score.as_ref()).and_then(|score| exact_score(score, mapping)),
            success: result.and_then(|result| result.success),
            completion: result.and_then(|result| result.completion),
        }
    }

    /// An attempt, if anything is reported of it. The requirement's mark decides about a score, not `success`.
    fn attempt(&self, object: &Activity<'_>, passed: Option<bool>) -> Result<ResultKind, Nothing> {
        if self.score.is_none() && passed.is_none() {
            return Err(Nothing::NotGraded);
        }
        Ok(ResultKind::Attempt { name: None, number: attempt_number(&object.id), score: self.score, passed })
    }

    /// An attempt that is an activity of its own: whatever else is reported of that activity is of the same attempt.
    fn attempt_itself(&self, object: &Activity<'_>, passed: Option<bool>) -> ResultKind {
        let name = Some(AttemptName::of_address(&object.id));
        ResultKind::Attempt { name, number: attempt_number(&object.id), score: self.score, passed }
    }
}

fn completed(about: &About<'_, '_>, verb: VerbKind, outcome: &Outcome) -> Result<Vec<(Target, ResultKind)>, Nothing> {
    let (sort, object) = (about.sort(), about.object);
    if sort == Sort::Attempt {
        let quiz = about.quiz()?;
        let attempt = outcome.attempt_itself(object, outcome.success);
        // Handed in is when it was done, though somebody has yet to grade it.
        return match outcome.completion {
            Some(false) if attempt.is_ungraded() => Err(Nothing::NotCompleted),
            _ if attempt.is_ungraded() && verb != VerbKind::Completed => Err(Nothing::NotGraded),
            _ => Ok(vec![(quiz, attempt)]),
        };
    }
    if sort == Sort::Quiz && verb == VerbKind::Completed {
        return completed_quiz(about, outcome);
    }
    let attempt = match (sort, outcome.score) {
        (Sort::Either, Some(_)) => Some((about.quiz(), outcome.attempt(object, outcome.success)?)),
        (Sort::Course, Some(_)) => Some((about.object_as_quiz(), outcome.attempt(object, outcome.success)?)),
        _ => None,
    };
    let nothing = match outcome {
        Outcome { success: Some(false), .. } => Some(Nothing::WithoutSuccess),
        Outcome { completion: Some(false), .. } => Some(Nothing::NotCompleted),
        _ => None,
    };
    let course = match nothing {
        Some(nothing) => Err(nothing),
        None => about.course_around(),
    };
    match (course, attempt) {
        (Ok(course), Some((Ok(quiz), attempt))) => Ok(vec![course, (quiz, attempt)]),
        // Of what may be either, the one that stands where it is looked for.
        (Ok(course), Some((Err(_), _)) | None) => Ok(vec![course]),
        (Err(_), Some((quiz, attempt))) => Ok(vec![(quiz?, attempt)]),
        (Err(nothing), None) => Err(nothing),
    }
}

/// That a quiz is completed says nothing of how it went: without a score there is no grade, whatever mark the platform
/// has of its own. It says that a module is completed, for whoever asks for no more than that: where the platform says
/// so in as many words, since log stores tell of SCORM's one status as `completed` whatever it was.
fn completed_quiz(about: &About<'_, '_>, outcome: &Outcome) -> Result<Vec<(Target, ResultKind)>, Nothing> {
    let mut found = Vec::new();
    if outcome.score.is_some() {
        found.push((about.quiz()?, outcome.attempt(about.object, outcome.success)?));
    }
    if outcome.completion == Some(true) && outcome.success != Some(false) {
        found.push(about.object_as_course()?);
    }
    if found.is_empty() { Err(Nothing::NotGraded) } else { Ok(found) }
}

/// Somebody was there. Whether for all of it, its result says.
fn attended(about: &About<'_, '_>, outcome: &Outcome) -> Result<Vec<(Target, ResultKind)>, Nothing> {
    match outcome {
        Outcome { success: Some(false), .. } => Err(Nothing::WithoutSuccess),
        Outcome { completion: Some(true), .. } => Ok(vec![about.course_itself()?]),
        _ => Err(Nothing::NotWhollyAttended),
    }
}

fn graded(about: &About<'_, '_>, verb: VerbKind, outcome: &Outcome) -> Result<Vec<(Target, ResultKind)>, Nothing> {
    let object = about.object;
    let passed = match verb {
        VerbKind::Passed => Some(outcome.success != Some(false)),
        VerbKind::Failed => Some(false),
        _ => outcome.success,
    };
    let is_passed = verb == VerbKind::Passed && passed == Some(true);
    match about.sort() {
        Sort::Attempt => {
            let quiz = about.quiz()?;
            let attempt = outcome.attempt_itself(object, passed);
            if attempt.is_ungraded() { Err(Nothing::NotGraded) } else { Ok(vec![(quiz, attempt)]) }
        }
        Sort::Part => Err(Nothing::PartOfAttempt),
        Sort::Quiz if is_passed => {
            Ok(vec![(about.quiz()?, outcome.attempt(object, passed)?), about.object_as_course()?])
        }
        Sort::Quiz => Ok(vec![(about.quiz()?, outcome.attempt(object, passed)?)]),
        // Authoring tools send a test as a course, and a requirement may name it as either.
        Sort::Course if is_passed => {
            Ok(vec![about.course_itself()?, (about.object_as_quiz()?, outcome.attempt(object, passed)?)])
        }
        Sort::Course if outcome.score.is_some() => {
            Ok(vec![(about.object_as_quiz()?, outcome.attempt(object, passed)?)])
        }
        Sort::Course => Err(Nothing::CourseNotPassed),
        Sort::Either => {
            let attempt = (about.quiz()?, outcome.attempt(object, passed)?);
            if is_passed { Ok(vec![about.course_itself()?, attempt]) } else { Ok(vec![attempt]) }
        }
    }
}

fn uncompleted(about: &About<'_, '_>) -> Result<Vec<(Target, ResultKind)>, Nothing> {
    let revokes = about.mapping.uncompleted_withdraws.revokes().ok_or(Nothing::WithdrawsNothing)?;
    let withdrawn = |target| (target, ResultKind::Revocation(revokes.clone()));
    Ok(match about.sort() {
        Sort::Attempt => vec![withdrawn(about.quiz()?)],
        Sort::Part => return Err(Nothing::PartOfAttempt),
        // That its module is completed no more takes back both: how it went, and that it was.
        Sort::Course => vec![withdrawn(about.course_around()?.0)],
        Sort::Quiz => vec![withdrawn(about.quiz()?), withdrawn(about.object_as_course()?.0)],
        Sort::Either => vec![withdrawn(about.course_itself()?.0), withdrawn(about.quiz()?)],
    })
}

/// The course, where the profile has it.
fn course<'s, 'a>(
    object: &'s Activity<'a>,
    context: Option<&'s Context<'a>>,
    mapping: &VerbMapping,
) -> Result<&'s Activity<'a>, Nothing> {
    let among = |activities: &'s [Activity<'a>]| activities.iter().find(|one| mapping.sort(one) == Sort::Course);
    let found = mapping.course_from.iter().find_map(|place| match place {
        CoursePlace::Object => Some(object),
        CoursePlace::Parent => context.and_then(|context| among(&context.activities.parent)),
        CoursePlace::Grouping => context.and_then(|context| among(&context.activities.grouping)),
    });
    found.ok_or(Nothing::NoCourse)
}

/// The quiz that an attempt is one at: the first of a quiz's kind in its context.
pub(super) fn quiz_of_attempt<'s, 'a>(
    context: Option<&'s Context<'a>>,
    mapping: &VerbMapping,
) -> Option<&'s Activity<'a>> {
    let activities = &context?.activities;
    let mut around = activities.parent.iter().chain(&activities.grouping);
    around.find(|activity| mapping.sort(activity) == Sort::Quiz)
}

fn completion(activity: &Activity<'_>) -> Result<(Target, ResultKind), Nothing> {
    let course = CourseId::parse(&activity.id).map_err(|_| Nothing::Unnameable)?;
    Ok((Target::Course(course), ResultKind::Completion))
}

fn quiz_target(activity: &Activity<'_>) -> Result<Target, Nothing> {
    QuizId::parse(&activity.id).map(Target::Quiz).map_err(|_| Nothing::Unnameable)
}

/// The number of an attempt, where its address has one: Moodle's `…/attempt.php?attempt=17&cmid=3`.
fn attempt_number(iri: &str) -> Option<u32> {
    let query = iri.split_once('?')?.1.split('#').next()?;
    let value = query.split('&').find_map(|part| part.strip_prefix("attempt="))?;
    value.parse().ok().filter(|number| *number > 0)
}

fn is_cmi5(context: Option<&Context<'_>>) -> bool {
    context.is_some_and(|context| context.activities.category.iter().any(|category| category.id == CMI5))
}

fn is_of_a_cmi5_session(context: Option<&Context<'_>>) -> bool {
    let extensions = context.and_then(|context| context.extensions.as_ref());
    let Some(extensions) = extensions.filter(|extensions| extensions.raw.contains(CMI5_SESSION)) else { return false };
    Document::parse(extensions.raw).is_ok_and(|document| {
        document
            .root()
            .members()
            .is_some_and(|mut members| members.any(|member| matches!(member.name(), Ok(name) if name == CMI5_SESSION)))
    })
}

/// The keys that an actor gives; nothing where it is not one person.
fn learner(actor: &Actor<'_>, mapping: &VerbMapping) -> Option<LearnerKeys> {
    let Actor::Agent(Agent { identifier, .. }) = actor else { return None };
    identified(identifier, mapping)
}

/// The keys that an identifier is.
pub(super) fn identified(identifier: &Identifier<'_>, mapping: &VerbMapping) -> Option<LearnerKeys> {
    let mut keys = LearnerKeys::default();
    let account = |home_page: &str, name: &str| Account { home_page: home_page.to_owned(), name: name.to_owned() };
    match identifier {
        Identifier::Mbox(mbox) => {
            let address = mbox.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("mailto:")).map(|_| &mbox[7..]);
            keys.email = Some(normalized(address.unwrap_or(mbox))).filter(|address| !address.is_empty());
        }
        Identifier::MboxSha1Sum(sum) => keys.account = Some(account(SHA1_HOME, &sum.to_lowercase())),
        Identifier::OpenId(id) => keys.account = Some(account(OPENID_HOME, id)),
        Identifier::Account(input) => {
            let name = input.name.trim();
            keys.account = Some(account(input.home_page.trim(), name)).filter(|account| !account.name.is_empty());
            match mapping.account_name_is {
                Some(LinkingKey::EmployeeNumber) => keys.employee_number = EmployeeNumber::parse(name).ok(),
                Some(LinkingKey::Email) => keys.email = Some(normalized(name)).filter(|name| !name.is_empty()),
                Some(LinkingKey::Username) => keys.username = Some(normalized(name)).filter(|name| !name.is_empty()),
                Some(LinkingKey::Account) | None => {}
            }
        }
    }
    (!keys.is_empty()).then_some(keys)
}

/// The score, as far as it can be computed exactly: `raw` between `min` and `max` before `scaled`, which real platforms
/// stretch in ways of their own.
fn exact_score(input: &SentScore<'_>, mapping: &VerbMapping) -> Option<Score> {
    let raw = input.raw.and_then(|raw| raw.decimal());
    let max = input.max.and_then(|max| max.decimal());
    // A `min` that was sent and cannot be computed with is not the same as none.
    let min = match input.min {
        Some(min) => min.decimal(),
        None => Some(Decimal::ZERO),
    };
    if let (Some(raw), Some(min), Some(max)) = (raw, min, max)
        && let (Some(points), Some(of)) = (exact_difference(raw, min), exact_difference(max, min))
        && let Ok(score) = Score::new(points, of)
    {
        return Some(score);
    }
    let scaled = input.scaled.and_then(|scaled| scaled.decimal())?;
    if mapping.scaled_from_minus_one {
        Score::new(exact_difference(scaled, Decimal::NEGATIVE_ONE)?, Decimal::TWO).ok()
    } else {
        Score::new(scaled, Decimal::ONE).ok()
    }
}

/// `a - b`, where no digit of it is lost.
fn exact_difference(a: Decimal, b: Decimal) -> Option<Decimal> {
    let difference = a.checked_sub(b)?;
    let is_exact = difference.checked_add(b)? == a;
    decimal_from_text(&difference.to_string()).ok().filter(|_| is_exact)
}
