//! One operation: what it is called, what it takes, what it answers.
//!
//! What a reader would get wrong: the match on the interaction is exhaustive on purpose. Whoever adds one is asked
//! here what to say of it.

use super::super::auth::Need;
use super::super::dialects::{Dialect, Interaction, Route};
use super::{answers, examples, parameters, tag};
use domain::directory::DirectoryKind;
use serde_json::{Value, json};

/// The operation of a route.
pub fn of(dialect: &Dialect, route: Route) -> Value {
    let Said { name, summary, answer } = said(route.interaction);
    let need = route.interaction.need();
    let mut description = format!("{summary}.");
    if need != Need::Nothing {
        description = format!("{description} Scope: `{}` or one that means the same.", need.example());
    }
    if let Some(more) = more(dialect, route.interaction) {
        description = format!("{description} {more}");
    }
    let mut operation = json!({
        "operationId": format!("{}_{name}{}", tag(dialect), variant(route)),
        "tags": [tag(dialect)],
        "summary": summary,
        "description": description,
        "parameters": parameters::of(dialect, route),
        "responses": answers::of(dialect, route, answer),
    });
    if let Some(fields) = operation.as_object_mut() {
        if need == Need::Nothing {
            fields.insert("security".to_owned(), json!([]));
        }
        if route.form {
            fields.insert("requestBody".to_owned(), parameters::form(dialect, route));
        }
        if route.interaction.takes_resource() {
            fields.insert("requestBody".to_owned(), body(dialect, route.interaction));
        }
    }
    operation
}

/// What tells two operations of one interaction apart.
fn variant(route: Route) -> &'static str {
    match route.interaction {
        _ if route.form => "_by_form",
        Interaction::Validate if route.path.contains('*') => "_one",
        _ => "",
    }
}

struct Said {
    /// End of the operation's id.
    name: String,
    summary: String,
    /// The resource type of a good answer.
    answer: &'static str,
}

fn said(interaction: Interaction) -> Said {
    let (name, summary, answer) = match interaction {
        Interaction::Capability => ("metadata", "What is served here", "CapabilityStatement"),
        Interaction::SearchSlots => ("Slot_search", "Finds slots", "Bundle"),
        Interaction::ReadSlot => ("Slot_read", "Reads a slot", "Slot"),
        Interaction::SearchSchedules => ("Schedule_search", "Finds schedules", "Bundle"),
        Interaction::ReadSchedule => ("Schedule_read", "Reads a schedule", "Schedule"),
        Interaction::SearchAppointments => ("Appointment_search", "Finds appointments, of a patient in most cases", "Bundle"),
        Interaction::ReadAppointment => ("Appointment_read", "Reads the current version of an appointment", "Appointment"),
        Interaction::ReadVersion => ("Appointment_vread", "Reads one version of an appointment", "Appointment"),
        Interaction::Book => ("Appointment_create", "Books a slot", "Appointment"),
        Interaction::Update => ("Appointment_update", "Cancels an appointment", "Appointment"),
        Interaction::Validate => ("Appointment_validate", "Says what a booking or a cancel would be told", "OperationOutcome"),
        Interaction::ReadHistory => ("Appointment_history", "Reads every version of an appointment, newest first", "Bundle"),
        Interaction::ReadDirectory(kind) => {
            let answer = kind.name();
            return Said { name: format!("{answer}_read"), summary: format!("Reads {}", one_of(kind)), answer };
        }
        Interaction::SearchDirectory(kind) => {
            let name = format!("{}_search", kind.name());
            return Said { name, summary: format!("Finds {}", many_of(kind)), answer: "Bundle" };
        }
    };
    Said { name: name.to_owned(), summary: summary.to_owned(), answer }
}

const fn one_of(kind: DirectoryKind) -> &'static str {
    match kind {
        DirectoryKind::Organization => "an organisation",
        DirectoryKind::Location => "a place",
        DirectoryKind::HealthcareService => "a service",
        DirectoryKind::Practitioner => "a clinician",
        DirectoryKind::PractitionerRole => "a clinician's role",
    }
}

const fn many_of(kind: DirectoryKind) -> &'static str {
    match kind {
        DirectoryKind::Organization => "organisations",
        DirectoryKind::Location => "places",
        DirectoryKind::HealthcareService => "services",
        DirectoryKind::Practitioner => "clinicians",
        DirectoryKind::PractitionerRole => "clinicians' roles",
    }
}

/// What else is to be known of an operation.
fn more(dialect: &Dialect, interaction: Interaction) -> Option<&'static str> {
    match interaction {
        Interaction::SearchSlots => Some(
            "`total` counts the slots that match. A slot that has begun is never in an answer as `free`. Without an upper bound the window \
             ends at its limit, 31 days unless set otherwise.",
        ),
        Interaction::SearchAppointments => {
            Some("Only what the caller may see. Without a window, future appointments only. A patient's appointments are never paged.")
        }
        Interaction::Book if dialect.strict => Some(
            "The body contains the Slot, the Patient and a DocumentReference, and no `id`. Once a booking has succeeded, whatever is sent \
             under the same X-Request-ID is answered 409 and names it; a booking that failed may be sent again under the same one. Run with \
             `--compat`, the server also takes what older versions of the API allowed; its CapabilityStatement says which.",
        ),
        Interaction::Book => Some(
            "The slot may be `Slot/<id>`, and the patient a participant's actor with identifier and display. With an X-Request-ID, a request \
             that is sent again is recognised.",
        ),
        Interaction::Update => Some(
            "The body is the appointment as read, with `status` set to `cancelled`: nothing else may change. `meta`, `text` and `created` may \
             be left out, and the same instant may be written in another offset.",
        ),
        Interaction::Validate => Some(
            "The checks of a booking (`mode` is `create`) or of a cancel (`update`, and the default where the URL names an appointment), \
             with nothing done, held or used up. The body is the Appointment, or a Parameters resource with `resource` and, if wanted, \
             `mode` and `profile`, which may also stand in the URL. What is found is in an answer of 200: one issue for every problem, or \
             one of severity information and code informational. The slot may be gone a moment later.",
        ),
        _ => None,
    }
}

/// The body of a booking or a cancel, in both formats.
fn body(dialect: &Dialect, interaction: Interaction) -> Value {
    let example = match interaction {
        Interaction::Update => examples::cancelled(dialect.strict),
        _ => examples::booking(dialect.strict),
    };
    let appointment = json!({"$ref": "#/components/schemas/Appointment"});
    let schema = match interaction {
        Interaction::Validate => json!({"oneOf": [appointment, {"$ref": "#/components/schemas/Parameters"}]}),
        _ => appointment,
    };
    let description = "An Appointment. `application/json`, `application/json+fhir` and `application/xml+fhir` are understood as well, \
        and `Content-Encoding: gzip`.";
    json!({
        "required": true,
        "description": description,
        "content": {
            "application/fhir+json": {"schema": schema, "example": example},
            "application/fhir+xml": {"schema": {"type": "string"}, "example": examples::as_xml(&example)},
        },
    })
}
