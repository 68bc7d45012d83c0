//! TLS of a client: which CAs it trusts, and the certificate it shows where the server demands one.
//!
//! Pitfall: no public CA is trusted beside those named here. Where no configuration is made at all, the HTTP client trusts the
//! public CAs that are compiled in.

use std::sync::Arc;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

/// The certificate a client shows, and its key.
#[derive(Debug)]
pub struct ClientIdentity {
    /// The client's own certificate first, then its CAs.
    pub chain: Vec<CertificateDer<'static>>,
    /// The private key of the first.
    pub key: PrivateKeyDer<'static>,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ClientTlsError {
    /// The cryptography in use cannot do TLS.
    #[error("TLS cannot be set up: {0}")]
    Setup(rustls::Error),
    /// A CA that is no certificate.
    #[error("a CA certificate cannot be used: {0}")]
    Ca(rustls::Error),
    /// A key that does not belong to its certificate.
    #[error("the key does not fit the certificate: {0}")]
    Identity(rustls::Error),
}

/// The configuration of a client that trusts `cas` alone and shows `identity`.
///
/// # Errors
/// [`ClientTlsError`].
pub fn client_config(cas: Vec<CertificateDer<'static>>, identity: Option<ClientIdentity>) -> Result<Arc<ClientConfig>, ClientTlsError> {
    let mut roots = RootCertStore::empty();
    for ca in cas {
        roots.add(ca).map_err(ClientTlsError::Ca)?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(ClientTlsError::Setup)?;
    let builder = builder.with_root_certificates(roots);
    let config = match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => builder.with_client_auth_cert(identity.chain, identity.key).map_err(ClientTlsError::Identity)?,
    };
    Ok(Arc::new(config))
}
