use chrono::TimeDelta;

use super::*;
use crate::profile::Profile;

const BODY: &[u8] = br#"{"type": "done"}"#;
const SECRET: &str = "whsec_c2VjcmV0IG9mIHRoaXJ0eS10d28gYnl0ZXMsIG9yIHNvLg==";

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_772_439_300, 0).expect("an instant")
}

fn signing(toml: &str) -> Signing {
    let rest = "title = \"x\"\n[fields]\nemail = \"$.e\"\ncourse = \"$.c\"\noccurred_at = \"$.t\"\n[[events]]\nis = \"completion\"\n";
    let profile = Profile::parse(&format!("{rest}[signature]\n{toml}"));
    profile.unwrap_or_else(|problems| panic!("{problems}")).signing().clone()
}

fn outcome(signing: &Signing, headers: &[(&str, &str)]) -> String {
    let secrets = ["an older one".to_owned(), SECRET.to_owned()];
    match signing.verify(&secrets, &headers.iter().copied().collect(), BODY, now()) {
        Ok(()) => "authentic".to_owned(),
        Err(error) => error.to_string().split(':').next().unwrap_or_default().to_owned(),
    }
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    code(key, parts.iter().copied()).as_bytes().to_vec()
}

#[test]
fn an_hmac_in_hex_with_a_prefix_fits_any_secret_that_holds() {
    let signing =
        signing("scheme = \"hmac-sha256\"\nheader = \"X-Hub-Signature-256\"\nencoding = \"hex\"\nprefix = \"sha256=\"");
    let (good, older) = (hex::encode(hmac(SECRET.as_bytes(), &[BODY])), hex::encode(hmac(b"an older one", &[BODY])));
    let other = hex::encode(hmac(b"another", &[BODY]));
    for (value, expected) in [
        (format!("sha256={good}"), "authentic"),
        (format!(" SHA256={} ", good.to_uppercase()), "authentic"),
        (format!("sha256={older}"), "authentic"),
        (format!("sha256={other}"), "no signature fits"),
        (good, "the header X-Hub-Signature-256 does not begin with \"sha256=\""),
        ("sha256=".to_owned(), "the header X-Hub-Signature-256 is not a code in hexadecimal"),
        ("sha256=abcd".to_owned(), "the header X-Hub-Signature-256 is not a code in hexadecimal"),
        ("å".repeat(5_000), "the header X-Hub-Signature-256 is missing"),
        ("ååååååå".to_owned(), "the header X-Hub-Signature-256 does not begin with \"sha256=\""),
    ] {
        assert_eq!(outcome(&signing, &[("x-hub-signature-256", &value)]), expected, "{value:.40}");
    }
    assert_eq!(outcome(&signing, &[]), "the header X-Hub-Signature-256 is missing");
}

#[test]
fn a_time_that_is_signed_holds_for_as_long_as_the_profile_says() {
    let signing = signing(
        "scheme = \"hmac-sha256\"\nheader = \"X-Code\"\nencoding = \"base64\"\nkey = \"base64\"\nsigned = \"v0:{timestamp}:{body}\"\n\
         timestamp_header = \"X-Time\"\ntolerance_seconds = 60",
    );
    let key = STANDARD.decode(SECRET.strip_prefix("whsec_").expect("a prefix")).expect("Base64");
    let signed_at = |seconds: i64| (now() + TimeDelta::seconds(seconds)).timestamp().to_string();
    let code = |time: &str| STANDARD.encode(hmac(&key, &[b"v0:", time.as_bytes(), b":", BODY]));
    for (seconds, expected) in [
        (0, "authentic"),
        (-60, "authentic"),
        (60, "authentic"),
        (-61, "the delivery was signed 61 seconds ago, and the limit is 60"),
        (61, "the delivery was signed 61 seconds in the future, and the limit is 60"),
    ] {
        let time = signed_at(seconds);
        assert_eq!(outcome(&signing, &[("X-Code", &code(&time)), ("X-Time", &time)]), expected, "{seconds}");
    }
    let (then, time) = (signed_at(-10), signed_at(0));
    assert_eq!(outcome(&signing, &[("X-Code", &code(&then)), ("X-Time", &time)]), "no signature fits");
    for time in ["", "-1", "+1772439300", "soon", "99999999999999999999"] {
        assert_eq!(
            outcome(&signing, &[("X-Code", &code(time)), ("X-Time", time)]),
            "the header X-Time is not a time in seconds since 1970"
        );
    }
    assert_eq!(outcome(&signing, &[("X-Code", &code(""))]), "the header X-Time is missing");
}

#[test]
fn a_shared_secret_fits_whole_or_not_at_all() {
    let signing = signing("scheme = \"shared-secret\"\nheader = \"Authorization\"\nprefix = \"Bearer \"");
    for (value, expected) in [
        (format!("Bearer {SECRET}"), "authentic"),
        ("bearer an older one".to_owned(), "authentic"),
        (format!("Bearer {}", &SECRET[1..]), "the secret is not this platform's"),
        (format!("Bearer {SECRET}x"), "the secret is not this platform's"),
        ("Bearer ".to_owned(), "the header Authorization does not begin with \"Bearer \""),
        (SECRET.to_owned(), "the header Authorization does not begin with \"Bearer \""),
    ] {
        assert_eq!(outcome(&signing, &[("Authorization", &value)]), expected, "{value}");
    }
}

#[test]
fn basic_authentication_takes_name_and_password_together() {
    let signing = signing("scheme = \"basic\"");
    let secret = signing.new_secret().reveal();
    let (key, password) = secret.split_once(':').expect("a name and a password");
    assert!(key.len() >= 16 && password.len() >= 32 && !password.contains(':'));
    let verify = |text: &str| {
        let value = format!("Basic {}", STANDARD.encode(text));
        let headers: Headers<'_> = [("authorization", value.as_str())].into_iter().collect();
        signing.verify(std::slice::from_ref(&secret), &headers, BODY, now())
    };
    assert_eq!(verify(&secret), Ok(()));
    for text in [format!("{key}:"), format!(":{password}"), format!("{key}:{password}x"), format!("x{key}:{password}")]
    {
        assert_eq!(verify(&text), Err(NotAuthentic::WrongSecret), "{text}");
    }
    assert_eq!(verify("no colon"), Err(NotAuthentic::NoCredentials));
    for value in ["", "Basic", "Basic !", "Bearer eDp5"] {
        assert_eq!(outcome(&signing, &[("authorization", value)]), "no name and password were sent");
    }
}

#[test]
fn without_a_secret_nothing_is_authentic() {
    let signing = signing("scheme = \"shared-secret\"\nheader = \"X-Key\"");
    let headers: Headers<'_> = [("x-key", "")].into_iter().collect();
    assert_eq!(signing.verify(&[], &headers, BODY, now()), Err(NotAuthentic::WrongSecret));
}

#[test]
fn a_signed_time_is_known_in_whichever_unit_and_an_unsigned_one_is_not() {
    let timestamp = |unit: &str| {
        signing(&format!(
            "scheme = \"hmac-sha256\"\nheader = \"X-Sig\"\nencoding = \"hex\"\nsigned = \"{{timestamp}}.{{body}}\"\n\
             timestamp_header = \"X-Time\"\ntimestamp_unit = \"{unit}\""
        ))
    };
    let at = |signing: &Signing, headers: &[(&str, &str)]| signing.signed_at(&headers.iter().copied().collect());
    let seconds = [("X-Time", "1772439300"), ("webhook-timestamp", "1772439300")];
    assert_eq!(at(&timestamp("seconds"), &seconds), Some(now()));
    assert_eq!(at(&timestamp("milliseconds"), &[("x-time", "1772439300999")]), Some(now()));
    assert_eq!(at(&signing("scheme = \"standard-webhooks\""), &seconds), Some(now()));
    assert_eq!(at(&signing("scheme = \"basic\""), &seconds), None);
    assert_eq!(at(&timestamp("seconds"), &[("X-Time", "soon")]), None);
}
