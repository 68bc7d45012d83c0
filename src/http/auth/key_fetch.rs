//! Getting a key set: from a file, or from a token server over HTTP.
//!
//! It knows nothing of keys. Whoever can change the answer can make tokens, so a URL is
//! `https` or leads to this machine, redirects are not followed, and size and time are bounded before anything is read.

use super::key_set::KEY_SET_BYTES_MAX;
use super::key_source::{Fetch, Fetched, KeySource};
use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT, CACHE_CONTROL};
use actix_web::rt::time::timeout;
use actix_web::web;
use awc::http::{Uri, Version};
use awc::{Client, Connector};
use futures_util::future::LocalBoxFuture;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use std::io::Read as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The longest a fetch over HTTP may take, from the first byte to the last.
const FETCH_TIMEOUT: Duration = Duration::from_secs(3);

/// Where a key set is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum KeyPlace {
    /// A file on this machine.
    File(PathBuf),
    /// A token server.
    Url(String),
}

impl KeyPlace {
    /// The place that is meant: anything with `://` in it is a URL, everything else a file.
    ///
    /// # Errors
    /// Why a URL cannot be used.
    pub fn parse(text: &str) -> Result<Self, String> {
        if !text.contains("://") {
            return Ok(Self::File(PathBuf::from(text)));
        }
        let uri: Uri = text.parse().map_err(|_| "it is no URL".to_owned())?;
        let authority = uri.authority().ok_or("the URL has no host")?;
        if authority.as_str().contains('@') {
            return Err("the URL must not carry a user or a password".to_owned());
        }
        match uri.scheme_str() {
            Some("https") => Ok(Self::Url(text.to_owned())),
            Some("http") if is_loopback(authority.host()) => Ok(Self::Url(text.to_owned())),
            Some("http") => Err("http:// is taken only to this machine (127.0.0.1, ::1, localhost), because whoever is on the way \
                                 could put in a key of their own; use https://"
                .to_owned()),
            _ => Err("only https:// URLs and files can be used".to_owned()),
        }
    }

    /// As it is shown: a URL without its query.
    pub fn shown(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Url(url) => url.split('?').next().unwrap_or_default().to_owned(),
        }
    }

    /// The source at this place; `authorities` are trusted in place of the public ones. It has no keys yet.
    pub fn source(&self, authorities: Option<&Authorities>) -> Arc<KeySource> {
        let shown = format!("key set {}", self.shown());
        match self {
            Self::File(path) => KeySource::new(shown, Box::new(OfFile(path.clone())), false),
            Self::Url(url) => {
                let fetch = OfUrl { url: url.clone(), authorities: authorities.cloned(), patience: FETCH_TIMEOUT };
                KeySource::new(shown, Box::new(fetch), true)
            }
        }
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The key set in a file, read now.
///
/// # Errors
/// Why it cannot be read.
pub fn read_file(path: &Path) -> Result<Fetched, String> {
    let unreadable = |e: std::io::Error| format!("cannot read the key set {}: {e}", path.display());
    let mut text = Vec::new();
    // One byte more than allowed shows that there is more.
    let most = u64::try_from(KEY_SET_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    std::fs::File::open(path).map_err(unreadable)?.take(most).read_to_end(&mut text).map_err(unreadable)?;
    Ok(Fetched { text, fresh_s: None })
}

struct OfFile(PathBuf);

impl Fetch for OfFile {
    fn fetch(&self) -> LocalBoxFuture<'_, Result<Fetched, String>> {
        let path = self.0.clone();
        Box::pin(async move { web::block(move || read_file(&path)).await.unwrap_or_else(|_| Err("reading it failed".to_owned())) })
    }
}

/// Certificate authorities of one's own.
#[derive(Clone)]
pub struct Authorities(Arc<ClientConfig>);

impl Authorities {
    /// The authorities in a PEM file; no others are trusted then.
    ///
    /// # Errors
    /// Why they cannot be used.
    pub fn of_pem(pem: &[u8]) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|e| format!("it is no PEM file with certificates: {e}"))?;
            roots.add(certificate).map_err(|e| format!("a certificate in it cannot be used: {e}"))?;
        }
        if roots.is_empty() {
            return Err("it has no certificate; a PEM file with `BEGIN CERTIFICATE` is needed".to_owned());
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(|e| e.to_string())?;
        Ok(Self(Arc::new(config.with_root_certificates(roots).with_no_client_auth())))
    }
}

pub(super) struct OfUrl {
    pub(super) url: String,
    pub(super) authorities: Option<Authorities>,
    pub(super) patience: Duration,
}

impl OfUrl {
    async fn get(&self) -> Result<Fetched, String> {
        // A client belongs to the thread it was made on, and there is one fetch in minutes: each makes its own.
        let mut connector = Connector::new().timeout(self.patience).max_http_version(Version::HTTP_11);
        if let Some(authorities) = &self.authorities {
            connector = connector.rustls_0_23(Arc::clone(&authorities.0));
        }
        let client = Client::builder().connector(connector).timeout(self.patience).disable_redirects().finish();
        let accept = (ACCEPT, "application/jwk-set+json, application/json");
        let sent = client.get(&self.url).insert_header(accept).no_decompress().send();
        let mut answer = sent.await.map_err(|e| format!("no answer: {e}"))?;
        if answer.status().is_redirection() {
            return Err(format!("it answers {}, and redirects are not followed", answer.status().as_u16()));
        }
        if answer.status() != StatusCode::OK {
            return Err(format!("it answers {}", answer.status().as_u16()));
        }
        let fresh_s = answer.headers().get(CACHE_CONTROL).and_then(|value| value.to_str().ok()).and_then(max_age);
        let text = answer.body().limit(KEY_SET_BYTES_MAX).await.map_err(|e| format!("its answer cannot be read: {e}"))?;
        Ok(Fetched { text: text.to_vec(), fresh_s })
    }
}

impl Fetch for OfUrl {
    fn fetch(&self) -> LocalBoxFuture<'_, Result<Fetched, String>> {
        Box::pin(async {
            match timeout(self.patience, self.get()).await {
                Ok(outcome) => outcome,
                Err(_) => Err(format!("no whole answer within {} ms", self.patience.as_millis())),
            }
        })
    }
}

/// How long an answer is good for, in seconds (RFC 9111, 5.2.2).
fn max_age(cache_control: &str) -> Option<i64> {
    let mut directives = cache_control.split(',').filter_map(|directive| directive.trim().split_once('='));
    let (_, seconds) = directives.find(|(name, _)| name.trim().eq_ignore_ascii_case("max-age"))?;
    seconds.trim().trim_matches('"').parse().ok().filter(|seconds| *seconds >= 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_set_is_a_file_or_lies_behind_https_or_on_this_machine() {
        for file in ["keys.json", "/etc/slotkeeper/keys.json", "https:/keys", "http"] {
            assert_eq!(KeyPlace::parse(file), Ok(KeyPlace::File(PathBuf::from(file))), "{file}");
        }
        for url in ["https://tokens.example.nhs.uk/keys", "http://127.0.0.1:8089/jwks", "http://[::1]:1/jwks", "http://localhost/jwks"] {
            assert_eq!(KeyPlace::parse(url), Ok(KeyPlace::Url(url.to_owned())), "{url}");
        }
        for (url, told) in [
            ("http://tokens.example.nhs.uk/keys", "https"),
            ("http://127.0.0.1.example.nhs.uk/keys", "https"),
            ("http://localhost.example.nhs.uk/keys", "https"),
            ("https://user:secret@tokens.example.nhs.uk/keys", "password"),
            ("http://127.0.0.1@tokens.example.nhs.uk/keys", "password"),
            ("ftp://tokens.example.nhs.uk/keys", "https"),
            ("https://", "URL"),
        ] {
            let refused = KeyPlace::parse(url).unwrap_err();
            assert!(refused.contains(told) && !refused.contains("secret"), "{url}: {refused}");
        }
        assert_eq!(KeyPlace::parse("https://a.example/keys?code=secret").unwrap().shown(), "https://a.example/keys");
    }

    #[test]
    fn the_life_of_an_answer_is_read_from_its_cache_control() {
        assert_eq!(max_age("public, max-age=600"), Some(600));
        assert_eq!(max_age("Max-Age=\"60\",must-revalidate"), Some(60));
        for none in ["", "no-store", "max-age", "max-age=soon", "max-age=-1", "s-maxage=5"] {
            assert_eq!(max_age(none), None, "{none}");
        }
    }

    #[test]
    fn authorities_are_certificates_in_a_pem_file() {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new(vec!["ca.example".to_owned()]).unwrap().self_signed(&key).unwrap();
        assert!(Authorities::of_pem(certificate.pem().as_bytes()).is_ok());
        for wrong in [&b""[..], b"nonsense", key.serialize_pem().as_bytes()] {
            assert!(Authorities::of_pem(wrong).is_err());
        }
    }
}
