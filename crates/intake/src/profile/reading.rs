//! A body as a profile understands it: event by event, field by field, each with where it was found and what it means.
//!
//! `platform check` shows what is read for a delivery; only then is there a trace.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::document::{Document, Said};
use super::event_id::{self, is_delivery_key};
use super::fault::{Misread, ReadingFault, shown, shown_pointer};
use super::model::{Condition, Field, Finding, Holds, Kind, Others, Place, Profile, Rule, Source, normalised};
use super::score::{Numbers, Which};
use super::{score, time};
use crate::request::RawRequest;
use crate::webhook::fault::Fault;
use crate::webhook::instant::PlatformClock;
use crate::webhook::native::{self, Understood};
use crate::withdraws::Withdraws;
use kurskoll_domain::ids::{CourseId, EmployeeNumber, EventId, InvalidId, MAX_LENGTH, QuizId};
use kurskoll_domain::linking::{Account, LearnerKeys, normalized};
use kurskoll_domain::training::{ReportedResult, ResultKind, Revokes, Target};

/// The most events that one body may hold.
const MAX_EVENTS: usize = 1_000;
/// The most of a revocation's reason that is stored, in characters; the delivery has all of it.
const MAX_REASON: usize = 2_000;

/// A body as it is understood, with its trace.
#[derive(Debug, Clone)]
pub struct Reading {
    pub events: Vec<EventReading>,
    /// All results of the body, or the first thing that is not understood.
    pub results: Result<Vec<ReportedResult>, Misread>,
}

/// One event of a body.
#[derive(Debug, Clone)]
pub struct EventReading {
    /// Where in the body it stands (RFC 6901).
    pub pointer: String,
    pub event_type: Option<String>,
    /// The rules up to the one that fits.
    pub rules: Vec<RuleReading>,
    /// What it was taken for: `completion and attempt`, `ignore`; nothing where no rule fits, which ignores it too.
    pub taken_for: Option<String>,
    pub fields: Vec<FieldReading>,
    pub results: Result<Vec<ReportedResult>, Misread>,
}

/// Whether a rule fits, by its place in the profile from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleReading {
    pub number: usize,
    pub meaning: String,
    /// Why it does not; nothing where it does.
    pub why_not: Option<String>,
}

/// What became of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldReading {
    pub field: Field,
    /// Where the profile found it; all places where it looked, if it found nothing.
    pub looked_at: String,
    /// Where it stands in the sample (RFC 6901); nothing for headers and constants, and where nothing was found.
    pub pointer: Option<String>,
    /// The text that stands there.
    pub sent: Option<String>,
    pub meaning: Meaning,
}

/// What a field means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    Is(String),
    /// Nothing was sent, or what means nothing.
    Nothing,
    NotUnderstood(String),
}

impl Reading {
    /// Of a body that could not be read at all.
    #[must_use]
    pub const fn refused(misread: Misread) -> Self {
        Self { events: Vec::new(), results: Err(misread) }
    }
}

/// Reads a body with a trace of how each field was read.
#[must_use]
pub fn read(profile: &Profile, raw: &RawRequest<'_>) -> Reading {
    let mut reading = by_fields(profile, raw, true);
    if profile.is_native {
        // The trace shows where things were looked for; what a native payload says, its own reader decides.
        reading.results = of_native(raw);
        if let [event] = reading.events.as_mut_slice() {
            event.results.clone_from(&reading.results);
        }
    }
    reading
}

/// The results of a body; none if all of it is to be ignored.
pub fn interpret(profile: &Profile, raw: &RawRequest<'_>) -> Result<Vec<ReportedResult>, Misread> {
    if profile.is_native { of_native(raw) } else { by_fields(profile, raw, false).results }
}

fn of_native(raw: &RawRequest<'_>) -> Result<Vec<ReportedResult>, Misread> {
    match native::interpret(raw.key, raw.body, raw.zone, raw.arrival.read_at)? {
        Understood::Result(result) => Ok(vec![result]),
        Understood::Ignored { .. } => Ok(Vec::new()),
    }
}

fn by_fields(profile: &Profile, raw: &RawRequest<'_>, tracing: bool) -> Reading {
    let refused = Reading::refused;
    let document = match Document::read(&profile.body, raw.content_type, raw.body) {
        Ok(document) => document,
        Err(misread) => return refused(misread),
    };
    let places = profile.body.each.iter().map(|path| path.locate(&document.value).collect::<Vec<_>>());
    let places = places.into_iter().find(|places| !places.is_empty());
    let places = places.unwrap_or_else(|| vec![(String::new(), &document.value)]);
    if places.len() > MAX_EVENTS {
        let fault = ReadingFault::TooManyEvents { found: places.len(), most: MAX_EVENTS };
        return refused(Misread::at("", fault));
    }
    let (mut events, mut results) = (Vec::new(), Ok(Vec::new()));
    let several = places.len() > 1;
    for (place, (pointer, event)) in places.iter().enumerate() {
        let number = several.then_some(place + 1);
        let mut reader = EventReader {
            profile,
            document: &document,
            raw,
            event,
            pointer,
            number,
            rule: None,
            trace: None,
            fault: None,
            lacks: None,
        };
        reader.trace = tracing.then(Vec::new);
        let reading = reader.read();
        if let Ok(all) = &mut results {
            match &reading.results {
                Ok(more) => all.extend(more.iter().map(|result| (pointer.as_str(), result.clone()))),
                Err(misread) => results = Err(misread.clone()),
            }
        }
        if tracing {
            events.push(reading);
        } else if results.is_err() {
            break;
        }
    }
    Reading { events, results: results.and_then(each_once) }
}

/// Results of a body, each once; no two may be different under one id.
fn each_once(all: Vec<(&str, ReportedResult)>) -> Result<Vec<ReportedResult>, Misread> {
    let mut places: HashMap<EventId, usize> = HashMap::new();
    let mut results: Vec<ReportedResult> = Vec::with_capacity(all.len());
    for (pointer, result) in all {
        match places.entry(result.event_id.clone()) {
            Entry::Vacant(place) => {
                place.insert(results.len());
                results.push(result);
            }
            Entry::Occupied(place) if results.get(*place.get()) == Some(&result) => {}
            Entry::Occupied(_) => return Err(Misread::at(pointer, ReadingFault::RepeatedEventId)),
        }
    }
    Ok(results)
}

/// What was found for a field.
struct Found<'p> {
    text: String,
    pointer: Option<String>,
    source: &'p Source,
}

/// Reads one event.
struct EventReader<'r> {
    profile: &'r Profile,
    document: &'r Document,
    raw: &'r RawRequest<'r>,
    event: &'r Value,
    pointer: &'r str,
    /// Its number in the body, where that holds several.
    number: Option<usize>,
    rule: Option<&'r Rule>,
    trace: Option<Vec<FieldReading>>,
    fault: Option<Misread>,
    /// The field that the event lacks, so that the profile skips it.
    lacks: Option<Field>,
}

impl<'r> EventReader<'r> {
    fn read(mut self) -> EventReading {
        let event_type = self.text(Field::Type);
        let (rule, rules) = self.choose(event_type.as_deref());
        self.rule = rule;
        let asks_for_types = self.profile.rules.iter().any(|rule| !rule.types.is_empty());
        if rule.is_none() && event_type.is_none() && asks_for_types && self.lacks.is_none() {
            self.refuse(None, ReadingFault::Missing { field: Field::Type, looked: self.looked(&[Field::Type]) });
        }
        let results = match rule {
            Some(rule) if !rule.kinds.is_empty() => self.results(&rule.kinds, rule.withdraws),
            _ => Some(Vec::new()),
        };
        let results = match (self.lacks, self.fault) {
            // What is skipped is not read further: nothing in it is wrong.
            (Some(_), _) => Ok(Vec::new()),
            (None, Some(misread)) => Err(misread),
            (None, None) => Ok(results.unwrap_or_default()),
        };
        let lacks = self.lacks.map(|field| format!("ignore: it gives no {}", field.as_str()));
        EventReading {
            pointer: shown_pointer(self.pointer),
            event_type: event_type.map(|text| shown(&text)),
            rules,
            taken_for: lacks.or_else(|| rule.map(Rule::meaning)),
            fields: self.trace.unwrap_or_default(),
            results,
        }
    }

    /// The first rule that fits, and why those before it do not.
    fn choose(&self, event_type: Option<&str>) -> (Option<&'r Rule>, Vec<RuleReading>) {
        let mut readings = Vec::new();
        let event_type = event_type.map(normalised);
        for (place, rule) in self.profile.rules.iter().enumerate() {
            let why_not = self.why_not(rule, event_type.as_deref());
            let fits = why_not.is_none();
            if self.trace.is_some() {
                readings.push(RuleReading { number: place + 1, meaning: rule.meaning(), why_not });
            }
            if fits {
                return (Some(rule), readings);
            }
        }
        (None, readings)
    }

    fn why_not(&self, rule: &Rule, event_type: Option<&str>) -> Option<String> {
        if !rule.types.is_empty() && !event_type.is_some_and(|is| rule.types.iter().any(|of| of == is)) {
            return Some(format!("the type is not {}", rule.types.join(" or ")));
        }
        rule.when.iter().find_map(|condition| self.fails(condition))
    }

    /// Why a condition does not hold.
    fn fails(&self, condition: &Condition) -> Option<String> {
        let (source, found) = (&condition.source, self.look(&condition.source));
        let exists = !matches!(found, Ok(None));
        let said = found.ok().flatten().map(|(text, _)| text);
        let is_one_of = |words: &[String]| said.as_deref().map(normalised).is_some_and(|said| words.contains(&said));
        let sent = || said.as_deref().map_or_else(|| "not there".to_owned(), |said| format!("\"{}\"", shown(said)));
        match &condition.holds {
            Holds::Is(words) => {
                (!is_one_of(words)).then(|| format!("{source} is {}, not {}", sent(), words.join(" or ")))
            }
            Holds::IsNot(words) => is_one_of(words).then(|| format!("{source} is {}", sent())),
            Holds::Exists(wanted) => {
                (exists != *wanted).then(|| format!("{source} is {}there", if exists { "" } else { "not " }))
            }
        }
    }

    fn finding(&self, field: Field) -> Option<&'r Finding> {
        self.rule.and_then(|rule| rule.fields.get(&field)).or_else(|| self.profile.fields.get(&field))
    }

    /// The text of a source, and where it stands; nothing where it is not there or empty. `Err` where an object or a
    /// list is, and where.
    fn look(&self, source: &Source) -> Result<Option<(String, Option<String>)>, String> {
        let (path, below, above) = match &source.place {
            Place::Constant(text) => return Ok(Some((text.clone(), None))),
            Place::Header(name) => {
                let text = self.raw.headers.get(name).and_then(|text| source.part(text));
                return Ok(text.filter(|text| !text.is_empty()).map(|text| (text.to_owned(), None)));
            }
            Place::Event(path) => (path, self.event, self.pointer),
            Place::Body(path) => (path, &self.document.value, ""),
        };
        let mut structure = None;
        for (pointer, value) in path.locate(below) {
            let pointer = format!("{above}{pointer}");
            match self.document.said(&pointer, value) {
                Said::Nothing => {}
                Said::Structure => structure = structure.or(Some(pointer)),
                Said::Text(text) => match source.part(&text) {
                    Some(part) if !part.is_empty() => return Ok(Some((part.to_owned(), Some(pointer)))),
                    _ => {}
                },
            }
        }
        structure.map_or(Ok(None), Err)
    }

    /// The first text that is something, of the places where a field may be; in our words, where the profile has some.
    fn find(&mut self, field: Field) -> Option<Found<'r>> {
        let finding = self.finding(field)?;
        for source in &finding.sources {
            match self.look(source) {
                Ok(None) => {}
                Ok(Some((text, pointer))) => {
                    let mut nothing = finding.nothing.iter().chain(&self.profile.defaults.nothing);
                    let is_never = field.is_time() && time::says_never(&text);
                    if !is_never && nothing.all(|word| *word != text) {
                        return Some(Found { text, pointer, source });
                    }
                }
                Err(pointer) => {
                    let fault = ReadingFault::Structure(field);
                    self.note(field, Some(source), Some(&pointer), None, Meaning::NotUnderstood(fault.to_string()));
                    self.refuse(Some(&pointer), fault);
                    return None;
                }
            }
        }
        self.note(field, None, None, None, Meaning::Nothing);
        self.lack(field);
        None
    }

    /// Notes that an event gives nothing for a field without which the profile passes it over.
    fn lack(&mut self, field: Field) {
        if self.finding(field).is_some_and(|finding| finding.is_skipped_without) {
            self.lacks.get_or_insert(field);
        }
    }

    /// Reads a field; nothing where it gives nothing, or where a fault was noted.
    fn field<T>(
        &mut self,
        field: Field,
        parse: impl FnOnce(&str, &'r Finding, &Self) -> Result<Option<T>, ReadingFault>,
        show: impl FnOnce(&T) -> String,
    ) -> Option<T> {
        let found = self.find(field)?;
        let finding = self.finding(field)?;
        let read = match translated(field, finding, &found.text) {
            Ok(Some(word)) => parse(&word, finding, self),
            Ok(None) => Ok(None),
            Err(fault) => Err(fault),
        };
        let pointer = found.pointer.as_deref();
        let (meaning, value) = match read {
            Ok(Some(value)) => (Meaning::Is(show(&value)), Some(value)),
            Ok(None) => {
                self.lack(field);
                (Meaning::Nothing, None)
            }
            Err(fault) => {
                let problem = fault.to_string();
                self.refuse(pointer, fault);
                (Meaning::NotUnderstood(problem), None)
            }
        };
        self.note(field, Some(found.source), pointer, Some(&found.text), meaning);
        value
    }

    fn note(
        &mut self,
        field: Field,
        source: Option<&Source>,
        pointer: Option<&str>,
        sent: Option<&str>,
        meaning: Meaning,
    ) {
        let looked_at = match (&self.trace, source) {
            (None, _) => return,
            (Some(_), Some(source)) => source.to_string(),
            (Some(_), None) => self.looked(&[field]),
        };
        let (pointer, sent) = (pointer.map(shown_pointer), sent.map(shown));
        if let Some(trace) = &mut self.trace {
            trace.push(FieldReading { field, looked_at, pointer, sent, meaning });
        }
    }

    /// Notes the first thing that is wrong with the event.
    fn refuse(&mut self, pointer: Option<&str>, fault: ReadingFault) {
        let pointer = pointer.unwrap_or(self.pointer);
        self.fault.get_or_insert_with(|| Misread::at(pointer, fault));
    }

    /// Where the profile looks for some fields.
    fn looked(&self, fields: &[Field]) -> String {
        let sources = fields.iter().filter_map(|field| self.finding(*field)).flat_map(|finding| &finding.sources);
        let sources: Vec<String> = sources.map(ToString::to_string).collect();
        if sources.is_empty() { "no place at all".to_owned() } else { sources.join(", ") }
    }

    fn require<T>(&mut self, field: Field, value: Option<T>) -> Option<T> {
        if value.is_none() {
            let looked = self.looked(&[field]);
            self.refuse(None, ReadingFault::Missing { field, looked });
        }
        value
    }

    fn text(&mut self, field: Field) -> Option<String> {
        self.field(field, |text, _, _| limited(text).map(Some), |text| shown(text))
    }

    fn id<T>(
        &mut self,
        field: Field,
        parse: fn(&str) -> Result<T, InvalidId>,
        show: impl FnOnce(&T) -> String,
    ) -> Option<T> {
        let invalid = |invalid| Fault::InvalidText(invalid).into();
        self.field(field, |text, _, _| parse(text).map(Some).map_err(invalid), show)
    }

    fn number(&mut self, field: Field) -> Option<rust_decimal::Decimal> {
        let commas = self.profile.defaults.decimal_comma;
        self.field(
            field,
            |text, finding, _| score::number(text, finding.decimal_comma.unwrap_or(commas)).map(Some),
            ToString::to_string,
        )
    }

    fn learner(&mut self) -> LearnerKeys {
        let mut keys = LearnerKeys {
            employee_number: None,
            email: self.key(Field::Email, normalized),
            username: self.key(Field::Username, normalized),
            account: None,
        };
        let home_page = self.key(Field::AccountHomePage, str::to_owned);
        let name = self.key(Field::AccountName, str::to_owned);
        keys.account = home_page.zip(name).map(|(home_page, name)| Account { home_page, name });
        let has_other = !keys.is_empty();
        keys.employee_number = self.field(
            Field::EmployeeNumber,
            |text, _, _| match EmployeeNumber::parse(text) {
                Ok(number) => Ok(Some(number)),
                Err(InvalidId::PersonalIdentityNumber) if has_other => Ok(None),
                Err(InvalidId::PersonalIdentityNumber) => Err(Fault::PersonalIdentityNumber.into()),
                Err(invalid) => Err(Fault::InvalidText(invalid).into()),
            },
            ToString::to_string,
        );
        if keys.is_empty() {
            const KEYS: [Field; 4] = [Field::EmployeeNumber, Field::Email, Field::Username, Field::AccountName];
            let looked = self.looked(&KEYS);
            self.refuse(None, ReadingFault::NoLearnerKey { looked });
        }
        keys
    }

    /// A key's value in the form in which it is compared.
    fn key(&mut self, field: Field, in_compared_form: fn(&str) -> String) -> Option<String> {
        self.field(field, |text, _, _| limited(&in_compared_form(text)).map(Some), |text| shown(text))
    }

    fn occurred_at(&mut self) -> Option<DateTime<Utc>> {
        let instant = self.time(Field::OccurredAt);
        self.require(Field::OccurredAt, instant)
    }

    fn time(&mut self, field: Field) -> Option<DateTime<Utc>> {
        let parse = |text: &str, finding: &Finding, reader: &Self| {
            let defaults = &reader.profile.defaults;
            let zone = finding.zone.or(defaults.zone).unwrap_or(reader.raw.zone);
            let clock = PlatformClock { zone, received_at: reader.raw.arrival.read_at };
            time::read(text, finding.formats.as_deref().unwrap_or(&defaults.formats), &clock)
        };
        self.field(field, parse, DateTime::to_rfc3339)
    }

    /// The results of an event; nothing where a fault was noted.
    fn results(&mut self, kinds: &[Kind], withdraws: Withdraws) -> Option<Vec<ReportedResult>> {
        let given = self.event_id();
        let learner = self.learner();
        let found: Vec<Option<Option<(Target, ResultKind)>>> =
            kinds.iter().map(|kind| self.target_and_kind(*kind, withdraws)).collect();
        let reason = if kinds.contains(&Kind::Revocation) { self.reason() } else { None };
        let occurred_at = self.occurred_at();
        let attempted_at = if kinds.contains(&Kind::Attempt) { self.time(Field::AttemptedAt) } else { None };
        let reported_at = self.time(Field::ReportedAt);
        let (occurred_at, found) = (occurred_at?, found.into_iter().collect::<Option<Vec<_>>>()?);
        let mut results = Vec::with_capacity(kinds.len());
        for (found, of) in found.into_iter().zip(kinds) {
            // A revocation that the profile has withdraw nothing.
            let Some((target, kind)) = found else { continue };
            let occurred_at = attempted_at.filter(|_| *of == Kind::Attempt).unwrap_or(occurred_at);
            let id = match &given {
                None => event_id::derived(self.raw.platform, &learner, &target, &kind, occurred_at),
                // Two results of one event are two events here.
                Some(given) if kinds.len() > 1 => format!("{given}/{}", of.as_str()),
                Some(given) => given.clone(),
            };
            let event_id = match EventId::parse(&id) {
                Ok(id) => id,
                Err(invalid) => {
                    self.refuse(None, ReadingFault::EventId(invalid));
                    return None;
                }
            };
            let reason = reason.clone().filter(|_| *of == Kind::Revocation);
            let reported_at = reported_at.filter(|_| *of != Kind::Revocation);
            let learner = learner.clone();
            results.push(ReportedResult { event_id, learner, target, kind, occurred_at, reported_at, reason });
        }
        Some(results)
    }

    /// The id that the platform gives the event; one that stands beside several events gets the event's number.
    fn event_id(&mut self) -> Option<String> {
        let is_of_body = self.find_source_of_id();
        let given = self.id(Field::EventId, EventId::parse, |id| shown(id.as_str()));
        let signed = || self.profile.signing.signed_id(&self.raw.headers);
        let (given, is_of_body) = match given {
            Some(given) => (given, is_of_body),
            None => (signed()?, true),
        };
        if is_delivery_key(given.as_str()) {
            return None;
        }
        match self.number {
            Some(number) if is_of_body => Some(format!("{given}/{number}")),
            _ => Some(given.into()),
        }
    }

    /// Whether the event's id stands outside of the event.
    fn find_source_of_id(&self) -> bool {
        let sources = self.finding(Field::EventId).map(|finding| finding.sources.as_slice()).unwrap_or_default();
        let gives = sources.iter().find(|source| matches!(self.look(source), Ok(Some(_))));
        gives.is_some_and(|source| !matches!(source.place, Place::Event(_)))
    }

    /// The target and kind of an event as one of its kinds; an inner `None` where a revocation withdraws nothing.
    fn target_and_kind(&mut self, kind: Kind, withdraws: Withdraws) -> Option<Option<(Target, ResultKind)>> {
        match kind {
            Kind::Completion => {
                let course = self.course();
                let course = self.require(Field::Course, course)?;
                Some(Some((Target::Course(course), ResultKind::Completion)))
            }
            Kind::Attempt => {
                let quiz = self.quiz();
                let quiz = self.require(Field::Quiz, quiz);
                let attempt = self.attempt();
                Some(Some((Target::Quiz(quiz?), attempt?)))
            }
            Kind::Revocation => {
                let event_id = self.id(Field::RevokedEventId, EventId::parse, |id| shown(id.as_str()));
                let (course, quiz) = (self.course(), self.quiz());
                let target = match (course, quiz) {
                    (Some(course), None) => Target::Course(course),
                    // The quiz says more than the course that it stands in.
                    (_, Some(quiz)) => Target::Quiz(quiz),
                    (None, None) => {
                        self.refuse(None, Fault::NothingWithdrawn.into());
                        return None;
                    }
                };
                let revokes = event_id.map(Revokes::Event).or_else(|| withdraws.revokes());
                Some(revokes.map(|revokes| (target, ResultKind::Revocation(revokes))))
            }
        }
    }

    fn course(&mut self) -> Option<CourseId> {
        self.id(Field::Course, CourseId::parse, |id| shown(id.as_str()))
    }

    fn quiz(&mut self) -> Option<QuizId> {
        self.id(Field::Quiz, QuizId::parse, |id| shown(id.as_str()))
    }

    fn attempt(&mut self) -> Option<ResultKind> {
        let number = self.field(
            Field::Attempt,
            |text, _, _| match text.parse::<u32>() {
                Ok(number) if number > 0 => Ok(Some(number)),
                _ => Err(ReadingFault::NotAnAttempt(shown(text))),
            },
            ToString::to_string,
        );
        let numbers = Numbers {
            raw: self.number(Field::ScoreRaw),
            min: self.number(Field::ScoreMin),
            max: self.number(Field::ScoreMax),
            scaled: self.number(Field::ScoreScaled),
            is_from_minus_one: self.finding(Field::ScoreScaled).is_some_and(|finding| finding.is_from_minus_one),
            percent: self.number(Field::ScorePercent),
        };
        let score = match numbers.score() {
            Ok(score) => score,
            Err((which, fault)) => {
                let field = match which {
                    Which::Raw => Field::ScoreRaw,
                    Which::Max => Field::ScoreMax,
                    Which::Scaled => Field::ScoreScaled,
                };
                let pointer = self.place_of(field);
                self.refuse(pointer.as_deref(), fault);
                None
            }
        };
        let passed = self.field(
            Field::Passed,
            |text, _, _| match normalised(text).as_str() {
                "true" | "1" => Ok(Some(true)),
                "false" | "0" => Ok(Some(false)),
                _ => Err(ReadingFault::NeitherTrueNorFalse(shown(text))),
            },
            ToString::to_string,
        );
        if score.is_none() && passed.is_none() {
            self.refuse(None, Fault::NothingGraded.into());
            return None;
        }
        Some(ResultKind::Attempt { name: None, number, score, passed })
    }

    /// Where a field was found.
    fn place_of(&self, field: Field) -> Option<String> {
        let sources = &self.finding(field)?.sources;
        sources.iter().find_map(|source| self.look(source).ok().flatten().and_then(|(_, pointer)| pointer))
    }

    fn reason(&mut self) -> Option<String> {
        // It is for people to read: no fault in it is worth losing the revocation. A NUL is no text to PostgreSQL.
        let cut = |text: &str| text.chars().filter(|c| *c != '\0').take(MAX_REASON).collect::<String>();
        self.field(Field::Reason, |text, _, _| Ok(Some(cut(text)).filter(|text| !text.is_empty())), |text| shown(text))
    }
}

/// A platform's value in ours; `None` if it means nothing.
pub(super) fn translated(field: Field, finding: &Finding, text: &str) -> Result<Option<String>, ReadingFault> {
    let Some(words) = &finding.words else { return Ok(Some(text.to_owned())) };
    match (words.ours.get(&normalised(text)), words.others) {
        (Some(ours), _) => Ok(Some(ours.clone()).filter(|ours| !ours.is_empty())),
        (None, Others::Keep) => Ok(Some(text.to_owned())),
        (None, Others::Nothing) => Ok(None),
        (None, Others::Refuse) => Err(ReadingFault::UnlistedWord { field, said: shown(text) }),
    }
}

/// Holds a text to the limits of every identifier.
fn limited(text: &str) -> Result<String, ReadingFault> {
    let text = text.trim();
    let invalid = if text.is_empty() {
        InvalidId::Empty
    } else if text.chars().count() > MAX_LENGTH {
        InvalidId::TooLong
    } else if text.chars().any(char::is_control) {
        InvalidId::ControlCharacter
    } else {
        return Ok(text.to_owned());
    };
    Err(Fault::InvalidText(invalid).into())
}
