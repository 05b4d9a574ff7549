//! What `GET agents` answers: a Person, whose members are lists (Communication 2.4).

use serde_json::{Map, Value, json};

use super::agent::{Account, Agent, Identifier};

/// A person, with what the query named and no more: a platform does not learn what else is known of them.
#[must_use]
pub fn person_of(agent: &Agent<'_>) -> Value {
    let mut person = Map::new();
    person.insert("objectType".to_owned(), json!("Person"));
    if let Some(name) = &agent.name {
        person.insert("name".to_owned(), json!([name]));
    }
    let (member, value) = match &agent.identifier {
        Identifier::Mbox(mbox) => ("mbox", json!(mbox)),
        Identifier::MboxSha1Sum(digits) => ("mbox_sha1sum", json!(digits)),
        Identifier::OpenId(open_id) => ("openid", json!(open_id)),
        Identifier::Account(Account { home_page, name }) => ("account", json!({"homePage": home_page, "name": name})),
    };
    person.insert(member.to_owned(), json!([value]));
    Value::Object(person)
}
