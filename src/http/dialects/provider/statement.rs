//! The provider root's capability statement, made from its route table so that it cannot promise what is not served.

use super::super::{Interaction, Route};
use domain::element::Element;
use fhir::stu3::statement::{self as provider, Operation, Served};

/// The statement of a root with these routes.
pub fn of_routes(routes: &[Route], root_url: &str) -> Element {
    let mut served: Vec<Served> = Vec::new();
    let mut operations: Vec<Operation> = Vec::new();
    for route in routes {
        if let Some(operation) = operation(route.interaction)
            && !operations.contains(&operation)
        {
            operations.push(operation);
        }
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
            resource.search = fhir::stu3::search::declared(kind, &fhir::stu3::search::PROVIDER_RULES);
        }
    }
    served.sort_unstable_by_key(|s| s.kind);
    provider::statement(env!("CARGO_PKG_VERSION"), super::super::booking::RELEASE_DATE, root_url, &served, &operations)
}

const SEARCH: &str = "search-type";

/// The operation an interaction is, if it is one.
const fn operation(interaction: Interaction) -> Option<Operation> {
    match interaction {
        Interaction::Validate => {
            Some(Operation { name: "validate", definition: "http://hl7.org/fhir/OperationDefinition/Resource-validate" })
        }
        _ => None,
    }
}

/// The resource type an interaction is about, and its code; `None` for the statement itself, which states no reading of
/// it, and for operations.
const fn stated(interaction: Interaction) -> Option<(&'static str, &'static str)> {
    Some(match interaction {
        Interaction::Capability | Interaction::Validate => return None,
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
            .filter(|r| r.interaction != Interaction::Capability && operation(r.interaction).is_none())
            .map(|r| format!("{} {}", r.method, r.path.replace('*', "[id]")))
            .collect();
        for route in &routes {
            assert!(calls.contains(route), "{route} is served and not stated");
        }
        assert_eq!(calls.len(), routes.len());
        let operations: Vec<&str> = statement.at("rest").unwrap().all("operation").filter_map(|o| o.text_at("name")).collect();
        assert_eq!(operations, ["validate"]);
    }
}
