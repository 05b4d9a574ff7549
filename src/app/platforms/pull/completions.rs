//! Completions of a Moodle: queried course by course and learner by learner, and stored if the platform had not sent
//! them.
//!
//! Moodle answers who has completed a course and when, and nothing of what happened in between; that somebody has not
//! is no revocation. An answer is written as the platform itself would have sent it, and read as that is.

use std::collections::{HashMap, HashSet};

use futures::future::join_all;
use futures::{StreamExt, TryStreamExt, stream};

use super::run::UnderWay;
use super::statements::count;
use super::{CourseName, MoodleDetails, NamedBy, PullFault, address_of, details_of};
use crate::domain::ids::CourseId;
use crate::domain::pulling::Brought;
use crate::domain::receiving::{Content, Delivery};
use crate::domain::training::{ReportedResult, Target};
use crate::intake::adapter::Reader;
use crate::intake::moodle::{Completion, Course, MoodleFault, Progress, Site, User};
use crate::intake::request::Headers;
use crate::intake::xapi::Version;
use crate::intake::xapi::statement_result::PageStatement;
use crate::sources::moodle::Moodle;
use crate::store::Unscoped;
use crate::store::pulls::{self, KnownCompletions};

/// How many users are queried at a time.
const USERS_AT_ONCE: usize = 500;

/// How many users' completions are queried before the new ones are stored.
const STORED_TOGETHER: usize = 20;

/// How many queries are sent to Moodle at the same time.
const REQUESTS_AT_ONCE: usize = 4;

/// The media type in which the platform would have sent it.
const JSON: &str = "application/json";

/// What is queried, and from where.
struct CompletionsPull {
    moodle: Moodle,
    site: Site,
    /// By what a statement names the learner.
    named_by: NamedBy,
    /// What is known of the courses that were met.
    known: HashMap<CourseId, KnownCompletions>,
}

fn fault_of(moodle: &Moodle) -> impl Fn(MoodleFault) -> PullFault {
    let host = moodle.host().to_owned();
    move |fault| PullFault::Moodle { host: host.clone(), fault }
}

impl UnderWay<'_> {
    /// Queries who has completed the courses.
    pub(super) async fn pull_completions(&mut self) -> Result<(), PullFault> {
        let MoodleDetails { courses, named_by } = details_of(&self.pull)?;
        let moodle = Moodle::new(address_of(&self.pull)?, &self.pull.settings.secret)?;
        let site = Site::read(&moodle.site().await?).map_err(fault_of(&moodle))?;
        let mut pull = CompletionsPull { moodle, site, named_by, known: HashMap::new() };
        for name in &courses {
            pull.pull_course(self, name).await?;
        }
        Ok(())
    }
}

impl CompletionsPull {
    /// Queries a course, and stores what is new.
    async fn pull_course(&mut self, under_way: &mut UnderWay<'_>, name: &CourseName) -> Result<(), PullFault> {
        let course = self.course(name).await?;
        let mut met: HashSet<u64> = HashSet::new();
        for page in 0_usize.. {
            let users = self.moodle.users(course.id, page.saturating_mul(USERS_AT_ONCE), USERS_AT_ONCE).await?;
            let users = User::read_all(&users).map_err(fault_of(&self.moodle))?;
            let count = users.len();
            let new: Vec<User> = users.into_iter().filter(|user| met.insert(user.id)).collect();
            for some in new.chunks(STORED_TOGETHER) {
                let brought = self.pull_users(under_way, &course, some).await?;
                under_way.brought = under_way.brought.and(brought);
                under_way.note().await?;
            }
            // A Moodle that answers everybody at once answers the same again.
            if count < USERS_AT_ONCE || new.is_empty() {
                break;
            }
        }
        Ok(())
    }

    async fn course(&self, name: &CourseName) -> Result<Course, PullFault> {
        let found = self.moodle.courses(name.field.as_str(), &name.value).await?;
        let mut found = Course::read_all(&found).map_err(fault_of(&self.moodle))?;
        let (host, course) = (self.moodle.host().to_owned(), name.clone());
        match (found.pop(), found.is_empty()) {
            (Some(one), true) => Ok(one),
            (Some(_), false) => Err(PullFault::SeveralCourses { host, course }),
            (None, _) => Err(PullFault::NoSuchCourse { host, course }),
        }
    }

    async fn pull_users(
        &mut self,
        under_way: &UnderWay<'_>,
        course: &Course,
        users: &[User],
    ) -> Result<Brought, PullFault> {
        let ask = async |user: &User| -> Result<Option<Progress>, PullFault> {
            let answer = self.moodle.completion(course.id, user.id).await?;
            match Progress::read(&answer) {
                Ok(progress) => Ok(Some(progress)),
                Err(fault) if fault.is_no_participant() => Ok(None),
                Err(fault) => Err(fault_of(&self.moodle)(fault)),
            }
        };
        let settings = stream::iter(users).map(ask).buffered(REQUESTS_AT_ONCE);
        let progress: Vec<Option<Progress>> = settings.try_collect().await?;
        let mut brought = Brought::default();
        let mut completions = Vec::new();
        for (user, progress) in users.iter().zip(progress) {
            match progress {
                Some(Progress::Completed(at)) => completions.push(Completion { site: &self.site, course, user, at }),
                Some(Progress::Undated) => brought.undated += 1,
                Some(Progress::UnderWay) | None => {}
            }
        }
        brought.returned = completions.len() as u64 + brought.undated;
        let mut deliveries = Vec::new();
        for completion in &completions {
            match self.delivery_of(under_way, completion)? {
                Some(delivery) => deliveries.push(delivery),
                None => brought.refused += 1,
            }
        }
        let mut new = Vec::new();
        for delivery in deliveries {
            if !is_known(&mut self.known, under_way, &delivery).await? {
                new.push(delivery);
            }
        }
        // Together, so that they share a commit.
        for received in join_all(new.into_iter().map(|one| under_way.receiving.enqueue_patiently(one))).await {
            count(&mut brought, &received?);
        }
        Ok(brought)
    }

    /// A completion as the platform would have sent it; `None` if it could not name the learner.
    fn delivery_of(
        &self,
        under_way: &UnderWay<'_>,
        completion: &Completion<'_>,
    ) -> Result<Option<Delivery>, PullFault> {
        match &under_way.reader.reader {
            Reader::Statements(_) => {
                let Some(statement) = completion.as_statement(self.named_by) else { return Ok(None) };
                let request = [PageStatement { raw: &statement, stored: None, with_attachments: None }];
                under_way.read_statements(&request, &[], Version::V1_0_3).map(Some)
            }
            Reader::Webhooks(profile) => {
                let headers = profile.stored_headers(&Headers::default());
                under_way.pulled(headers, JSON.to_owned(), completion.as_webhook()).map(Some)
            }
        }
    }
}

/// Whether all results of a delivery were known.
async fn is_known(
    known: &mut HashMap<CourseId, KnownCompletions>,
    under_way: &UnderWay<'_>,
    delivery: &Delivery,
) -> Result<bool, PullFault> {
    let results: &[ReportedResult] = match &delivery.content {
        Content::Results(results) | Content::Statements { results, .. } => results,
        Content::Nothing | Content::Part { .. } | Content::NotUnderstood { .. } => return Ok(false),
    };
    for result in results {
        let Target::Course(course) = &result.target else { return Ok(false) };
        if !known.contains_key(course) {
            let connection = under_way.receiving.app().store.connection(Unscoped::Receiving);
            let completions = pulls::completions_of(connection, under_way.platform.id, course).await?;
            known.insert(course.clone(), completions);
        }
        if !known.get(course).is_some_and(|known| known.cover(result, under_way.receiving.app().calendar)) {
            return Ok(false);
        }
    }
    Ok(!results.is_empty())
}
