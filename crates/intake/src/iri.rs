//! IRIs, as statements and profiles name things.

use fluent_uri::Iri;

/// RFC 3987, section 2.2, `IRI`: with a scheme, so that it means the same everywhere.
pub(super) fn is_iri(text: &str) -> bool {
    Iri::parse(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_iri_has_a_scheme() {
        for iri in
            ["http://x", "urn:a", "https://larportal.example.org/kurs/å?a=b#c", "a:", "http://[::1]/", "x+y-z.1:q"]
        {
            assert!(is_iri(iri), "{iri}");
        }
        for iri in ["", "x", "/x", "//x/y", "#x", "http://a b", "1a:x", "http://x/\u{0}", "http://x/<y>", "http://x/%4"]
        {
            assert!(!is_iri(iri), "{iri}");
        }
    }
}
