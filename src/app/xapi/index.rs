//! Builds the index of statements: each by what it says, and by what the statement that it refers to says
//! (Communication 2.1.3, "filter conditions for StatementRefs").

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::activities::{DescribedDefinition, learned};
use crate::app::App;
use crate::domain::ids::PlatformId;
use crate::intake::adapter::Form;
use crate::intake::xapi::terms::{Reach, Term, terms};
use crate::intake::xapi::{Activity, Context, Object, Statement, equality, read_body};
use crate::store::xapi::indexing::{self, Unindexed};
use crate::store::xapi::{TermDigest, bodies};
use crate::store::{Connection, StoreError, Unscoped};

/// How many statements are indexed at a time.
const AT_ONCE: u64 = 500;

/// How many statements a query indexes before it answers with what is indexed.
pub(super) const AT_A_QUESTION: u64 = 5_000;

/// The longest chain of references from a statement that is followed.
const LONGEST_CHAIN: usize = 16;

/// The most statements that get more terms when a statement arrives to which they refer, directly or not.
const MOST_REFERRING: usize = 10_000;

/// A term as the index has it.
#[must_use]
pub fn digest_of(platform: PlatformId, term: &Term, reach: Reach) -> TermDigest {
    let mut digest = Sha256::new();
    digest.update(platform.0.to_be_bytes());
    digest.update([match reach {
        Reach::Direct => b'd',
        Reach::Related => b'r',
    }]);
    match term {
        Term::Agent(agent) => {
            digest.update(b"agent ");
            digest.update(agent);
        }
        Term::Verb(verb) => {
            digest.update(b"verb ");
            digest.update(verb);
        }
        Term::Activity(activity) => {
            digest.update(b"activity ");
            digest.update(activity);
        }
        Term::Registration(registration) => {
            digest.update(b"registration ");
            digest.update(registration);
        }
    }
    let digest: [u8; 32] = digest.finalize().into();
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    TermDigest(i64::from_be_bytes(first))
}

/// The terms of a statement itself. A direct term is also a related one.
fn own_terms(platform: PlatformId, statement: &Statement<'_>) -> impl Iterator<Item = TermDigest> {
    terms(statement, None).into_iter().flat_map(move |(term, reach)| {
        let related = matches!(term, Term::Agent(_) | Term::Activity(_));
        let direct = (reach == Reach::Direct).then(|| digest_of(platform, &term, Reach::Direct));
        direct.into_iter().chain(related.then(|| digest_of(platform, &term, Reach::Related)))
    })
}

/// Every activity that a statement mentions.
pub(super) fn activities_of<'s, 'a>(statement: &'s Statement<'a>) -> Vec<&'s Activity<'a>> {
    fn around<'s, 'a>(context: Option<&'s Context<'a>>) -> impl Iterator<Item = &'s Activity<'a>> {
        let lists = context.map(|context| &context.activities);
        lists
            .into_iter()
            .flat_map(|lists| lists.parent.iter().chain(&lists.grouping).chain(&lists.category).chain(&lists.other))
    }
    let mut activities: Vec<&Activity<'a>> = around(statement.context.as_ref()).collect();
    match &statement.object {
        Object::Activity(object) => activities.push(object),
        Object::SubStatement(within) => {
            activities.extend(around(within.context.as_ref()));
            if let Object::Activity(object) = &within.object {
                activities.push(object);
            }
        }
        Object::Agent(_) | Object::Group(_) | Object::StatementRef(_) => {}
    }
    activities
}

/// What one run of indexing has read.
pub(super) struct Indexing<'a, C> {
    connection: &'a C,
    own: HashMap<(PlatformId, Uuid), Own>,
    described: Vec<DescribedDefinition>,
}

/// What a statement itself says.
struct Own {
    id: i64,
    terms: BTreeSet<TermDigest>,
    refers_to: Option<Uuid>,
    /// Whether it still says what it said on arrival, under the id by which it is stored.
    is_sound: bool,
}

impl<'a, C: Connection> Indexing<'a, C> {
    pub(super) fn new(connection: &'a C) -> Self {
        Self { connection, own: HashMap::new(), described: Vec::new() }
    }

    /// Whether a statement that was read still says what it said on arrival.
    pub(super) fn is_sound(&self, platform: PlatformId, id: Uuid) -> bool {
        self.own.get(&(platform, id)).is_some_and(|own| own.is_sound)
    }

    pub(super) async fn read(&mut self, statements: &[Unindexed]) -> Result<(), StoreError> {
        let places: Vec<bodies::Place> = statements.iter().map(|statement| statement.place).collect();
        for (statement, raw) in statements.iter().zip(bodies::read(self.connection, &places).await?) {
            let (platform, version) = (statement.platform, Form::parse(&statement.headers).version);
            let mut own =
                Own { id: statement.id, terms: BTreeSet::new(), refers_to: statement.refers_to, is_sound: false };
            // It could be read on arrival; one that cannot be read now is found by its id only.
            if let Ok(body) = read_body(raw.as_bytes(), version) {
                for read in &body.statements {
                    own.terms.extend(own_terms(platform, read));
                    own.is_sound = read.id.is_none_or(|id| id == statement.statement_id)
                        && equality::digest(read).as_slice() == statement.digest;
                    let described = activities_of(read).into_iter().filter_map(|activity| {
                        let definition = activity.definition.as_ref()?.raw.to_owned();
                        let iri = activity.id.to_string();
                        Some(DescribedDefinition { platform, iri, definition, statement: statement.id })
                    });
                    self.described.extend(described);
                }
            }
            self.own.insert((platform, statement.statement_id), own);
        }
        Ok(())
    }

    /// The terms of a statement, and of those to which it refers in a chain, unless they are newer than `through`.
    pub(super) async fn with_referred(
        &mut self,
        platform: PlatformId,
        id: Uuid,
        through: i64,
    ) -> Result<BTreeSet<TermDigest>, StoreError> {
        let (mut found, mut seen, mut next) = (BTreeSet::new(), HashSet::new(), Some(id));
        while let Some(id) = next.filter(|id| seen.len() < LONGEST_CHAIN && seen.insert(*id)) {
            if !self.own.contains_key(&(platform, id)) {
                let Some(named) = indexing::named(self.connection, platform, id).await? else { break };
                self.read(std::slice::from_ref(&named)).await?;
            }
            let Some(own) = self.own.get(&(platform, id)).filter(|own| own.id <= through) else { break };
            found.extend(own.terms.iter().copied());
            next = own.refers_to;
        }
        Ok(found)
    }

    /// The statements that refer to one, directly or not, and are already indexed.
    async fn leading_to(&self, platform: PlatformId, id: Uuid, through: i64) -> Result<BTreeSet<i64>, StoreError> {
        let (mut leading, mut next) = (BTreeSet::new(), vec![id]);
        while let Some(id) = next.pop() {
            for (statement, named) in indexing::referring_to(self.connection, platform, id).await? {
                if statement <= through && leading.len() < MOST_REFERRING && leading.insert(statement) {
                    next.push(named);
                }
            }
        }
        Ok(leading)
    }
}

impl App {
    /// Indexes some of the statements that wait; returns how many.
    pub async fn index_some_statements(&self) -> Result<u64, StoreError> {
        let connection = self.store.connection(Unscoped::Receiving);
        let from = indexing::through(connection).await?;
        let waiting = indexing::after(connection, from, AT_ONCE).await?;
        let Some(last) = waiting.last() else { return Ok(0) };
        let mut indexing = Indexing::new(connection);
        indexing.read(&waiting).await?;
        let definitions = learned(connection, &std::mem::take(&mut indexing.described)).await?;
        let mut found: BTreeSet<(TermDigest, i64)> = BTreeSet::new();
        let mut by_name: BTreeMap<(PlatformId, Uuid), BTreeSet<TermDigest>> = BTreeMap::new();
        for statement in &waiting {
            let name = (statement.platform, statement.statement_id);
            let terms = indexing.with_referred(statement.platform, statement.statement_id, i64::MAX).await?;
            found.extend(terms.iter().map(|term| (*term, statement.id)));
            by_name.insert(name, terms);
        }
        for ((platform, id), terms) in &by_name {
            for leading in indexing.leading_to(*platform, *id, from).await? {
                found.extend(terms.iter().map(|term| (*term, leading)));
            }
        }
        self.store.index_statements(from, last.id, &found, &definitions).await?;
        Ok(waiting.len() as u64)
    }

    /// Indexes what waits, up to a number of statements that causes no noticeable delay.
    pub(super) async fn index_for_a_question(&self) -> Result<(), StoreError> {
        let mut indexed = 0;
        while indexed < AT_A_QUESTION {
            match self.index_some_statements().await? {
                0 => break,
                some => indexed += some,
            }
        }
        Ok(())
    }
}
