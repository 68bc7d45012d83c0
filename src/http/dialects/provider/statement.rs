//! The provider root's capability statement, made from its route table so that it cannot promise what is not served.

use super::super::{Interaction, Route};
use crate::domain::element::Element;
use crate::fhir::capability::provider::{self, Served};
use crate::fhir::search;

/// The statement of a root with these routes.
pub fn of_routes(routes: &[Route], root_url: &str) -> Element {
    let mut served: Vec<Served> = Vec::new();
    for route in routes {
        let Some((kind, code)) = stated(route.interaction) else { continue };
        let call = format!("{} {}", route.method, route.path.replace('*', "[id]"));
        let resource = match served.iter_mut().position(|s| s.kind == kind) {
            Some(at) => served.get_mut(at),
            None => {
                served.push(Served { kind, interactions: Vec::new(), search: None });
                served.last_mut()
            }
        };
        let Some(resource) = resource else { continue };
        match resource.interactions.iter_mut().find(|(known, _)| *known == code) {
            Some((_, calls)) => *calls = format!("{calls}, {call}"),
            None => resource.interactions.push((code, call)),
        }
        if code == SEARCH {
            resource.search = search::declared(kind, &search::PROVIDER_RULES);
        }
    }
    served.sort_unstable_by_key(|s| s.kind);
    provider::statement(env!("CARGO_PKG_VERSION"), super::super::booking::RELEASE_DATE, root_url, &served)
}

const SEARCH: &str = "search-type";

/// The resource type an interaction is about, and its code; `None` for the statement itself, which states no reading of it.
const fn stated(interaction: Interaction) -> Option<(&'static str, &'static str)> {
    Some(match interaction {
        Interaction::Capability => return None,
        Interaction::SearchSlots => ("Slot", SEARCH),
        Interaction::ReadSlot => ("Slot", "read"),
        Interaction::SearchSchedules => ("Schedule", SEARCH),
        Interaction::ReadSchedule => ("Schedule", "read"),
        Interaction::SearchDirectory(kind) => (kind.name(), SEARCH),
        Interaction::ReadDirectory(kind) => (kind.name(), "read"),
        Interaction::SearchAppointments => ("Appointment", SEARCH),
        Interaction::ReadAppointment => ("Appointment", "read"),
        Interaction::ReadVersion => ("Appointment", "vread"),
        Interaction::ReadHistory => ("Appointment", "history-instance"),
        Interaction::Book => ("Appointment", "create"),
        Interaction::Update => ("Appointment", "update"),
    })
}

#[cfg(test)]
mod tests {
    use super::super::PROVIDER_ROUTES;
    use super::*;

    #[test]
    fn every_route_is_in_the_statement_and_every_interaction_of_the_statement_has_a_route() {
        let statement = of_routes(&PROVIDER_ROUTES, "https://weirside.example/STU3/1/provider");
        let calls: Vec<String> = statement
            .at("rest")
            .unwrap()
            .all("resource")
            .flat_map(|r| r.all("interaction"))
            .flat_map(|i| i.text_at("documentation").unwrap().split(", ").map(str::to_owned).collect::<Vec<_>>())
            .collect();
        let routes: Vec<String> = PROVIDER_ROUTES
            .iter()
            .filter(|r| r.interaction != Interaction::Capability)
            .map(|r| format!("{} {}", r.method, r.path.replace('*', "[id]")))
            .collect();
        for route in &routes {
            assert!(calls.contains(route), "{route} is served and not stated");
        }
        assert_eq!(calls.len(), routes.len());
    }
}
