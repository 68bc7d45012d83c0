//! Certificates, keys and revocation lists as they lie in files: bounded, checked, and refused in words an operator can act on.
//!
//! It knows PEM and DER, not what a certificate is used for. A message here never quotes the
//! content of a file, because the file may hold a private key.

use domain::time::Timestamp;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use x509_parser::certificate::X509Certificate;
use x509_parser::time::ASN1Time;

/// Largest file of certificates or with a key, in bytes.
const PEM_BYTES_MAX: u64 = 1_048_576;
/// Largest revocation list, in bytes: some hundred thousand entries.
const CRL_BYTES_MAX: u64 = 32 * 1_048_576;

/// The certificates in a PEM file, at least one, in its order.
///
/// # Errors
/// What is wrong with the file, and what would be right.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let pem = read(path, PEM_BYTES_MAX)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let found = found.map_err(|_| format!("{} is not well-formed PEM", path.display()))?;
    if found.is_empty() {
        return Err(format!("{} holds no certificate; it must be PEM, beginning with -----BEGIN CERTIFICATE-----", path.display()));
    }
    Ok(found)
}

/// The private key in a PEM file.
///
/// # Errors
/// What is wrong with the file, and what would be right.
pub fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    let pem = read(path, PEM_BYTES_MAX)?;
    let holds = |mark: &[u8]| pem.windows(mark.len()).any(|bytes| bytes == mark);
    if holds(b"-----BEGIN ENCRYPTED PRIVATE KEY-----") || holds(b"Proc-Type: 4,ENCRYPTED") {
        return Err(format!(
            "the key in {0} is encrypted; write it without a passphrase (openssl pkey -in {0} -out key.pem) and protect the file instead",
            path.display()
        ));
    }
    PrivateKeyDer::from_pem_slice(&pem)
        .map_err(|_| format!("{} holds no private key; it must be PEM, beginning with -----BEGIN PRIVATE KEY-----", path.display()))
}

/// The revocation lists in a file: PEM with one or more, or one in DER.
///
/// # Errors
/// What is wrong with the file, and what would be right.
pub fn revocation_lists(path: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, String> {
    let bytes = read(path, CRL_BYTES_MAX)?;
    // A DER list is a SEQUENCE, which no PEM text begins with.
    if bytes.first() == Some(&0x30) {
        return Ok(vec![CertificateRevocationListDer::from(bytes)]);
    }
    let found: Result<Vec<_>, _> = CertificateRevocationListDer::pem_slice_iter(&bytes).collect();
    let found = found.map_err(|_| format!("{} is not well-formed PEM", path.display()))?;
    if found.is_empty() {
        return Err(format!("{} holds no revocation list; it must be DER, or PEM beginning with -----BEGIN X509 CRL-----", path.display()));
    }
    Ok(found)
}

/// What a certificate says.
///
/// # Errors
/// That it is none.
pub fn parsed<'a>(der: &'a CertificateDer<'_>, path: &Path) -> Result<X509Certificate<'a>, String> {
    match x509_parser::parse_x509_certificate(der) {
        Ok((_, certificate)) => Ok(certificate),
        Err(_) => Err(format!("{} holds a certificate that cannot be read; make it anew", path.display())),
    }
}

/// Whether anybody on the machine may read the file.
pub fn is_open_to_all(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|about| about.permissions().mode() & 0o007 != 0)
}

/// The instant of a time in a certificate or list.
pub fn instant(time: ASN1Time) -> Timestamp {
    Timestamp::from_ms(time.timestamp().saturating_mul(1_000))
}

fn read(path: &Path, bytes_max: u64) -> Result<Vec<u8>, String> {
    let cannot = |e: std::io::Error| format!("cannot read {}: {e}", path.display());
    let file = File::open(path).map_err(cannot)?;
    if file.metadata().map_err(cannot)?.is_dir() {
        return Err(format!("{} is a directory; name the file in it", path.display()));
    }
    let mut bytes = Vec::new();
    file.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes).map_err(cannot)?;
    match u64::try_from(bytes.len()) {
        Ok(length) if length <= bytes_max => Ok(bytes),
        _ => Err(format!("{} is larger than {bytes_max} bytes; is it the right file?", path.display())),
    }
}
