//! The server's own certificate and key: what new connections are shown, and how it is replaced.
//!
//! Pitfall: actix takes one configuration for good, so the certificate is not in it; it is asked for here
//! at every handshake, and a connection that is open already is never asked again.

use super::files;
use domain::time::{DAY_MS, Timestamp};
use parking_lot::RwLock;
use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// From how long before its end a certificate or a list is worth a warning, in days.
pub const ENDS_SOON_DAYS: i64 = 14;

/// Where the certificate and the key are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityFiles {
    /// The certificate, and after it those of its CAs.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// The certificate in force.
#[derive(Debug)]
pub struct Identity {
    files: IdentityFiles,
    current: RwLock<Arc<CertifiedKey>>,
}

impl Identity {
    /// Reads the files.
    ///
    /// # Errors
    /// Why they cannot be used.
    pub fn load(files: IdentityFiles, provider: &CryptoProvider, now: Timestamp) -> Result<Self, String> {
        let (pair, _) = read(&files, provider, now)?;
        Ok(Self { files, current: RwLock::new(Arc::new(pair)) })
    }

    /// Reads the files again; gives what is in force now.
    ///
    /// # Errors
    /// Why they cannot be used; nothing has changed then.
    pub fn reload(&self, provider: &CryptoProvider, now: Timestamp) -> Result<String, String> {
        let (pair, told) = read(&self.files, provider, now)?;
        *self.current.write() = Arc::new(pair);
        Ok(told)
    }
}

impl ResolvesServerCert for Identity {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read()))
    }
}

fn read(files: &IdentityFiles, provider: &CryptoProvider, now: Timestamp) -> Result<(CertifiedKey, String), String> {
    let IdentityFiles { cert, key } = files;
    let chain = files::certificates(cert)?;
    let private = files::private_key(key)?;
    let told = judge(&chain, cert, now)?;
    if files::is_open_to_all(key) {
        log::warn!("anybody on this machine can read the key in {0}: chmod 600 {0}", key.display());
    }
    let private = provider.key_provider.load_private_key(private).map_err(|_| {
        format!("the key in {} is of a kind that cannot be used; use RSA of 2048 bits or more, ECDSA or Ed25519", key.display())
    })?;
    let pair = CertifiedKey::new(chain, private);
    match pair.keys_match() {
        // Keys of some makes do not show their public half; then the first handshake tells.
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => Ok((pair, told)),
        Err(_) => Err(format!(
            "the key in {} does not belong to the first certificate in {}; the server's own certificate comes first, its CAs after it",
            key.display(),
            cert.display()
        )),
    }
}

/// The first certificate in words. One that is not valid now is served all the same: consumers refuse it themselves, and a
/// restart must not turn a late renewal into an outage of `/health` as well.
fn judge(chain: &[rustls::pki_types::CertificateDer<'_>], path: &Path, now: Timestamp) -> Result<String, String> {
    let mut told = String::new();
    for (place, der) in chain.iter().enumerate() {
        let certificate = files::parsed(der, path)?;
        let validity = certificate.validity();
        let (begins, ends) = (files::instant(validity.not_before), files::instant(validity.not_after));
        if place == 0 {
            told = format!("the certificate in {} is valid until {}", path.display(), ends.to_fhir());
        }
        let which = if place == 0 { "the certificate" } else { "the certificate of a CA" };
        if ends < now {
            log::warn!("{which} in {} has expired at {}: consumers will refuse it", path.display(), ends.to_fhir());
        } else if begins > now {
            log::warn!("{which} in {} is not valid before {}: consumers will refuse it", path.display(), begins.to_fhir());
        } else if ends < now.plus_ms(ENDS_SOON_DAYS * DAY_MS) {
            log::warn!("{which} in {} expires at {}: renew it and send SIGHUP", path.display(), ends.to_fhir());
        }
    }
    Ok(told)
}
