//! JSON paths (RFC 9535), held to what can be answered in a time that grows with the body alone.

use std::fmt;

use serde_json::Value;
use serde_json_path::{JsonPath, LocatedNode};

/// The longest path that a profile may have, in bytes.
const MAX_LENGTH: usize = 500;
/// Selectors in one pair of brackets, and arguments of a function: each comma may double the work.
const MAX_COMMAS: usize = 2;

/// A path of a profile.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Path {
    written: String,
    path: JsonPath,
}

/// Why a text is no path that a profile may have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPath {
    #[error("is not a JSON path (RFC 9535) such as $.user.email: {0}")]
    NotAPath(String),
    #[error(
        "is more than a path here may be: at most {MAX_LENGTH} characters, one \"..\", one filter \"?\", {MAX_COMMAS} commas, and no \"$\" but the first"
    )]
    TooMuch,
    #[error(
        "may select several places, which in_body must not: name each member, without \"*\", \"..\", \"?\" or \":\""
    )]
    NotSingular,
}

impl Path {
    pub(super) fn parse(text: &str) -> Result<Self, InvalidPath> {
        let count = Counted::of(text);
        let too_much = text.len() > MAX_LENGTH
            || count.descents > 1
            || count.filters > 1
            || count.commas > MAX_COMMAS
            || count.roots > 1;
        if too_much {
            return Err(InvalidPath::TooMuch);
        }
        let path = JsonPath::parse(text).map_err(|error| InvalidPath::NotAPath(error.to_string()))?;
        Ok(Self { written: text.to_owned(), path })
    }

    /// A path in a statement, which may leave the `$.` out.
    pub(super) fn parse_in_statement(text: &str) -> Result<Self, InvalidPath> {
        if text.starts_with('$') { Self::parse(text) } else { Self::parse(&format!("$.{text}")) }
    }

    /// A path that selects one place at the most.
    pub(super) fn parse_singular(text: &str) -> Result<Self, InvalidPath> {
        let path = Self::parse(text)?;
        if Counted::of(text).selects_several { Err(InvalidPath::NotSingular) } else { Ok(path) }
    }

    /// The places that it selects, with their JSON pointers below the value.
    pub(super) fn locate<'v>(&'v self, value: &'v Value) -> impl Iterator<Item = (String, &'v Value)> {
        let located = self.path.query_located(value).into_iter();
        located.map(|node: LocatedNode<'v>| (node.location().to_json_pointer(), node.node()))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

/// What stands in a path outside of quoted names.
#[derive(Default)]
struct Counted {
    descents: usize,
    filters: usize,
    commas: usize,
    roots: usize,
    selects_several: bool,
}

impl Counted {
    fn of(text: &str) -> Self {
        let mut count = Self::default();
        let (mut quote, mut escaped, mut before) = (None, false, ' ');
        for c in text.chars() {
            match quote {
                Some(_) if escaped => escaped = false,
                Some(_) if c == '\\' => escaped = true,
                Some(open) if c == open => quote = None,
                Some(_) => {}
                None => match c {
                    '"' | '\'' => quote = Some(c),
                    '.' if before == '.' => count.descents += 1,
                    '?' => count.filters += 1,
                    ',' => count.commas += 1,
                    '$' => count.roots += 1,
                    '*' | ':' => count.selects_several = true,
                    _ => {}
                },
            }
            before = c;
        }
        count.selects_several |= count.descents > 0 || count.filters > 0 || count.commas > 0;
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_finds_places_and_tells_them() {
        let value = serde_json::json!({"a": [{"k": "x", "v": 1}, {"k": "y/z", "v": 2}], "m/n": {"o~": 3}});
        for (path, places) in [
            ("$.a[0].v", &["/a/0/v"][..]),
            ("$.a[?@.k == 'y/z'].v", &["/a/1/v"]),
            ("$..v", &["/a/0/v", "/a/1/v"]),
            ("$['m/n']['o~']", &["/m~1n/o~0"]),
            ("$.none", &[]),
            ("$", &[""]),
        ] {
            let path = Path::parse(path).expect("a path");
            let found: Vec<String> = path.locate(&value).map(|(pointer, _)| pointer).collect();
            assert_eq!(found, places, "{path}");
        }
    }

    #[test]
    fn a_path_that_could_take_long_is_refused() {
        let long = format!("$.{}", "a".repeat(500));
        for path in ["$..a..b", "$[?@.a[?@.b]]", "$[*,*,*,*]", "$[?$.a == @.b]", &long] {
            assert_eq!(Path::parse(path), Err(InvalidPath::TooMuch), "{path}");
        }
        for path in ["", "a", "$.", "$[", "$.a b", "$[?match(@.a, 'b')]"] {
            assert!(matches!(Path::parse(path), Err(InvalidPath::NotAPath(_))), "{path}");
        }
        assert!(Path::parse("$['..?,$']['..?,$,,,']").is_ok(), "what is quoted is a name");
    }

    #[test]
    fn a_singular_path_names_one_place() {
        assert!(Path::parse_singular("$.a['b*'][0]").is_ok());
        for path in ["$.a[*]", "$..a", "$.a[?@.b]", "$.a[0:1]", "$.a[0,1]"] {
            assert_eq!(Path::parse_singular(path), Err(InvalidPath::NotSingular), "{path}");
        }
    }
}
