//! TLS of the server's own: what new connections are shown, who may connect, and how both are read again.
//!
//! It knows certificates and no requests: a client that is not accepted never gets to send one. Pitfall:
//! no session is ever resumed. A resumed session skips the client's certificate, so that one revoked meanwhile would come back.

mod clients;
mod files;
mod identity;
mod refusals;
mod subject;

pub use clients::ClientRules;
pub use files::{certificates, private_key};
pub use identity::IdentityFiles;
pub use subject::Subject;

use clients::Gate;
use domain::time::Timestamp;
use identity::Identity;
use rustls::crypto::CryptoProvider;
use rustls::server::NoServerSessionStorage;
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, SupportedProtocolVersion};
use std::sync::Arc;

/// What is spoken; everything older is refused.
const VERSIONS: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];

/// The cryptography used for TLS, named so that no other part of the process decides it.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// TLS as it is in force.
#[derive(Debug)]
pub struct Tls {
    provider: Arc<CryptoProvider>,
    identity: Arc<Identity>,
    gate: Option<Arc<Gate>>,
}

impl Tls {
    /// Reads every file.
    ///
    /// # Errors
    /// Which file cannot be used, why, and what would be right.
    pub fn load(own: IdentityFiles, clients: Option<ClientRules>, now: Timestamp) -> Result<Self, String> {
        let provider = provider();
        let identity = Arc::new(Identity::load(own, &provider, now)?);
        let gate = clients.map(|rules| Gate::load(rules, &provider, now)).transpose()?.map(Arc::new);
        Ok(Self { provider, identity, gate })
    }

    /// Whether clients need a certificate.
    pub const fn demands_certificates(&self) -> bool {
        self.gate.is_some()
    }

    /// Whether nobody but the systems named may connect.
    pub fn names_systems(&self) -> bool {
        self.gate.as_ref().is_some_and(|gate| gate.names_systems())
    }

    /// The configuration of a listening socket. It stays good: what is read again takes effect inside it.
    ///
    /// # Errors
    /// That the cryptography in use cannot do TLS 1.2 and 1.3, which it can.
    pub fn server_config(&self) -> Result<ServerConfig, String> {
        let builder = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(VERSIONS)
            .map_err(|e| format!("TLS cannot be set up: {e}"))?;
        let builder = match &self.gate {
            Some(gate) => builder.with_client_cert_verifier(Arc::<Gate>::clone(gate)),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_cert_resolver(Arc::<Identity>::clone(&self.identity));
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(config)
    }

    /// Reads the server's certificate and key again.
    ///
    /// # Errors
    /// Why they cannot be used; nothing has changed then.
    pub fn reload_identity(&self, now: Timestamp) -> Result<String, String> {
        self.identity.reload(&self.provider, now)
    }

    /// Reads the clients' CAs and revocation lists again.
    ///
    /// # Errors
    /// Why they cannot be used; nothing has changed then.
    pub fn reload_clients(&self, now: Timestamp) -> Result<String, String> {
        match &self.gate {
            Some(gate) => gate.reload(now),
            None => Ok("clients need no certificate".to_owned()),
        }
    }
}
