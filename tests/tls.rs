//! TLS of the server's own, judged from outside: real processes, real sockets, certificates made in each test.
//!
//! What a reader would get wrong: the clients here check the server as strictly as it checks them, so an answer also proves
//! that the certificate shown was the right one.
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    missing_docs,
    dead_code,
    reason = "a test may panic, and judges the server from outside its rules"
)]

mod support;

#[path = "tls/clients.rs"]
mod clients;
#[path = "tls/pki.rs"]
mod pki;
#[path = "tls/server.rs"]
mod server;
#[path = "tls/world.rs"]
mod world;
