//! Who is at the other end of the connection.

use super::super::settings::Settings;
use actix_web::HttpRequest;
use domain::fault::Fault;

/// Refuses whoever did not come through the trusted proxy, where one is named.
///
/// # Errors
/// [`Fault::UntrustedPeer`].
pub fn is_trusted(http: &HttpRequest, settings: &Settings) -> Result<(), Fault> {
    let Some(proxy) = &settings.trusted_proxy else { return Ok(()) };
    let peer = http.peer_addr().map(|addr| addr.ip().to_canonical());
    if peer.is_some_and(|peer| proxy.contains(&peer)) { Ok(()) } else { Err(Fault::UntrustedPeer) }
}
