//! The provider root's capability statement, made from its route table so that it cannot promise what is not served.

use super::super::{Interaction, Route};
use crate::domain::element::Element;
use crate::fhir::capability;

/// The statement of a root with these routes.
pub fn of_routes(routes: &[Route], root_url: &str) -> Element {
    let mut kinds: Vec<&'static str> = routes.iter().filter_map(kind).collect();
    kinds.dedup();
    kinds.sort_unstable();
    kinds.dedup();
    let resources = kinds.into_iter().map(|wanted| {
        let interactions = routes.iter().filter(|route| kind(route) == Some(wanted)).filter_map(|route| code(route.interaction));
        let parameters: &[_] = match wanted {
            "Slot" => &SLOT,
            "Schedule" => &SCHEDULE,
            "Appointment" => &APPOINTMENT,
            _ => &[],
        };
        capability::resource(wanted, interactions, parameters)
    });
    capability::provider(env!("CARGO_PKG_VERSION"), super::super::booking::RELEASE_DATE, root_url, resources)
}

/// The resource type a route is about.
fn kind(route: &Route) -> Option<&'static str> {
    route.path.split('/').next().filter(|first| *first != "metadata")
}

const fn code(interaction: Interaction) -> Option<&'static str> {
    match interaction {
        Interaction::Capability => None,
        Interaction::SearchSlots | Interaction::SearchSchedules | Interaction::SearchAppointments => Some("search-type"),
        Interaction::ReadSlot | Interaction::ReadSchedule | Interaction::ReadDirectory(_) | Interaction::ReadAppointment => Some("read"),
        Interaction::ReadVersion => Some("vread"),
        Interaction::Book => Some("create"),
        Interaction::Update => Some("update"),
    }
}

const SLOT: [(&str, &str); 6] =
    [("service", "token"), ("schedule", "reference"), ("identifier", "token"), ("status", "token"), ("start", "date"), ("_id", "token")];
const SCHEDULE: [(&str, &str); 4] = [("actor", "reference"), ("date", "date"), ("identifier", "token"), ("_id", "token")];
const APPOINTMENT: [(&str, &str); 6] =
    [("patient", "reference"), ("identifier", "token"), ("status", "token"), ("date", "date"), ("slot", "reference"), ("_id", "token")];
