//! Which clients may connect: a certificate of the CA, on the allow-list, not revoked
//! (docs/specification/infrastructure.md#uec-13).
//!
//! It must not know what a client may do once it is connected; tokens say that. Everything here
//! fails closed. With revocation lists, a certificate is refused unless a list that is in date speaks for every CA in its chain.

use super::files;
use super::identity::ENDS_SOON_DAYS;
use super::refusals::Refusals;
use super::subject::{Bearer, Subject};
use actix_web::rt;
use domain::time::{DAY_MS, Timestamp};
use parking_lot::RwLock;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme};
use std::cell::Cell;
use std::cmp::Reverse;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Who may connect, as an operator says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientRules {
    /// The CAs that clients' certificates come from.
    pub ca: PathBuf,
    /// Revocation lists; empty for none.
    pub crls: Vec<PathBuf>,
    /// The allow-list; empty for everybody the CA knows.
    pub subjects: Vec<Subject>,
}

/// What was read from the files.
#[derive(Debug)]
struct ClientTrust {
    verifier: Arc<dyn ClientCertVerifier>,
    revoked: Revoked,
}

/// Issuer and serial number of everything that any list revokes.
type Revoked = HashSet<(Vec<u8>, Vec<u8>)>;

/// Stands at the door of every handshake.
#[derive(Debug)]
pub struct Gate {
    rules: ClientRules,
    provider: Arc<CryptoProvider>,
    current: RwLock<Arc<ClientTrust>>,
    refusals: Arc<Refusals>,
}

thread_local! {
    /// Whether the library has asked if a certificate is demanded and has not shown one since.
    static EMPTY_HANDED: Cell<bool> = const { Cell::new(false) };
}

impl Gate {
    /// Reads the files.
    ///
    /// # Errors
    /// Why they cannot be used.
    pub fn load(rules: ClientRules, provider: &Arc<CryptoProvider>, now: Timestamp) -> Result<Self, String> {
        let (trust, _) = read(&rules, provider, now, false)?;
        Ok(Self { rules, provider: Arc::clone(provider), current: RwLock::new(Arc::new(trust)), refusals: Arc::default() })
    }

    /// Reads the files again; gives what is in force now.
    ///
    /// # Errors
    /// Why they cannot be used; nothing has changed then.
    pub fn reload(&self, now: Timestamp) -> Result<String, String> {
        let (trust, told) = read(&self.rules, &self.provider, now, true)?;
        *self.current.write() = Arc::new(trust);
        Ok(told)
    }

    /// Whether nobody but the systems named may connect.
    pub const fn names_systems(&self) -> bool {
        !self.rules.subjects.is_empty()
    }

    fn judge(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let trust = Arc::clone(&self.current.read());
        let verified = trust.verifier.verify_client_cert(end_entity, intermediates, now)?;
        // The library asks one list for each CA. Here any list counts, whatever part of a CA's certificates it is for.
        let revoked = |der: &CertificateDer<'_>| numbers(der).is_none_or(|numbers| trust.revoked.contains(&numbers));
        if !trust.revoked.is_empty() && (revoked(end_entity) || intermediates.iter().any(revoked)) {
            return Err(CertificateError::Revoked.into());
        }
        let listed = |bearer: &Bearer| self.rules.subjects.iter().any(|subject| bearer.is(subject));
        if self.names_systems() && !bearer(end_entity).is_some_and(|bearer| listed(&bearer)) {
            return Err(CertificateError::ApplicationVerificationFailure.into());
        }
        Ok(verified)
    }
}

impl ClientCertVerifier for Gate {
    /// None: the list would have to be the same for as long as the server runs. Clients then send what they were given.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    /// Demanded of everybody. The library asks this when the client's message has come, and in the same breath hands on the
    /// certificate in it. When it does not, there is none, and nobody else would say so.
    fn client_auth_mandatory(&self) -> bool {
        tell_empty_handed(&self.refusals);
        EMPTY_HANDED.set(true);
        if rt::System::is_registered() {
            let refusals = Arc::clone(&self.refusals);
            rt::spawn(async move { tell_empty_handed(&refusals) });
        }
        true
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        EMPTY_HANDED.set(false);
        self.judge(end_entity, intermediates, now).inspect_err(|error| {
            let who = bearer(end_entity).map_or_else(|| "no certificate that can be read".to_owned(), |bearer| bearer.shown);
            self.refusals.tell(&format!("the client's certificate ({who}) {}", why(error)));
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn tell_empty_handed(refusals: &Refusals) {
    if EMPTY_HANDED.replace(false) {
        refusals.tell("the client sent no certificate");
    }
}

fn bearer(der: &CertificateDer<'_>) -> Option<Bearer> {
    x509_parser::parse_x509_certificate(der).ok().map(|(_, certificate)| Bearer::of(&certificate))
}

/// Issuer and serial number of a certificate.
fn numbers(der: &CertificateDer<'_>) -> Option<(Vec<u8>, Vec<u8>)> {
    let (_, certificate) = x509_parser::parse_x509_certificate(der).ok()?;
    Some((certificate.issuer().as_raw().to_vec(), certificate.raw_serial().to_vec()))
}

/// Why a certificate was refused, in words that go on after "the client's certificate".
fn why(error: &Error) -> String {
    let known = match error {
        Error::InvalidCertificate(certificate) => match certificate {
            CertificateError::UnknownIssuer => "comes from no CA that is trusted here (--client-ca)",
            CertificateError::BadSignature => "was not signed by the CA it names, or one of its CAs' was not",
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => "has expired, or one of its CAs' has",
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "is not valid yet",
            CertificateError::Revoked => "is revoked, or one of its CAs' is",
            CertificateError::UnknownRevocationStatus => "comes from a CA for which there is no revocation list (--client-crl)",
            CertificateError::ExpiredRevocationList | CertificateError::ExpiredRevocationListContext { .. } => {
                "cannot be checked: the revocation list of its CA is out of date (--client-crl)"
            }
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
                "is not for clients: its extended key usage must allow clientAuth"
            }
            CertificateError::ApplicationVerificationFailure => "is not on the allow-list (--client-subject)",
            _ => "",
        },
        Error::InvalidCertRevocationList(_) => "cannot be checked: a revocation list is not its CA's (--client-crl)",
        _ => "",
    };
    if known.is_empty() { format!("cannot be used: {error}") } else { known.to_owned() }
}

/// Reads the files. `again` when something is in force already: a list that is out of date is no reason not to start, since
/// nobody is let in by it, but none to give up a better one.
fn read(rules: &ClientRules, provider: &Arc<CryptoProvider>, now: Timestamp, again: bool) -> Result<(ClientTrust, String), String> {
    let mut lists = Vec::new();
    let mut revoked = Revoked::new();
    let mut issuers = HashSet::new();
    for path in &rules.crls {
        for der in files::revocation_lists(path)? {
            let list = read_list(&der, path, now, again)?;
            revoked.extend(list.revoked.into_iter().map(|serial| (list.issuer.clone(), serial)));
            issuers.insert(list.issuer);
            lists.push((Reverse((list.issued, list.number)), der, path));
        }
    }
    // The library takes the first list it finds of a CA.
    lists.sort_by(|(one, ..), (other, ..)| one.cmp(other));
    let roots = Arc::new(read_roots(&rules.ca, &revoked, &issuers, now)?);
    let builder = || WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(provider));
    for (_, der, path) in &lists {
        builder().with_crls([der.clone()]).build().map_err(|e| format!("the revocation list in {} cannot be used: {e}", path.display()))?;
    }
    let told = format!("{} CAs, {} revocation lists with {} entries, in {}", roots.len(), lists.len(), revoked.len(), rules.ca.display());
    let verifier = builder().with_crls(lists.into_iter().map(|(_, der, _)| der)).enforce_revocation_expiration().build();
    let verifier = verifier.map_err(|e| format!("{} cannot be used: {e}", rules.ca.display()))?;
    Ok((ClientTrust { verifier, revoked }, told))
}

/// What is asked of a revocation list here.
struct List {
    issuer: Vec<u8>,
    issued: Timestamp,
    number: Vec<u8>,
    revoked: Vec<Vec<u8>>,
}

fn read_list(der: &CertificateRevocationListDer<'_>, path: &Path, now: Timestamp, again: bool) -> Result<List, String> {
    let (_, list) = x509_parser::parse_x509_crl(der)
        .map_err(|_| format!("{} holds a revocation list that cannot be read; fetch it anew", path.display()))?;
    if let Some(ends) = list.next_update().map(files::instant) {
        let at = ends.to_fhir();
        if ends < now && again {
            return Err(format!("the revocation list in {} is out of date since {at}; fetch a newer one", path.display()));
        } else if ends < now {
            log::error!(
                "the revocation list in {} is out of date since {at}: clients of its CA are refused until it is renewed",
                path.display()
            );
        } else if ends < now.plus_ms(DAY_MS) {
            log::warn!("the revocation list in {} is in date until {at}; clients of its CA are refused after that", path.display());
        }
    }
    Ok(List {
        issuer: list.issuer().as_raw().to_vec(),
        issued: files::instant(list.last_update()),
        number: list.crl_number().map(x509_parser::num_bigint::BigUint::to_bytes_be).unwrap_or_default(),
        revoked: list.iter_revoked_certificates().map(|entry| entry.raw_serial().to_vec()).collect(),
    })
}

/// The CAs of a file that may be trusted. The library looks neither at the dates nor at the revocation of what it trusts, nor
/// whether it is a CA at all, so that is done here.
fn read_roots(path: &Path, revoked: &Revoked, issuers: &HashSet<Vec<u8>>, now: Timestamp) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for der in files::certificates(path)? {
        let ca = files::parsed(&der, path)?;
        let shown = Bearer::of(&ca).shown;
        if !ca.is_ca() {
            return Err(format!(
                "{} holds a certificate that is no CA's ({shown}); name the CA that issues the clients' certificates",
                path.display()
            ));
        }
        let ends = files::instant(ca.validity().not_after);
        if ends < now {
            log::error!("the CA {shown} in {} has expired at {}: its clients are refused", path.display(), ends.to_fhir());
            continue;
        }
        if revoked.contains(&(ca.issuer().as_raw().to_vec(), ca.raw_serial().to_vec())) {
            log::error!("the CA {shown} in {} is revoked: its clients are refused", path.display());
            continue;
        }
        if ends < now.plus_ms(ENDS_SOON_DAYS * DAY_MS) {
            log::warn!("the CA {shown} in {} expires at {}", path.display(), ends.to_fhir());
        }
        if !issuers.is_empty() && !issuers.contains(ca.subject().as_raw()) {
            log::warn!("no --client-crl is a list of the CA {shown}: certificates it issued are refused");
        }
        let cannot = |e| format!("{} holds a CA certificate that cannot be used ({shown}): {e}", path.display());
        roots.add(der.clone()).map_err(cannot)?;
    }
    if roots.is_empty() {
        return Err(format!("{} holds no CA that can be trusted: all of them have expired or are revoked", path.display()));
    }
    Ok(roots)
}
