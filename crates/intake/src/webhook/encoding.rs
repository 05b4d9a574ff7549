//! Compressed bodies: what was signed is stored as it was sent, and inflated to be read, within a limit.

use std::borrow::Cow;
use std::io::Read;

use flate2::read::MultiGzDecoder;

/// The most bytes that a body may have when it is inflated; four times the largest that may be sent, by default.
pub const MAX_INFLATED: u64 = 1024 * 1024;

/// How gzip begins (RFC 1952, section 2.3.1). No JSON begins so, in any encoding of Unicode: the bytes tell by
/// themselves.
const GZIP: [u8; 3] = [0x1f, 0x8b, 8];

/// Why a body cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InflateError {
    #[error("inflates to more than {MAX_INFLATED} bytes: send less at a time")]
    TooLarge,
    #[error("begins as gzip and is not: compress it again, or send it plain")]
    Broken,
}

/// A body as it is read: itself, or what was compressed. No more than [`MAX_INFLATED`] bytes are ever inflated.
pub fn plain(body: &[u8]) -> Result<Cow<'_, [u8]>, InflateError> {
    if !body.starts_with(&GZIP) {
        return Ok(Cow::Borrowed(body));
    }
    let mut inflated = Vec::new();
    // One byte more shows whether it ends there or goes on.
    let reading = MultiGzDecoder::new(body).take(MAX_INFLATED + 1).read_to_end(&mut inflated);
    if inflated.len() as u64 > MAX_INFLATED {
        return Err(InflateError::TooLarge);
    }
    reading.map_err(|_| InflateError::Broken)?;
    Ok(Cow::Owned(inflated))
}

/// Whether a `Content-Encoding` is one that is taken: none, or gzip, once.
#[must_use]
pub fn is_taken(content_encoding: &str) -> bool {
    let encoding = content_encoding.trim();
    ["", "identity", "gzip", "x-gzip"].iter().any(|taken| encoding.eq_ignore_ascii_case(taken))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).expect("memory");
        encoder.finish().expect("memory")
    }

    #[test]
    fn a_body_inflates_up_to_the_limit_and_no_further() {
        let limit = usize::try_from(MAX_INFLATED).expect("small");
        assert_eq!(plain(&gzip(&vec![b' '; limit])).map(|body| body.len()), Ok(limit));
        assert_eq!(plain(&gzip(&vec![b' '; limit + 1])), Err(InflateError::TooLarge));
        // A hundred megabytes in a tenth of one; and the same once more behind it.
        let bomb = gzip(&vec![0; 100 * limit]);
        assert_eq!(plain(&[bomb.clone(), bomb].concat()), Err(InflateError::TooLarge));
    }

    #[test]
    fn what_only_begins_as_gzip_is_refused() {
        let whole = gzip(b"{}");
        for cut in 3..whole.len() {
            assert_eq!(plain(&whole[..cut]), Err(InflateError::Broken), "{cut}");
        }
        assert_eq!(plain(b"{}").as_deref(), Ok(&b"{}"[..]));
    }

    #[test]
    fn gzip_is_taken_and_nothing_else_is() {
        assert!(["", "gzip", "GZIP", "identity", " gzip "].iter().all(|encoding| is_taken(encoding)));
        assert!(!["br", "deflate", "gzip, gzip", "zstd"].iter().any(|encoding| is_taken(encoding)));
    }

    proptest! {
        #[test]
        fn what_is_compressed_is_read_as_it_was(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
            let compressed = gzip(&bytes);
            let read = plain(&compressed).expect("whole");
            prop_assert_eq!(read.as_ref(), bytes.as_slice());
        }

        #[test]
        fn any_bytes_are_read_or_refused(mut bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
            bytes.splice(0..0, GZIP);
            let _ = plain(&bytes);
        }
    }
}
