//! `405` with `Allow` (RFC 9110, section 15.5.6). Rocket answers `404` if an address is known and the method is not,
//! and `400` to a method that it does not know, such as QUERY.

use std::collections::BTreeSet;

use rocket::Request;
use rocket::http::{Method, Status};

use super::problem::Problem;

/// The problem of a request without a route because of its method; `None` if something else was wrong.
pub(super) fn refused(status: Status, request: &Request<'_>) -> Option<Problem> {
    let was_not_routed = request.route().is_none() && [Status::NotFound, Status::BadRequest].contains(&status);
    if !was_not_routed {
        return None;
    }
    let path: Vec<&str> = request.uri().path().raw_segments().map(|segment| segment.as_str()).collect();
    let found =
        request.rocket().routes().filter_map(|route| Some((any_segments(route.uri.path(), &path)?, route.method)));
    let found: Vec<(usize, Method)> = found.collect();
    // /profiles/check is an address of its own, though /profiles/<name> matches it.
    let closest = found.iter().map(|(any, _)| *any).min()?;
    let of_closest = found.iter().filter(|(any, _)| *any == closest);
    let mut methods: BTreeSet<&str> = of_closest.map(|(_, method)| method.as_str()).collect();
    if methods.contains(Method::Get.as_str()) {
        methods.insert(Method::Head.as_str());
    }
    Some(Problem::method_not_allowed(methods.into_iter().collect::<Vec<_>>().join(", ")))
}

/// How many segments of a path match a variable of a route's pattern, such as `/scim/v2/Users/<id>`; `None` if the
/// pattern does not match the path.
fn any_segments(pattern: &str, path: &[&str]) -> Option<usize> {
    let mut rest = path.iter();
    let mut any = 0;
    for wanted in pattern.split('/').filter(|segment| !segment.is_empty()) {
        if wanted.ends_with("..>") {
            return Some(path.len());
        }
        let is_any = wanted.starts_with('<');
        any += usize::from(is_any);
        rest.next().filter(|segment| is_any || **segment == wanted)?;
    }
    rest.next().is_none().then_some(any)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_has_room_for_the_paths_of_its_own_length() {
        for (pattern, path, fits) in [
            ("/scim/v2/Users/<id>", "/scim/v2/Users/1-1", Some(1)),
            ("/scim/v2/Users/<id>", "/scim/v2/Users", None),
            ("/scim/v2/Users/<id>", "/scim/v2/Users/1-1/x", None),
            ("/scim/v2/Schemas", "/scim/v2/Schemas", Some(0)),
            ("/scim/v2/Schemas", "/scim/v2/schemas", None),
            ("/files/<path..>", "/files/a/b", Some(3)),
        ] {
            let path: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
            assert_eq!(any_segments(pattern, &path), fits, "{pattern} {path:?}");
        }
    }
}
