//! When two statements are the same statement.
//!
//! A platform that sends a statement again may get it back from another serialiser, or from another LRS that did what
//! an LRS may do. Not part of the comparison are (Data 2.3.1, "Statement Immutability", and 2.3.3):
//!
//! * `id`, which identifies the two as one, and `stored`, `authority` and `version`, which an LRS sets;
//! * the `display` of verbs and the `definition` of activities, which belong to the verb and the activity;
//! * the `display` and `description` of attachments, which are known by their hash;
//! * the order of members of objects, of languages, of a group's members and of attachments;
//! * how a value is written: escapes, `1` for `1.0`, another offset of the same instant, letters' case in UUIDs, hashes
//!   and an e-mail's domain, one context activity for a list of one, a redundant `objectType`;
//! * what is finer than a millisecond in times (Data 4.5), and than a hundredth of a second in durations (Data 4.6).
//!
//! `timestamp` is compared if it was sent. To compare with a statement that got its timestamp from an LRS, use
//! [`digest_without_timestamp`].

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};

use super::activity::Activity;
use super::agent::{Actor, Agent, Group, Identifier};
use super::attachment::Attachment;
use super::context::{Context, ContextAgent, ContextGroup};
use super::forms::comparable_duration;
use super::object::{Object, StatementRef, SubStatement};
use super::outcome::{Outcome, Score};
use super::signature;
use super::statement::{Statement, Verb};
use super::terms;
use super::text::Extensions;
use crate::json::{Document, Kind, Number, Value};

/// The same for two statements that are the same, and else different; it stays the same from release to release.
#[must_use]
pub fn digest(statement: &Statement<'_>) -> [u8; 32] {
    digest_of(statement, &Compared { timestamp: true, signatures: true })
}

/// As [`digest`], and for any `timestamp`.
#[must_use]
pub fn digest_without_timestamp(statement: &Statement<'_>) -> [u8; 32] {
    digest_of(statement, &Compared { timestamp: false, signatures: true })
}

/// Whether two statements are the same but for what an LRS may have set in either: another `timestamp` or `id` counts
/// only if both have one.
#[must_use]
pub fn same(one: &Statement<'_>, other: &Statement<'_>) -> bool {
    same_compared(one, other, true)
}

/// As [`same`], ignoring the signatures, which a signed statement did not have when it was signed (Data 2.6).
pub(super) fn same_but_for_signatures(one: &Statement<'_>, other: &Statement<'_>) -> bool {
    same_compared(one, other, false)
}

fn same_compared(one: &Statement<'_>, other: &Statement<'_>, signatures: bool) -> bool {
    let ids_differ = one.id.zip(other.id).is_some_and(|(one, other)| one != other);
    let compared = Compared { timestamp: one.timestamp.is_some() && other.timestamp.is_some(), signatures };
    !ids_differ && digest_of(one, &compared) == digest_of(other, &compared)
}

/// What only some comparisons compare.
struct Compared {
    timestamp: bool,
    signatures: bool,
}

fn digest_of(statement: &Statement<'_>, compared: &Compared) -> [u8; 32] {
    let Statement { actor, verb, object, result, context, timestamp, attachments, .. } = statement;
    let mut form = Form::default();
    form.event(actor, verb, object, result.as_ref(), context.as_ref());
    form.option(timestamp.filter(|_| compared.timestamp), |form, timestamp| form.time(timestamp));
    let attachments = attachments.iter().filter(|it| compared.signatures || it.usage_type != signature::USAGE_TYPE);
    form.set(attachments, Form::attachment);
    Sha256::digest(&form.bytes).into()
}

/// One sequence of bytes for all that is the same. Each text is preceded by its length and each list by its number, so
/// that no two different ones run into each other.
#[derive(Default)]
struct Form {
    bytes: Vec<u8>,
}

impl Form {
    fn count(&mut self, count: usize) {
        self.bytes.extend_from_slice(&u64::try_from(count).unwrap_or(u64::MAX).to_be_bytes());
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.bytes.extend_from_slice(text.as_bytes());
    }

    fn option<T>(&mut self, value: Option<T>, add: impl FnOnce(&mut Self, T)) {
        self.bytes.push(u8::from(value.is_some()));
        if let Some(value) = value {
            add(self, value);
        }
    }

    fn list<T>(&mut self, values: impl ExactSizeIterator<Item = T>, mut add: impl FnMut(&mut Self, T)) {
        self.count(values.len());
        for value in values {
            add(self, value);
        }
    }

    /// Values whose order is no part of what they say.
    fn set<T>(&mut self, values: impl Iterator<Item = T>, mut add: impl FnMut(&mut Self, T)) {
        let mut forms: Vec<Vec<u8>> = values
            .map(|value| {
                let mut form = Self::default();
                add(&mut form, value);
                form.bytes
            })
            .collect();
        forms.sort_unstable();
        self.count(forms.len());
        self.bytes.extend(forms.into_iter().flatten());
    }

    fn time(&mut self, instant: DateTime<Utc>) {
        self.bytes.extend_from_slice(&instant.timestamp_millis().to_be_bytes());
    }

    fn number(&mut self, number: Number<'_>) {
        self.text(&number.canonical());
    }

    fn event(
        &mut self,
        actor: &Actor<'_>,
        verb: &Verb<'_>,
        object: &Object<'_>,
        result: Option<&Outcome<'_>>,
        context: Option<&Context<'_>>,
    ) {
        self.actor(actor);
        self.text(&verb.id);
        self.object(object);
        self.option(result, Self::outcome);
        self.option(context, Self::context);
    }

    fn actor(&mut self, actor: &Actor<'_>) {
        match actor {
            Actor::Agent(agent) => self.agent(agent),
            Actor::Group(group) => self.group(group),
        }
    }

    fn agent(&mut self, agent: &Agent<'_>) {
        self.text("agent");
        self.option(agent.name.as_deref(), Self::text);
        self.identifier(&agent.identifier);
    }

    fn group(&mut self, group: &Group<'_>) {
        self.text("group");
        self.option(group.name.as_deref(), Self::text);
        self.option(group.identifier.as_ref(), Self::identifier);
        self.set(group.members.iter(), Self::agent);
    }

    fn identifier(&mut self, identifier: &Identifier<'_>) {
        self.text(&terms::canonical(identifier));
    }

    fn object(&mut self, object: &Object<'_>) {
        match object {
            Object::Activity(activity) => self.activity(activity),
            Object::Agent(agent) => self.agent(agent),
            Object::Group(group) => self.group(group),
            Object::StatementRef(reference) => self.reference(*reference),
            Object::SubStatement(sub_statement) => self.sub_statement(sub_statement),
        }
    }

    fn activity(&mut self, activity: &Activity<'_>) {
        self.text("activity");
        self.text(&activity.id);
    }

    fn reference(&mut self, StatementRef { id }: StatementRef) {
        self.text("statement");
        self.bytes.extend_from_slice(id.as_bytes());
    }

    fn sub_statement(&mut self, sub_statement: &SubStatement<'_>) {
        let SubStatement { actor, verb, object, result, context, timestamp, attachments } = sub_statement;
        self.text("sub-statement");
        self.event(actor, verb, object, result.as_ref(), context.as_ref());
        self.option(*timestamp, Self::time);
        self.set(attachments.iter(), Self::attachment);
    }

    fn outcome(&mut self, outcome: &Outcome<'_>) {
        let Outcome { score, success, completion, response, duration, extensions } = outcome;
        self.option(score.as_ref(), |form, Score { scaled, raw, min, max }| {
            for number in [scaled, raw, min, max] {
                form.option(*number, Self::number);
            }
        });
        for truth in [success, completion] {
            self.option(*truth, |form, truth| form.bytes.push(u8::from(truth)));
        }
        self.option(response.as_deref(), Self::text);
        self.option(duration.as_ref(), |form, duration| form.text(&comparable_duration(&duration.0)));
        self.option(*extensions, Self::extensions);
    }

    fn context(&mut self, context: &Context<'_>) {
        let Context { registration, instructor, team, activities, agents, groups, .. } = context;
        let Context { revision, platform, language, statement, extensions, .. } = context;
        self.option(registration.as_ref(), |form, id| form.bytes.extend_from_slice(id.as_bytes()));
        self.option(instructor.as_ref(), Self::actor);
        self.option(team.as_ref(), Self::group);
        for list in [&activities.parent, &activities.grouping, &activities.category, &activities.other] {
            self.list(list.iter(), Self::activity);
        }
        self.list(agents.iter(), |form, ContextAgent { agent, relevant_types }| {
            form.agent(agent);
            form.list(relevant_types.iter(), |form, iri| form.text(iri));
        });
        self.list(groups.iter(), |form, ContextGroup { group, relevant_types }| {
            form.group(group);
            form.list(relevant_types.iter(), |form, iri| form.text(iri));
        });
        for text in [revision, platform] {
            self.option(text.as_deref(), Self::text);
        }
        // RFC 5646, section 2.1.1: tags are the same in any case.
        self.option(language.as_deref(), |form, tag| form.text(&tag.to_ascii_lowercase()));
        self.option(*statement, Self::reference);
        self.option(*extensions, Self::extensions);
    }

    fn attachment(&mut self, attachment: &Attachment<'_>) {
        self.text(&attachment.usage_type);
        self.text(&attachment.content_type);
        self.bytes.extend_from_slice(&attachment.length.to_be_bytes());
        self.text(&attachment.sha2);
        self.option(attachment.file_url.as_deref(), Self::text);
    }

    fn extensions(&mut self, extensions: Extensions<'_>) {
        // What was read is JSON; were it none, its own bytes would do.
        match Document::parse(extensions.raw) {
            Ok(document) => self.json(document.root()),
            Err(_) => self.text(extensions.raw),
        }
    }

    /// Any JSON. It nests no deeper than a document may.
    fn json(&mut self, value: Value<'_, '_>) {
        match value.kind() {
            Kind::Null => self.bytes.push(b'n'),
            Kind::True => self.bytes.push(b't'),
            Kind::False => self.bytes.push(b'f'),
            Kind::Number => {
                self.bytes.push(b'0');
                self.option(value.number(), Self::number);
            }
            Kind::Text => {
                self.bytes.push(b'"');
                self.option(value.text().and_then(Result::ok).as_deref(), Self::text);
            }
            Kind::Array => {
                self.bytes.push(b'[');
                for element in value.elements().into_iter().flatten() {
                    self.json(element);
                }
                self.bytes.push(b']');
            }
            Kind::Object => {
                self.bytes.push(b'{');
                self.set(value.members().into_iter().flatten(), |form, member| {
                    form.option(member.name().ok().as_deref(), Self::text);
                    form.json(member.value);
                });
            }
        }
    }
}

#[cfg(test)]
mod tests;
