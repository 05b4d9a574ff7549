//! A filter bound to the schema: it is evaluated on resources, and says which of them an index can find.

use std::cmp::Ordering;

use chrono::{DateTime, FixedOffset};
use serde_json::{Map, Value};

use super::super::schema::{Attribute, Kind, Named, Place, Schemas};
use super::{Filter, FilterError, Literal, Operator};

/// A filter whose names are known.
#[derive(Debug, Clone)]
pub enum Bound<'s> {
    All(Vec<Bound<'s>>),
    Any(Vec<Bound<'s>>),
    Not(Box<Bound<'s>>),
    /// `None`: of an attribute that is not stored, and so never there.
    Present(Option<Target<'s>>),
    Compare(Option<Target<'s>>, Operator, Literal),
    Within(Target<'s>, Box<Bound<'s>>),
}

/// What a term compares: an attribute of the resource, or a part of the element in whose brackets the term is.
#[derive(Debug, Clone, Copy)]
pub enum Target<'s> {
    OfResource(Place<'s>),
    OfElement(&'s Attribute),
}

/// What an index can find: the values of one attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// The attribute's canonical name.
    pub attribute: String,
    pub value: String,
}

impl<'s> Target<'s> {
    fn attribute(&self) -> &'s Attribute {
        match self {
            Self::OfResource(place) => place.target(),
            Self::OfElement(part) => part,
        }
    }

    /// The attribute that is compared: the value of a complex one.
    fn compared(&self) -> &'s Attribute {
        let attribute = self.attribute();
        attribute.value_part().unwrap_or(attribute)
    }

    fn values<'v>(&self, resource: &'v Map<String, Value>) -> Vec<&'v Value> {
        match self {
            Self::OfResource(place) => place.values(resource),
            Self::OfElement(part) => resource.get(&part.name).into_iter().collect(),
        }
    }

    /// The plain values that are compared.
    fn plain<'v>(&self, resource: &'v Map<String, Value>) -> Vec<&'v Value> {
        let values = self.values(resource);
        let is_plain = self.attribute().kind != Kind::Complex;
        values.into_iter().filter_map(|value| if is_plain { Some(value) } else { value.get("value") }).collect()
    }
}

/// The parts that any multi-valued attribute may have (RFC 7643, section 2.4), even those that are not used here.
const OF_EVERY_ELEMENT: [&str; 5] = ["type", "primary", "display", "value", "$ref"];

impl Filter {
    /// Binds the filter to a resource's schemas.
    pub fn bind<'s>(&self, schemas: &'s Schemas) -> Result<Bound<'s>, FilterError> {
        self.bind_with(&|name| match schemas.named(name) {
            Ok(Named::Attribute(place)) => Ok(Some(Target::OfResource(place))),
            Ok(Named::NotStored) => Ok(None),
            Ok(Named::Extension(_)) | Err(_) => Err(FilterError::UnknownAttribute(name.to_owned())),
        })
    }

    /// Binds the filter to the elements of one attribute, as within brackets.
    pub fn bind_to_element<'s>(&self, attribute: &'s Attribute) -> Result<Bound<'s>, FilterError> {
        self.bind_with(&|name| match attribute.part(name) {
            Some(part) => Ok(Some(Target::OfElement(part))),
            None if OF_EVERY_ELEMENT.iter().any(|known| known.eq_ignore_ascii_case(name)) => Ok(None),
            None => Err(FilterError::UnknownAttribute(format!("{}.{name}", attribute.name))),
        })
    }

    fn bind_with<'s>(
        &self,
        find: &dyn Fn(&str) -> Result<Option<Target<'s>>, FilterError>,
    ) -> Result<Bound<'s>, FilterError> {
        let all = |terms: &[Self]| terms.iter().map(|term| term.bind_with(find)).collect::<Result<Vec<_>, _>>();
        Ok(match self {
            Self::And(terms) => Bound::All(all(terms)?),
            Self::Or(terms) => Bound::Any(all(terms)?),
            Self::Not(inner) => Bound::Not(Box::new(inner.bind_with(find)?)),
            Self::Present(path) => Bound::Present(find(path.as_str())?),
            Self::Compare(path, operator, literal) => {
                let target = find(path.as_str())?;
                let literal = match target {
                    Some(target) => comparable(target.compared(), *operator, literal)?,
                    None => literal.clone(),
                };
                Bound::Compare(target, *operator, literal)
            }
            Self::Within(path, inner) => {
                let Some(target) = find(path.as_str())? else { return Ok(Bound::Present(None)) };
                let attribute = target.attribute();
                if attribute.parts.is_empty() {
                    return Err(FilterError::NoParts(path.to_string()));
                }
                Bound::Within(target, Box::new(inner.bind_to_element(attribute)?))
            }
        })
    }
}

/// The literal as it is compared with an attribute, if the two can be (RFC 7644, section 3.4.2.2).
fn comparable(attribute: &Attribute, operator: Operator, literal: &Literal) -> Result<Literal, FilterError> {
    let kind = attribute.kind.as_str();
    let not_comparable =
        || FilterError::NotComparable { attribute: attribute.name.clone(), operator: operator.as_str(), kind };
    let wrong = || FilterError::WrongLiteral { attribute: attribute.name.clone(), kind };
    let is_equality = matches!(operator, Operator::Equal | Operator::NotEqual);
    match (attribute.kind, literal) {
        (_, Literal::Null) => {
            if is_equality {
                Ok(Literal::Null)
            } else {
                Err(not_comparable())
            }
        }
        (Kind::Complex, _) => Err(not_comparable()),
        (Kind::Boolean, _) if !is_equality => Err(not_comparable()),
        (Kind::Boolean, Literal::Boolean(truth)) => Ok(Literal::Boolean(*truth)),
        (Kind::Boolean, Literal::Text(text)) => match text.to_ascii_lowercase().as_str() {
            "true" => Ok(Literal::Boolean(true)),
            "false" => Ok(Literal::Boolean(false)),
            _ => Err(wrong()),
        },
        (Kind::DateTime, Literal::Text(text)) => instant(text).map(|_| Literal::Text(text.clone())).ok_or_else(wrong),
        (Kind::Text | Kind::Reference, Literal::Text(text)) => Ok(Literal::Text(normalised(attribute, text))),
        // Clients that store employee numbers as numbers send them without quotes.
        (Kind::Text, Literal::Number(number)) => Ok(Literal::Text(number.to_string())),
        (Kind::Boolean | Kind::DateTime | Kind::Text | Kind::Reference, _) => Err(wrong()),
    }
}

fn instant(text: &str) -> Option<DateTime<FixedOffset>> {
    DateTime::parse_from_rfc3339(text).ok()
}

fn normalised(attribute: &Attribute, text: &str) -> String {
    if attribute.is_case_exact { text.to_owned() } else { kurskoll_domain::linking::normalized(text) }
}

impl Bound<'_> {
    /// Whether a resource, or an element, matches.
    #[must_use]
    pub fn holds(&self, resource: &Map<String, Value>) -> bool {
        match self {
            Self::All(terms) => terms.iter().all(|term| term.holds(resource)),
            Self::Any(terms) => terms.iter().any(|term| term.holds(resource)),
            Self::Not(inner) => !inner.holds(resource),
            Self::Present(target) => target.is_some_and(|target| target.values(resource).into_iter().any(is_there)),
            // What is not stored is empty: it differs from everything, and equals nothing but null.
            Self::Compare(None, operator, literal) => {
                (*operator == Operator::NotEqual) != (*literal == Literal::Null)
                    && matches!(operator, Operator::Equal | Operator::NotEqual)
            }
            Self::Compare(Some(target), operator, literal) => {
                let values = target.plain(resource);
                match (operator, literal) {
                    (Operator::Equal, Literal::Null) => values.is_empty(),
                    (Operator::NotEqual, Literal::Null) => !values.is_empty(),
                    (Operator::NotEqual, _) if values.is_empty() => true,
                    _ => values.into_iter().any(|value| compare(target.compared(), value, *operator, literal)),
                }
            }
            Self::Within(target, inner) => {
                target.values(resource).into_iter().filter_map(Value::as_object).any(|element| inner.holds(element))
            }
        }
    }

    /// Whether an attribute of the resource itself decides anything here.
    #[must_use]
    pub fn looks_at(&self, attribute: &str) -> bool {
        let is_it =
            |target: &Target<'_>| matches!(target, Target::OfResource(place) if place.attribute.name == attribute);
        match self {
            Self::All(terms) | Self::Any(terms) => terms.iter().any(|term| term.looks_at(attribute)),
            Self::Not(inner) => inner.looks_at(attribute),
            Self::Present(target) | Self::Compare(target, ..) => target.as_ref().is_some_and(is_it),
            Self::Within(target, _) => is_it(target),
        }
    }

    /// Lookups that together find every resource for which the filter can hold; `None` if no index can.
    #[must_use]
    pub fn lookups(&self) -> Option<Vec<Lookup>> {
        match self {
            Self::Compare(Some(Target::OfResource(place)), Operator::Equal, Literal::Text(value)) => {
                let attribute = match (place.part, place.attribute.value_part()) {
                    (None, Some(value)) => Place { part: Some(value), ..*place }.canonical(),
                    _ => place.canonical(),
                };
                Some(vec![Lookup { attribute, value: value.clone() }])
            }
            Self::Within(Target::OfResource(place), inner) => {
                let value = place.attribute.value_part()?;
                let value = inner.equal_value(&value.name)?;
                let attribute = Place { part: place.attribute.value_part(), ..*place }.canonical();
                Some(vec![Lookup { attribute, value }])
            }
            Self::All(terms) => terms.iter().filter_map(Self::lookups).min_by_key(Vec::len),
            Self::Any(terms) => {
                let all: Option<Vec<Vec<Lookup>>> = terms.iter().map(Self::lookups).collect();
                all.map(|all| all.into_iter().flatten().collect())
            }
            Self::Compare(..) | Self::Within(..) | Self::Present(_) | Self::Not(_) => None,
        }
    }

    /// The parts that an element must have for the filter to hold, if the filter names them plainly: what a new element
    /// gets.
    #[must_use]
    pub fn demanded(&self) -> Vec<(&str, Value)> {
        match self {
            Self::Compare(Some(Target::OfElement(part)), Operator::Equal, literal) => {
                let value = match literal {
                    Literal::Text(text) => Value::String(text.clone()),
                    Literal::Boolean(truth) => Value::Bool(*truth),
                    Literal::Number(number) => Value::Number(number.clone()),
                    Literal::Null => return Vec::new(),
                };
                vec![(part.name.as_str(), value)]
            }
            Self::All(terms) => terms.iter().flat_map(Self::demanded).collect(),
            _ => Vec::new(),
        }
    }

    fn equal_value(&self, part: &str) -> Option<String> {
        let demanded = self.demanded();
        let (_, value) = demanded.iter().find(|(name, _)| *name == part)?;
        value.as_str().map(ToOwned::to_owned)
    }
}

/// Present is what is there and not empty.
fn is_there(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(elements) => !elements.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

fn compare(attribute: &Attribute, value: &Value, operator: Operator, literal: &Literal) -> bool {
    let ordered = |order: Ordering| match operator {
        Operator::Equal => order.is_eq(),
        Operator::NotEqual => order.is_ne(),
        Operator::Greater => order.is_gt(),
        Operator::GreaterOrEqual => order.is_ge(),
        Operator::Less => order.is_lt(),
        Operator::LessOrEqual => order.is_le(),
        Operator::Contains | Operator::StartsWith | Operator::EndsWith => false,
    };
    match (value, literal) {
        (Value::Bool(value), Literal::Boolean(wanted)) => ordered(value.cmp(wanted)),
        (Value::String(value), Literal::Text(wanted)) => {
            if attribute.kind == Kind::DateTime
                && let (Some(value), Some(wanted)) = (instant(value), instant(wanted))
            {
                return ordered(value.cmp(&wanted));
            }
            let value = normalised(attribute, value);
            match operator {
                Operator::Contains => value.contains(wanted.as_str()),
                Operator::StartsWith => value.starts_with(wanted.as_str()),
                Operator::EndsWith => value.ends_with(wanted.as_str()),
                _ => ordered(value.as_str().cmp(wanted.as_str())),
            }
        }
        _ => operator == Operator::NotEqual,
    }
}
