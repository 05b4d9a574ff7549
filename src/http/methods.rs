//! `405` with `Allow` (RFC 9110, section 15.5.6): Rocket answers `404` where an address is known and the method is not, and `400`
//! to a method that it has never heard of, such as QUERY.

use std::collections::BTreeSet;

use rocket::Request;
use rocket::http::{Method, Status};

use super::problem::Problem;

/// The problem of a request that was routed nowhere because of its method; `None` where something else was wrong with it.
pub(super) fn refused(status: Status, request: &Request<'_>) -> Option<Problem> {
    let was_not_routed = request.route().is_none() && [Status::NotFound, Status::BadRequest].contains(&status);
    if !was_not_routed {
        return None;
    }
    let path: Vec<&str> = request.uri().path().raw_segments().map(|segment| segment.as_str()).collect();
    let routes = request.rocket().routes().filter(|route| is_at(route.uri.path(), &path));
    let mut methods: BTreeSet<&str> = routes.map(|route| route.method.as_str()).collect();
    if methods.contains(Method::Get.as_str()) {
        methods.insert(Method::Head.as_str());
    }
    if methods.is_empty() {
        return None;
    }
    Some(Problem::method_not_allowed(methods.into_iter().collect::<Vec<_>>().join(", ")))
}

/// Whether a route's pattern, as `/scim/v2/Users/<id>`, has room for a path.
fn is_at(pattern: &str, path: &[&str]) -> bool {
    let mut rest = path.iter();
    for wanted in pattern.split('/').filter(|segment| !segment.is_empty()) {
        if wanted.ends_with("..>") {
            return true;
        }
        let is_any = wanted.starts_with('<');
        if !rest.next().is_some_and(|segment| is_any || *segment == wanted) {
            return false;
        }
    }
    rest.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_has_room_for_the_paths_of_its_own_length() {
        for (pattern, path, fits) in [
            ("/scim/v2/Users/<id>", "/scim/v2/Users/1-1", true),
            ("/scim/v2/Users/<id>", "/scim/v2/Users", false),
            ("/scim/v2/Users/<id>", "/scim/v2/Users/1-1/x", false),
            ("/scim/v2/Schemas", "/scim/v2/Schemas", true),
            ("/scim/v2/Schemas", "/scim/v2/schemas", false),
            ("/files/<path..>", "/files/a/b", true),
        ] {
            let path: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
            assert_eq!(is_at(pattern, &path), fits, "{pattern} {path:?}");
        }
    }
}
