//! Ed25519 keys: one that signs, those before it that still verify.

use std::collections::BTreeMap;
use std::fmt;

use aws_lc_rs::signature::{ED25519_PUBLIC_KEY_LEN, Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{DecodingKey, EncodingKey};
use sha2::{Digest, Sha256};

/// Why something is not a key of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("the system's cryptography could not make an Ed25519 key pair")]
    Generation,
    #[error("the stored private key is not an Ed25519 key in PKCS#8 form")]
    NotAPrivateKey,
    #[error("the stored public key is not an Ed25519 public key of {ED25519_PUBLIC_KEY_LEN} bytes")]
    NotAPublicKey,
    #[error("the stored public key does not belong to the stored private key")]
    PublicKeyDiffers,
    #[error("the stored key has no id")]
    NoId,
}

/// A stored key. The private part is secret: `Debug` leaves it out.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// The key's id in a token's header (`kid`).
    pub kid: String,
    /// PKCS#8 version 1, DER, unencrypted.
    pub private_pkcs8: Vec<u8>,
    /// The 32 bytes of the public key.
    pub public: Vec<u8>,
}

impl fmt::Debug for StoredKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// A key pair that signs tokens. `Debug` shows its id alone; the private bytes are wiped from memory when it is
/// dropped.
#[derive(Clone)]
pub struct SigningKey {
    kid: String,
    private: EncodingKey,
    public: Vec<u8>,
}

impl SigningKey {
    /// Makes a new key pair, called by the thumbprint of its public key.
    pub fn generate() -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::generate().map_err(|_| KeyError::Generation)?;
        let private_pkcs8 = pair.to_pkcs8v1().map_err(|_| KeyError::Generation)?;
        let public = pair.public_key().as_ref().to_vec();
        Ok(Self { kid: thumbprint(&public), private: EncodingKey::from_ed_der(private_pkcs8.as_ref()), public })
    }

    /// Reads a key from the store, and checks that its two halves match.
    pub fn from_stored(stored: &StoredKey) -> Result<Self, KeyError> {
        if stored.kid.is_empty() {
            return Err(KeyError::NoId);
        }
        let pair = Ed25519KeyPair::from_pkcs8(&stored.private_pkcs8).map_err(|_| KeyError::NotAPrivateKey)?;
        if pair.public_key().as_ref() != stored.public {
            return Err(KeyError::PublicKeyDiffers);
        }
        Ok(Self {
            kid: stored.kid.clone(),
            private: EncodingKey::from_ed_der(&stored.private_pkcs8),
            public: stored.public.clone(),
        })
    }

    /// The key to be stored, its private part included.
    #[must_use]
    pub fn to_stored(&self) -> StoredKey {
        StoredKey {
            kid: self.kid.clone(),
            private_pkcs8: self.private.as_bytes().to_vec(),
            public: self.public.clone(),
        }
    }

    /// The key's id in a token's header (`kid`).
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The half that is left when the key is retired.
    #[must_use]
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey { kid: self.kid.clone(), public: self.public.clone() }
    }

    pub(super) const fn private(&self) -> &EncodingKey {
        &self.private
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// The public half of a key: verifies tokens and signs none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyingKey {
    kid: String,
    public: Vec<u8>,
}

impl VerifyingKey {
    /// Reads a retired key from the store, which may have deleted its private half.
    pub fn from_stored(kid: &str, public: &[u8]) -> Result<Self, KeyError> {
        if kid.is_empty() {
            return Err(KeyError::NoId);
        }
        if public.len() != ED25519_PUBLIC_KEY_LEN {
            return Err(KeyError::NotAPublicKey);
        }
        Ok(Self { kid: kid.to_owned(), public: public.to_vec() })
    }
}

/// The newest key, which signs, and those before it, which verify until they are removed from the store.
#[derive(Debug, Clone)]
pub struct KeyRing {
    newest: SigningKey,
    verifying: BTreeMap<String, DecodingKey>,
}

impl KeyRing {
    /// A ring whose newest key signs, and verifies as the retired ones do.
    #[must_use]
    pub fn new(newest: SigningKey, retired: impl IntoIterator<Item = VerifyingKey>) -> Self {
        let verifying = retired
            .into_iter()
            // Last, so that no retired key of the same id takes the newest one's place.
            .chain([newest.verifying_key()])
            .map(|key| (key.kid, DecodingKey::from_ed_der(&key.public)))
            .collect();
        Self { newest, verifying }
    }

    pub(super) const fn newest(&self) -> &SigningKey {
        &self.newest
    }

    pub(super) fn verifying(&self, kid: &str) -> Option<&DecodingKey> {
        self.verifying.get(kid)
    }
}

/// The JWK thumbprint of an Ed25519 public key (RFC 7638; RFC 8037, appendix A.3): the same key always has the same
/// name.
fn thumbprint(public: &[u8]) -> String {
    let jwk = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, URL_SAFE_NO_PAD.encode(public));
    URL_SAFE_NO_PAD.encode(Sha256::digest(jwk.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_comes_back_from_the_store_as_it_went() {
        let key = SigningKey::generate().expect("a key");
        let back = SigningKey::from_stored(&key.to_stored()).expect("the same key");
        assert_eq!(back.to_stored(), key.to_stored());
        assert_eq!(VerifyingKey::from_stored(key.kid(), &key.to_stored().public), Ok(key.verifying_key()));
    }

    #[test]
    fn a_damaged_key_is_refused() {
        let stored = SigningKey::generate().expect("a key").to_stored();
        let other = SigningKey::generate().expect("a key").to_stored();
        let refused = |stored: StoredKey| SigningKey::from_stored(&stored).map(|key| key.kid).err();
        assert_eq!(refused(StoredKey { kid: String::new(), ..stored.clone() }), Some(KeyError::NoId));
        assert_eq!(
            refused(StoredKey { public: other.public, ..stored.clone() }),
            Some(KeyError::PublicKeyDiffers),
            "the halves of two keys"
        );
        let cut = stored.private_pkcs8[..20].to_vec();
        assert_eq!(refused(StoredKey { private_pkcs8: cut, ..stored }), Some(KeyError::NotAPrivateKey));
        assert_eq!(VerifyingKey::from_stored("k", &[0; 31]), Err(KeyError::NotAPublicKey));
        assert_eq!(VerifyingKey::from_stored("", &[0; 32]), Err(KeyError::NoId));
    }

    #[test]
    fn debug_shows_no_more_than_the_id() {
        let key = SigningKey::generate().expect("a key");
        assert_eq!(format!("{key:?}"), format!("SigningKey {{ kid: {:?}, .. }}", key.kid()));
        assert_eq!(format!("{:?}", key.to_stored()), format!("StoredKey {{ kid: {:?}, .. }}", key.kid()));
        assert!(format!("{:?}", KeyRing::new(key, [])).contains("[redacted]"));
    }

    #[test]
    fn the_id_is_the_thumbprint_of_rfc_8037() {
        let public = URL_SAFE_NO_PAD.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").expect("base64url");
        assert_eq!(thumbprint(&public), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }
}
