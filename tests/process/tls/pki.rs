//! Certificate authorities, certificates and revocation lists, made anew for every test.
//!
//! Knows nothing of the product. Pitfall: the dates are fixed years, so that nothing here turns out
//! different on another day: "expired" ended in 2021, everything else lasts until 4096.

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod,
    KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber, date_time_ymd,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::sync::atomic::{AtomicU64, Ordering};

static SERIAL: AtomicU64 = AtomicU64::new(1_000);

/// A CA that can issue certificates and revocation lists.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub pem: String,
    pub serial: u64,
}

/// A certificate with its key.
#[derive(Clone)]
pub struct Pair {
    /// The certificate, and after it those of CAs between it and the root.
    pub chain: String,
    pub key: String,
    pub serial: u64,
}

impl Pair {
    pub fn certificates(&self) -> Vec<CertificateDer<'static>> {
        CertificateDer::pem_slice_iter(self.chain.as_bytes()).map(Result::unwrap).collect()
    }

    pub fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from_pem_slice(self.key.as_bytes()).unwrap()
    }
}

fn params(name: &str) -> (CertificateParams, u64) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
    params.serial_number = Some(SerialNumber::from(serial));
    params.distinguished_name.push(DnType::OrganizationName, "Weirside Test");
    params.distinguished_name.push(DnType::CommonName, name);
    (params, serial)
}

fn ca_params(name: &str) -> (CertificateParams, u64) {
    let (mut params, serial) = params(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    (params, serial)
}

impl Authority {
    pub fn root(name: &str) -> Self {
        let (params, serial) = ca_params(name);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem, serial }
    }

    /// A CA below this one.
    pub fn below(&self, name: &str) -> Self {
        let (params, serial) = ca_params(name);
        let key = KeyPair::generate().unwrap();
        let pem = params.signed_by(&key, &self.issuer).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem, serial }
    }

    /// A server's certificate for 127.0.0.1.
    pub fn server(&self) -> Pair {
        let mut params = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.distinguished_name.push(DnType::CommonName, "localhost");
        self.issue(params)
    }

    /// A client's certificate with a common name.
    pub fn client(&self, name: &str) -> Pair {
        self.issue(client_params(name, &[]))
    }

    /// A client's certificate with DNS names besides.
    pub fn client_called(&self, name: &str, dns: &[&str]) -> Pair {
        self.issue(client_params(name, dns))
    }

    /// A client's certificate that has expired.
    pub fn expired_client(&self, name: &str) -> Pair {
        let mut params = client_params(name, &[]);
        params.not_after = date_time_ymd(2021, 1, 1);
        self.issue(params)
    }

    fn issue(&self, mut params: CertificateParams) -> Pair {
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        params.serial_number = Some(SerialNumber::from(serial));
        let key = KeyPair::generate().unwrap();
        let chain = params.signed_by(&key, &self.issuer).unwrap().pem();
        Pair { chain, key: key.serialize_pem(), serial }
    }

    /// A revocation list that is in date.
    pub fn crl(&self, number: u64, revoked: &[u64]) -> rcgen::CertificateRevocationList {
        self.list(number, 4_000, revoked)
    }

    /// A revocation list that is out of date.
    pub fn stale_crl(&self, number: u64, revoked: &[u64]) -> rcgen::CertificateRevocationList {
        self.list(number, 2_021, revoked)
    }

    fn list(&self, number: u64, until_year: i32, revoked: &[u64]) -> rcgen::CertificateRevocationList {
        let entry = |serial: &u64| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: date_time_ymd(2020, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2020, 1, 1),
            next_update: date_time_ymd(until_year, 1, 1),
            crl_number: SerialNumber::from(number),
            issuing_distribution_point: None,
            revoked_certs: revoked.iter().map(entry).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer).unwrap()
    }
}

fn client_params(name: &str, dns: &[&str]) -> CertificateParams {
    let (mut params, _) = params(name);
    let dns = CertificateParams::new(dns.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
    params.subject_alt_names = dns.subject_alt_names;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params
}
