//! Where the server listens: an address, or a name that stands for several.

use super::Failure;
use std::fmt;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs};

/// `--listen` as it was given, and every address it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    given: String,
    addresses: Vec<SocketAddr>,
}

impl Listen {
    /// Reads `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080` or any other name and port.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let all = |addresses: Vec<SocketAddr>| Self { given: text.to_owned(), addresses };
        if let Ok(address) = text.parse() {
            return Ok(all(vec![address]));
        }
        let example = "it must be an address and a port such as 127.0.0.1:8080, [::1]:8080 or localhost:8080";
        let (host, port) = text.rsplit_once(':').ok_or(example)?;
        let port: u16 = port.parse().map_err(|_| example)?;
        if host.is_empty() || host.contains([':', '[', ']', '/', ' ']) {
            return Err(example.to_owned());
        }
        // Both of this machine, whatever a resolver says: it may know but one of them.
        if host.trim_end_matches('.').eq_ignore_ascii_case("localhost") {
            let both: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
            return Ok(all(both.map(|ip| SocketAddr::new(ip, port)).to_vec()));
        }
        let resolved = (host, port).to_socket_addrs().map_err(|e| format!("{host} cannot be resolved ({e}); {example}"))?;
        let mut addresses: Vec<SocketAddr> = resolved.collect();
        addresses.sort_unstable();
        addresses.dedup();
        if addresses.is_empty() { Err(format!("{host} stands for no address; {example}")) } else { Ok(all(addresses)) }
    }

    /// The first address that other machines may reach, where there is one.
    pub fn beyond_loopback(&self) -> Option<IpAddr> {
        self.addresses.iter().map(|address| address.ip().to_canonical()).find(|ip| !ip.is_loopback())
    }

    /// The addresses that can be listened on. Of a name that stands for several some may be none of this machine's, such as
    /// `::1` where there is no IPv6; a port that is in use on one of them is never passed over.
    ///
    /// # Errors
    /// [`Failure::Failed`] when there is none, or when another program listens there.
    pub fn usable(&self) -> Result<Vec<SocketAddr>, Failure> {
        let (mut usable, mut failed) = (Vec::new(), None);
        for address in &self.addresses {
            match TcpListener::bind(address) {
                Ok(_) => usable.push(*address),
                Err(error) => {
                    let told = cannot_listen(&address.to_string(), &error);
                    if matches!(error.kind(), ErrorKind::AddrInUse | ErrorKind::PermissionDenied) {
                        return Err(told);
                    }
                    failed.get_or_insert(told);
                }
            }
        }
        match failed {
            Some(failed) if usable.is_empty() => Err(failed),
            _ => Ok(usable),
        }
    }
}

/// As it was given: what the public URL begins with unless it is said.
impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.given)
    }
}

/// Why nobody can listen there, and what to do.
pub fn cannot_listen(listen: &str, error: &std::io::Error) -> Failure {
    let advice = match error.kind() {
        ErrorKind::AddrInUse => "another program is listening there: stop it, or choose another port with --listen",
        ErrorKind::PermissionDenied => "ports below 1024 are for privileged programs: choose another port with --listen",
        ErrorKind::AddrNotAvailable => "this machine has no such address: choose another one with --listen",
        _ => "choose another address with --listen",
    };
    Failure::Failed(format!("cannot listen on {listen} ({error}); {advice}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(text: &str) -> Vec<String> {
        Listen::parse(text).unwrap().addresses.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn localhost_stands_for_both_addresses_of_this_machine() {
        assert_eq!(addresses("127.0.0.1:8080"), ["127.0.0.1:8080"]);
        assert_eq!(addresses("[::1]:8080"), ["[::1]:8080"]);
        for name in ["localhost:8080", "LocalHost:8080", "localhost.:8080"] {
            assert_eq!(addresses(name), ["127.0.0.1:8080", "[::1]:8080"], "{name}");
        }
        for wrong in ["localhost", "8080", ":8080", "localhost:", "localhost:http", "127.0.0.1:70000", "::1:8080", "http://localhost:8080"]
        {
            let told = Listen::parse(wrong).unwrap_err();
            assert!(told.contains("localhost:8080"), "{wrong}: {told}");
        }
    }

    #[test]
    fn every_address_is_judged() {
        let of = |addresses: &[&str]| Listen { given: String::new(), addresses: addresses.iter().map(|a| a.parse().unwrap()).collect() };
        assert_eq!(of(&["127.0.0.1:1", "[::1]:1", "127.3.2.1:1", "[::ffff:127.0.0.1]:1"]).beyond_loopback(), None);
        assert_eq!(of(&["127.0.0.1:1", "192.0.2.7:1"]).beyond_loopback(), Some("192.0.2.7".parse().unwrap()));
        assert_eq!(of(&["0.0.0.0:1"]).beyond_loopback(), Some("0.0.0.0".parse().unwrap()));
    }

    #[test]
    fn a_port_in_use_is_refused_and_a_foreign_address_passed_over() {
        let held = TcpListener::bind("127.0.0.1:0").unwrap();
        let of = |addresses: Vec<SocketAddr>| Listen { given: String::new(), addresses };
        // An address for documents: no machine has it.
        let (none, free) = ("192.0.2.7:0".parse().unwrap(), "127.0.0.1:0".parse().unwrap());
        assert_eq!(of(vec![none, free]).usable().unwrap(), [free]);
        assert!(of(vec![none]).usable().unwrap_err().to_string().contains("no such address"));
        assert!(of(vec![free, held.local_addr().unwrap()]).usable().unwrap_err().to_string().contains("another program"));
    }
}
