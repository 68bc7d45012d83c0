//! TLS of a racing client: whom it trusts, and the certificate it shows where the server demands one.
//!
//! What a reader would get wrong: without `--ca` the public CAs that are compiled in are trusted, and a provider's own CA is not
//! among them.

use std::path::Path;
use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

use super::options::{RaceArgs, RaceError};
use crate::http::tls;

/// The configuration for `args`; `None` where the usual one will do.
pub(super) fn config(args: &RaceArgs) -> Result<Option<Arc<ClientConfig>>, RaceError> {
    let pair = match (&args.client_cert, &args.client_key) {
        (Some(cert), Some(key)) => Some((cert, key)),
        (None, None) => None,
        _ => return Err(RaceError::Usage("--client-cert and --client-key go together: name both".to_owned())),
    };
    let Some(ca) = &args.ca else {
        return if pair.is_none() {
            Ok(None)
        } else {
            Err(RaceError::Usage("--client-cert without --ca: name the CA of the servers' certificates with --ca FILE".to_owned()))
        };
    };
    let builder = ClientConfig::builder_with_provider(tls::provider()).with_safe_default_protocol_versions();
    let builder = builder.map_err(|e| RaceError::Failed(format!("TLS cannot be set up: {e}")))?.with_root_certificates(roots(ca)?);
    let config = match pair {
        None => builder.with_no_client_auth(),
        Some((cert, key)) => {
            let chain = tls::certificates(cert).map_err(|why| RaceError::Failed(format!("--client-cert: {why}")))?;
            let key = tls::private_key(key).map_err(|why| RaceError::Failed(format!("--client-key: {why}")))?;
            let wrong = |e| RaceError::Failed(format!("--client-key does not fit the certificate in {}: {e}", cert.display()));
            builder.with_client_auth_cert(chain, key).map_err(wrong)?
        }
    };
    Ok(Some(Arc::new(config)))
}

fn roots(path: &Path) -> Result<RootCertStore, RaceError> {
    let mut roots = RootCertStore::empty();
    for der in tls::certificates(path).map_err(|why| RaceError::Failed(format!("--ca: {why}")))? {
        roots.add(der).map_err(|e| RaceError::Failed(format!("--ca: {} holds a certificate that cannot be used: {e}", path.display())))?;
    }
    Ok(roots)
}
