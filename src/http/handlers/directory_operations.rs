//! The operations on resources of the directory: the same two for each of its kinds.

use super::super::auth::Need;
use super::super::pipeline::documentation::{AnswerSample, BodySample, Documentation};
use super::super::pipeline::operation::{Caching, Effect, Handler, Input, Operation, Permission, SEARCH_TYPE, Stated};
use super::{directory, faults};
use domain::directory::DirectoryKind::{HealthcareService, Location, Organization, Practitioner, PractitionerRole};

/// `GET /HealthcareService?…`.
pub const SEARCH_HEALTHCARE_SERVICES: Operation =
    search("HealthcareService", "Finds services", |context| Box::pin(directory::search(context, HealthcareService)));
/// `GET /Location?…`.
pub const SEARCH_LOCATIONS: Operation = search("Location", "Finds places", |context| Box::pin(directory::search(context, Location)));
/// `GET /Organization?…`.
pub const SEARCH_ORGANIZATIONS: Operation =
    search("Organization", "Finds organisations", |context| Box::pin(directory::search(context, Organization)));
/// `GET /Practitioner?…`.
pub const SEARCH_PRACTITIONERS: Operation =
    search("Practitioner", "Finds clinicians", |context| Box::pin(directory::search(context, Practitioner)));
/// `GET /PractitionerRole?…`.
pub const SEARCH_PRACTITIONER_ROLES: Operation =
    search("PractitionerRole", "Finds clinicians' roles", |context| Box::pin(directory::search(context, PractitionerRole)));

/// `GET /HealthcareService/<id>`.
pub const READ_HEALTHCARE_SERVICE: Operation =
    with_example(read("HealthcareService/{id}", "HealthcareService", "Reads a service", |context| {
        Box::pin(directory::read(context, HealthcareService))
    }));
/// `GET /Location/<id>`.
pub const READ_LOCATION: Operation =
    read("Location/{id}", "Location", "Reads a place", |context| Box::pin(directory::read(context, Location)));
/// `GET /Organization/<id>`.
pub const READ_ORGANIZATION: Operation =
    read("Organization/{id}", "Organization", "Reads an organisation", |context| Box::pin(directory::read(context, Organization)));
/// `GET /Practitioner/<id>`.
pub const READ_PRACTITIONER: Operation =
    read("Practitioner/{id}", "Practitioner", "Reads a clinician", |context| Box::pin(directory::read(context, Practitioner)));
/// `GET /PractitionerRole/<id>`.
pub const READ_PRACTITIONER_ROLE: Operation = read("PractitionerRole/{id}", "PractitionerRole", "Reads a clinician's role", |context| {
    Box::pin(directory::read(context, PractitionerRole))
});

const fn search(path: &'static str, summary: &'static str, handler: Handler) -> Operation {
    Operation {
        method: "GET",
        path,
        scope: Need::ReadSlots,
        permission: Permission::Admission,
        audit: "search:directory",
        input: Input::Query,
        effect: Effect::Reads,
        caching: Caching::Never,
        stated: Stated::Interaction(SEARCH_TYPE),
        handler,
        faults: faults::directory_search,
        documentation: Documentation {
            verb: "search",
            summary,
            notes: None,
            query: &[],
            body: BodySample::None,
            success: (200, "The resource"),
            answer: "Bundle",
            example: AnswerSample::None,
        },
    }
}

const fn read(path: &'static str, kind: &'static str, summary: &'static str, handler: Handler) -> Operation {
    let search = search(path, summary, handler);
    Operation {
        audit: "read:directory",
        stated: Stated::Interaction("read"),
        faults: faults::read,
        documentation: Documentation { verb: "read", answer: kind, ..search.documentation },
        ..search
    }
}

const fn with_example(mut operation: Operation) -> Operation {
    operation.documentation.example = AnswerSample::OfSlots(operation.documentation.answer);
    operation
}
