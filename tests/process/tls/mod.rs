//! TLS of the server's own, judged from outside: real processes, real sockets, certificates made in each test.
//!
//! Pitfall: the clients here check the server as strictly as it checks them, so an answer also proves
//! that the certificate shown was the right one.

mod clients;
mod pki;
mod server;
mod world;
