use super::*;

#[test]
fn tags_follow_the_grammar_of_rfc_5646() {
    // Appendix A of the RFC, and the old tags.
    for tag in [
        "de",
        "fr",
        "ja",
        "i-enochian",
        "zh-Hant",
        "sr-Latn-RS",
        "zh-cmn-Hans-CN",
        "cmn-Hans-CN",
        "zh-yue-HK",
        "sl-rozaj",
        "sl-rozaj-biske-1994",
        "de-CH-1901",
        "sl-IT-nedis",
        "hy-Latn-IT-arevela",
        "de-DE",
        "en-US",
        "es-419",
        "de-CH-x-phonebk",
        "az-Arab-x-AZE-derbend",
        "x-whatever",
        "qaa-Qaaa-QM-x-southern",
        "sr-Qaaa-RS",
        "en-US-u-islamcal",
        "zh-CN-a-myext-x-private",
        "en-a-myext-b-another",
        "EN-gb-OED",
        "zh-min-nan",
        "art-lojban",
        "SV",
        "abcdefgh",
        "x-a",
    ] {
        assert!(is_language_tag(tag), "{tag}");
    }
    for tag in [
        "",
        "s",
        "sv_SE",
        "sv-",
        "-sv",
        "sv--SE",
        "de-419-DE",
        "a-DE",
        "ar-a-aaa-b-bbb-a-ccc",
        "en-a",
        "en-a-x",
        "x",
        "x-",
        "x-abcdefghi",
        "abcdefghi",
        "en-UK-US",
        "de-DE-1901-1901",
        "sv SE",
        "sväv",
        "1a",
        "en-abcdefghi",
        "abcd-cmn",
    ] {
        assert!(!is_language_tag(tag), "{tag}");
    }
}

#[test]
fn durations_compare_to_a_hundredth_of_a_second() {
    for (one, other) in [
        ("PT1.239S", "PT1.23S"),
        ("PT1.230S", "PT1,23S"),
        ("PT1.001S", "PT1S"),
        ("PT0.009S", "PT0S"),
        ("PT01H", "PT1H"),
        ("P4W", "P04W"),
        ("PT1.50H", "PT1.5H"),
    ] {
        assert_eq!(comparable_duration(one), comparable_duration(other));
    }
    for (one, other) in
        [("PT1.23S", "PT1.24S"), ("PT60S", "PT1M"), ("P1M", "PT1M"), ("PT1H", "PT10H"), ("PT1.555H", "PT1.55H")]
    {
        assert_ne!(comparable_duration(one), comparable_duration(other));
    }
}

#[test]
fn an_address_has_two_parts() {
    for mbox in
        ["mailto:a@b", "mailto:a.b+c@d.example.org", "mailto:%22a%20b%22@example.org", "mailto:o'neill@example.org"]
    {
        assert!(is_mbox(mbox), "{mbox}");
    }
    for mbox in
        ["a@b", "mailto:", "mailto:@", "mailto:a@b..c", "mailto:a@b.", "mailto://a@b", "mailto:a@b#c", "mailto: a@b"]
    {
        assert!(!is_mbox(mbox), "{mbox}");
    }
}

#[test]
fn a_media_type_has_two_parts() {
    for text in [
        "application/pdf",
        "text/plain; charset=utf-8",
        "application/vnd.a+json ;x=y",
        "IMAGE/PNG",
        "text/plain;",
        "text/plain; ;charset=utf-8 ; x=1",
        r#"text/plain; title="a;b \" å"; x=y"#,
    ] {
        assert!(is_media_type(text), "{text}");
    }
    for text in [
        "",
        "pdf",
        "/pdf",
        "application/",
        "a/b/c",
        "a b/c",
        "text/plain;\n",
        "å/b",
        "text/plain; charset",
        "text/plain; charset=",
        "text/plain; =utf-8",
        "text/plain; charset =utf-8",
        "text/plain; a=b c",
        r#"text/plain; a="b"#,
        r#"text/plain; a="b" c"#,
        "text/plain, text/html",
    ] {
        assert!(!is_media_type(text), "{text}");
    }
}

#[test]
fn a_uuid_is_of_the_variant_of_rfc_4122() {
    for text in [
        "6690e6c9-3ef0-4ed3-8b37-7f3964730bee",
        "6690E6C9-3EF0-1ED3-BB37-7F3964730BEE",
        "018f3a6b-7c00-7000-9000-000000000000",
    ] {
        assert!(uuid(text).is_some(), "{text}");
    }
    for text in [
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "6690e6c9-3ef0-4ed3-7b37-7f3964730bee",
        "6690e6c9-3ef0-4ed3-cb37-7f3964730bee",
        "6690e6c9-3ef0-4ed3-eb37-7f3964730bee",
        "6690e6c93ef04ed38b377f3964730bee",
        "urn:uuid:6690e6c9-3ef0-4ed3-8b37-7f3964730bee",
        "",
    ] {
        assert_eq!(uuid(text), None, "{text}");
    }
}

#[test]
fn a_time_in_utc_keeps_its_decimals() {
    for (input, written) in [
        ("2026-03-02T08:14:58+01:00", Some("2026-03-02T07:14:58Z")),
        ("2026-03-02T08:14:58.250+01:00", Some("2026-03-02T07:14:58.250Z")),
        ("2026-03-02T00:14:58.1234567-00:30", Some("2026-03-02T00:44:58.123456700Z")),
        ("20260302T081458,5+0100", Some("2026-03-02T07:14:58.500Z")),
        ("2026-03-02T08:14", Some("2026-03-02T08:14:00Z")),
        ("2026-03-02t08:14:58z", Some("2026-03-02T08:14:58Z")),
        ("2026-03-02T08:14:58.1234567891Z", None),
        ("2026-03-02T08:14:58Z", None),
        ("soon", None),
    ] {
        assert_eq!(in_utc(input).as_deref(), written, "{input}");
    }
}
