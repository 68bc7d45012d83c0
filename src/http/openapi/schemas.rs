//! The shapes of bodies, as far as a client needs them to begin: FHIR STU3 itself says the rest.

use serde_json::{Map, Value, json};

/// The resources that are read and written.
const RESOURCES: [&str; 12] = [
    "Appointment",
    "Bundle",
    "CapabilityStatement",
    "HealthcareService",
    "Location",
    "OperationOutcome",
    "Organization",
    "Parameters",
    "Practitioner",
    "PractitionerRole",
    "Schedule",
    "Slot",
];

/// All schemas, by name.
pub fn all() -> Value {
    let mut schemas: Map<String, Value> = RESOURCES.into_iter().map(|kind| (kind.to_owned(), resource(kind))).collect();
    schemas.insert(
        "Reference".to_owned(),
        json!({"type": "object", "properties": {
            "reference": {"type": "string", "example": "Slot/9f2c41d0-6f0e-4b7a-9d53-1f2a52a3c1de"},
            "identifier": {"type": "object"},
            "display": {"type": "string"},
        }}),
    );
    Value::Object(schemas)
}

fn resource(kind: &str) -> Value {
    let instant = json!({"type": "string", "format": "date-time"});
    let reference = json!({"$ref": "#/components/schemas/Reference"});
    let own = match kind {
        "Appointment" => json!({
            "contained": {"type": "array", "items": {"type": "object"}},
            "status": {"type": "string", "enum": ["booked", "cancelled"]},
            "description": {"type": "string"},
            "supportingInformation": {"type": "array", "items": reference},
            "start": instant, "end": instant, "created": instant,
            "slot": {"type": "array", "items": reference, "minItems": 1, "maxItems": 1},
            "participant": {"type": "array", "minItems": 1, "items": {"type": "object", "properties": {
                "actor": reference, "status": {"type": "string", "enum": ["accepted", "declined", "tentative", "needs-action"]},
            }}},
        }),
        "Slot" => json!({
            "identifier": {"type": "array", "items": {"type": "object"}},
            "schedule": reference,
            "status": {"type": "string", "enum": ["free", "busy", "busy-unavailable"]},
            "start": instant, "end": instant,
        }),
        "Schedule" => json!({"identifier": {"type": "array", "items": {"type": "object"}}, "actor": {"type": "array", "items": reference}}),
        "Bundle" => json!({
            "type": {"type": "string", "enum": ["searchset"]},
            "total": {"type": "integer", "minimum": 0},
            "link": {"type": "array", "items": {"type": "object", "properties": {"relation": {"type": "string"}, "url": {"type": "string"}}}},
            "entry": {"type": "array", "items": {"type": "object", "properties": {
                "fullUrl": {"type": "string"}, "resource": {"type": "object"}, "search": {"type": "object"},
            }}},
        }),
        "OperationOutcome" => json!({"issue": {"type": "array", "minItems": 1, "items": {
            "type": "object",
            "required": ["severity", "code"],
            "properties": {
                "severity": {"type": "string"}, "code": {"type": "string"}, "details": {"type": "object"},
                "diagnostics": {"type": "string"}, "expression": {"type": "array", "items": {"type": "string"}},
            },
        }}}),
        "Parameters" => json!({"parameter": {"type": "array", "items": {"type": "object", "required": ["name"], "properties": {
            "name": {"type": "string", "enum": ["resource", "mode", "profile"]},
            "resource": {"$ref": "#/components/schemas/Appointment"},
            "valueCode": {"type": "string", "enum": ["create", "update", "delete"]},
            "valueUri": {"type": "string"},
        }}}}),
        _ => json!({}),
    };
    let mut properties = own.as_object().cloned().unwrap_or_default();
    properties.insert("resourceType".to_owned(), json!({"type": "string", "enum": [kind]}));
    properties.insert("id".to_owned(), json!({"type": "string"}));
    properties.insert("meta".to_owned(), json!({"type": "object"}));
    let url = format!("http://hl7.org/fhir/STU3/{}.html", kind.to_ascii_lowercase());
    json!({"type": "object", "required": ["resourceType"], "properties": properties, "externalDocs": {"url": url}})
}
