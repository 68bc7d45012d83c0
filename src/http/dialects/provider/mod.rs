//! The provider root: the same engine for ordinary FHIR clients and the provider's own systems (`decisions.md` 3).
//!
//! It understands what the booking root understands and demands less. What is served is said in its
//! statement, which is made from the route table below.

mod statement;

use super::booking::{BOOKING_ROUTES, table};
use super::{Dialect, Refused};
use crate::domain::fault::Fault;

/// `/STU3/1/provider`.
pub const DIALECT: Dialect = Dialect {
    root: "/STU3/1/provider",
    routes: &BOOKING_ROUTES,
    headers_demanded: &[],
    request_id_demanded: false,
    if_match_demanded: false,
    strict: false,
    refuse,
    capability: |root_url| statement::of_routes(&BOOKING_ROUTES, root_url),
};

/// The booking root's table, but for the one status on which the two roots differ.
fn refuse(fault: &Fault) -> Refused {
    let refused = table::refuse(fault);
    match fault {
        Fault::NotAcceptable { .. } => Refused { status: 406, ..refused },
        _ => refused,
    }
}
