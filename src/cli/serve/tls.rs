//! The flags of `serve` about TLS, and what they come to.
//!
//! Pitfall: flags that contradict each other are wrong usage (exit 2), a file that cannot be used is a
//! failure (exit 1), and both are told before the database is touched (docs/contract.md#command-line).

use crate::cli::Failure;
use crate::cli::reload::Reloads;
use crate::http::tls::{ClientRules, IdentityFiles, Subject, Tls};
use domain::time::Clock;
use std::path::PathBuf;
use std::sync::Arc;

/// How connections are protected.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "TLS")]
pub struct TlsArgs {
    /// Serves HTTPS (TLS 1.2 and 1.3) with this certificate: PEM, the server's own first, then its CAs; read again at SIGHUP
    #[arg(long, value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// The certificate's private key: PEM, not encrypted; read again at SIGHUP
    #[arg(long, value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// Demands of every client a certificate that comes from one of these CAs: PEM; read again at SIGHUP
    #[arg(long, value_name = "FILE")]
    pub client_ca: Option<PathBuf>,
    /// A client that may connect, by its certificate's common name or a DNS name in it, or by the whole subject
    /// (`CN=…,O=…,C=…` or `/C=…/O=…/CN=…`); repeatable. Default: every client the CA knows
    #[arg(long, value_name = "SUBJECT")]
    pub client_subject: Vec<String>,
    /// A revocation list of a client CA (PEM or DER), one for every CA in the clients' chains; repeatable; read again at SIGHUP
    #[arg(long, value_name = "FILE")]
    pub client_crl: Vec<PathBuf>,
    /// How long a client may take over a TLS handshake, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(1..=60_000))]
    pub handshake_ms: u64,
    /// Most TLS handshakes under way at once in each worker thread; further connections wait
    #[arg(long, value_name = "COUNT", default_value_t = 256, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=100_000))]
    pub handshakes_max: usize,
}

impl TlsArgs {
    /// Whether HTTPS is served; what is wrong with the flags is [`TlsArgs::load`]'s to say.
    pub const fn is_on(&self) -> bool {
        self.tls_cert.is_some()
    }

    /// Reads the files the flags name; `None` for plain HTTP.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn load(&self, clock: &dyn Clock) -> Result<Option<Arc<Tls>>, Failure> {
        let usage = |text: &str| Err(Failure::Usage(text.to_owned()));
        let own = match (&self.tls_cert, &self.tls_key) {
            (Some(cert), Some(key)) => Some(IdentityFiles { cert: cert.clone(), key: key.clone() }),
            (None, None) => None,
            (Some(_), None) => return usage("--tls-cert without --tls-key: name the certificate's private key with --tls-key FILE"),
            (None, Some(_)) => return usage("--tls-key without --tls-cert: name the key's certificate with --tls-cert FILE"),
        };
        if self.client_ca.is_none() && !self.client_subject.is_empty() {
            return usage("--client-subject without --client-ca: name the CA that issues the clients' certificates with --client-ca FILE");
        }
        if self.client_ca.is_none() && !self.client_crl.is_empty() {
            return usage("--client-crl without --client-ca: name the CA that issues the clients' certificates with --client-ca FILE");
        }
        if self.client_ca.is_some() && own.is_none() {
            return usage("--client-ca without TLS: clients can only show certificates where --tls-cert FILE and --tls-key FILE are given");
        }
        let Some(own) = own else { return Ok(None) };
        let subjects = self.client_subject.iter().map(|text| Subject::parse(text)).collect::<Result<Vec<_>, _>>();
        let subjects = subjects.map_err(|why| Failure::Usage(format!("--client-subject: {why}")))?;
        let clients = self.client_ca.clone().map(|ca| ClientRules { ca, crls: self.client_crl.clone(), subjects });
        let tls = Tls::load(own, clients, clock.now()).map_err(|why| Failure::Failed(format!("TLS: {why}")))?;
        if tls.demands_certificates() && !tls.names_systems() {
            log::warn!("every client with a certificate of --client-ca may connect: name those that should with --client-subject");
        }
        Ok(Some(Arc::new(tls)))
    }
}

/// Has the files read again at SIGHUP; the server's own and those about clients each by themselves, so that a list nobody has
/// renewed does not keep a renewed certificate out.
pub fn reload(tls: &Arc<Tls>, clock: impl Clock + Clone + 'static, reloads: &mut Reloads) {
    let (own, own_clock) = (Arc::clone(tls), clock.clone());
    reloads.add("TLS certificate", move || own.reload_identity(own_clock.now()));
    if tls.demands_certificates() {
        let clients = Arc::clone(tls);
        reloads.add("client certificates", move || clients.reload_clients(clock.now()));
    }
}
