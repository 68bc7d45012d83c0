//! Key sets: public keys as a token server publishes them (JWKS, RFC 7517), and which of them a token was signed with.
//!
//! A key that cannot be used does not spoil the others. It is passed over, with its
//! reason for the log; a set without one usable key is refused. A shared secret (`oct`) is never usable.

use super::algorithm::Algorithm;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use serde_json::Value;

/// The largest key set, in bytes.
pub const KEY_SET_BYTES_MAX: usize = 262_144;
/// The most keys in one set.
const KEYS_MAX: usize = 100;
/// Longest id of a key, in characters.
const KEY_ID_CHARS_MAX: usize = 256;
/// Sizes of RSA keys, in bits: less is too weak, more takes too long.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2_048..=8_192;

const RSA: &[Algorithm] = &[Algorithm::Rs256, Algorithm::Rs384, Algorithm::Rs512, Algorithm::Ps256, Algorithm::Ps384, Algorithm::Ps512];

/// The public keys of one token server.
#[derive(Debug)]
pub struct KeySet {
    /// What it was read from, to tell whether a set has changed.
    text: Vec<u8>,
    keys: Vec<Key>,
    passed_over: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Key {
    id: Option<String>,
    /// What it may have signed with: its type decides, and `alg`, where it says so.
    algorithms: Vec<Algorithm>,
    verifier: DecodingKey,
}

impl Key {
    /// Whether this is the signature of this message.
    pub(super) fn signed(&self, message: &[u8], signature: &str, algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm)
            && jsonwebtoken::crypto::verify(signature, message, &self.verifier, algorithm.backend()).unwrap_or(false)
    }
}

impl KeySet {
    /// The keys in a JWKS document.
    ///
    /// # Errors
    /// Why there is no usable key in it, on one line.
    pub fn read(text: &[u8]) -> Result<Self, String> {
        if text.len() > KEY_SET_BYTES_MAX {
            return Err(format!("it is larger than {KEY_SET_BYTES_MAX} bytes"));
        }
        let document: Value = serde_json::from_slice(text).map_err(|e| format!("it is no JSON: {e}"))?;
        let Some(listed) = document.get("keys").and_then(Value::as_array) else {
            return Err("it is no key set: a JSON object with a list `keys` is needed".to_owned());
        };
        if listed.len() > KEYS_MAX {
            return Err(format!("it has {} keys; at most {KEYS_MAX} are taken", listed.len()));
        }
        let mut keys = Vec::new();
        let mut passed_over = Vec::new();
        for (index, jwk) in listed.iter().enumerate() {
            match key(jwk) {
                Ok(key) => keys.push(key),
                Err(why) => passed_over.push(format!("keys[{index}] is passed over: {why}")),
            }
        }
        if keys.is_empty() {
            let why = if passed_over.is_empty() { "it is empty".to_owned() } else { passed_over.join("; ") };
            return Err(format!("it has no key that can be used: {why}"));
        }
        Ok(Self { text: text.to_vec(), keys, passed_over })
    }

    /// How many keys can be used.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// True when no key can be used, which no set that was read is.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The keys that cannot be used, each with its reason.
    pub fn passed_over(&self) -> &[String] {
        &self.passed_over
    }

    /// True when both were read from the same text.
    pub fn is_same(&self, other: &Self) -> bool {
        self.text == other.text
    }

    /// The one key that a token of this key id and algorithm can only have been signed with. `None` when there is no
    /// such key, or several: then nobody can tell which is meant.
    pub(super) fn pick(&self, id: Option<&str>, algorithm: Algorithm) -> Option<&Key> {
        let meant = |key: &&Key| key.algorithms.contains(&algorithm) && (id.is_none() || key.id.as_deref() == id);
        let mut fitting = self.keys.iter().filter(meant);
        fitting.next().filter(|_| fitting.next().is_none())
    }
}

fn key(jwk: &Value) -> Result<Key, String> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    let id = match jwk.get("kid") {
        None | Some(Value::Null) => None,
        Some(Value::String(id)) if id.chars().count() <= KEY_ID_CHARS_MAX => Some(id.clone()),
        Some(_) => return Err(format!("`kid` must be a text of at most {KEY_ID_CHARS_MAX} characters")),
    };
    if text("use").is_some_and(|purpose| purpose != "sig") {
        return Err("its `use` is not `sig`".to_owned());
    }
    if let Some(operations) = jwk.get("key_ops").and_then(Value::as_array)
        && !operations.iter().any(|operation| operation == "verify")
    {
        return Err("its `key_ops` do not allow `verify`".to_owned());
    }
    let part = |name: &'static str| {
        let given = text(name).ok_or_else(|| format!("`{name}` is missing"))?;
        URL_SAFE_NO_PAD.decode(given).map_err(|_| format!("`{name}` is not base64url"))
    };
    let (mut algorithms, verifier) = match (text("kty"), text("crv")) {
        (Some("RSA"), _) => (RSA.to_vec(), rsa(&part("n")?, &part("e")?)?),
        (Some("EC"), Some("P-256")) => (vec![Algorithm::Es256], point(&part("x")?, &part("y")?, 32)?),
        (Some("EC"), Some("P-384")) => (vec![Algorithm::Es384], point(&part("x")?, &part("y")?, 48)?),
        (Some("OKP"), Some("Ed25519")) => {
            let x = part("x")?;
            if x.len() != 32 {
                return Err("`x` is not 32 bytes long".to_owned());
            }
            (vec![Algorithm::EdDsa], DecodingKey::from_ed_der(&x))
        }
        (Some("oct"), _) => return Err("it is a shared secret (`oct`); only public keys are taken".to_owned()),
        _ => return Err("its type is not RSA, EC with P-256 or P-384, or OKP with Ed25519".to_owned()),
    };
    if let Some(named) = text("alg") {
        algorithms.retain(|algorithm| algorithm.name() == named);
        if algorithms.is_empty() {
            return Err("its `alg` is none that a key of its type signs tokens with here".to_owned());
        }
    }
    Ok(Key { id, algorithms, verifier })
}

fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<DecodingKey, String> {
    let modulus = trimmed(modulus);
    let zeros = modulus.first().map_or(8, |byte| byte.leading_zeros());
    let bits = modulus.len().saturating_mul(8).saturating_sub(usize::try_from(zeros).unwrap_or_default());
    if !RSA_BITS.contains(&bits) {
        return Err(format!("its RSA key has {bits} bits; {} to {} are taken", RSA_BITS.start(), RSA_BITS.end()));
    }
    Ok(DecodingKey::from_rsa_raw_components(modulus, trimmed(exponent)))
}

/// A number without the zeros in front that some servers write.
fn trimmed(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

/// An uncompressed point of a curve whose coordinates have this many bytes.
fn point(x: &[u8], y: &[u8], length: usize) -> Result<DecodingKey, String> {
    if x.len() != length || y.len() != length {
        return Err(format!("`x` and `y` must be {length} bytes long each"));
    }
    Ok(DecodingKey::from_ec_der(&[&[4], x, y].concat()))
}

#[cfg(test)]
mod tests;
