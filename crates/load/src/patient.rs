//! Invented patients and the booking each of them sends (docs/specification/uec.md#h2-booking).
//!
//! Nobody here exists: the numbers are from the range set aside for tests, the telephones from the ranges set aside for drama.
//! A body is a pure function of its arguments, because the same bytes must be made again on another connection (`same-request`)
//! or when a lost answer is settled.

use serde_json::{Value, json};

use crate::random::SeededRng;
use domain::nhs_number::check_digit;
use domain::time::Timestamp;

const FAMILIES: [&str; 12] = [
    "Ashgrove",
    "Brackenby",
    "Coldstone",
    "Dunmallard",
    "Eskrigg",
    "Fernihough",
    "Garthwaite",
    "Hollinsclough",
    "Ingleborrow",
    "Kettlewick",
    "Larkbarrow",
    "Merrowdale",
];
const GIVEN: [(&str, &str); 8] = [
    ("Imogen", "female"),
    ("Tobias", "male"),
    ("Saoirse", "female"),
    ("Kwame", "male"),
    ("Anwen", "female"),
    ("Rafiq", "male"),
    ("Morgan", "other"),
    ("Robin", "unknown"),
];
const STREETS: [&str; 6] = ["Quarry Rise", "Millrace Lane", "Tanners Row", "Staithe Side", "Beck Foot", "Lamp Hill"];
const REASONS: [&str; 5] = [
    "Persistent ear pain, face to face assessment within 24 hours",
    "Wrist injury after a fall, swollen",
    "High temperature for three days",
    "Rash spreading since yesterday",
    "Cut on the hand, bleeding stopped",
];
/// Every so many people one has no NHS number (docs/specification/uec.md#b6-patient), and one is reached through a parent.
const NO_NUMBER_EVERY: usize = 8;
const PARENT_EVERY: usize = 5;
/// The numbers 999 000 000x to 999 999 999x, without the check digit.
const NUMBERS_FIRST: u64 = 999_000_000;
const NUMBERS_COUNT: u64 = 1_000_000;

/// A free slot, as a search answered it or as it was laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundSlot {
    /// Its id.
    pub id: String,
    /// Value of its first identifier; its id when it has none.
    pub identifier: String,
    /// `Schedule/<id>`, as answered.
    pub schedule: String,
    /// When it begins, as answered.
    pub start: String,
    /// When it ends, as answered.
    pub end: String,
}

/// Somebody invented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    number: Option<String>,
    family: &'static str,
    given: &'static str,
    gender: &'static str,
    born: String,
    street: String,
    phone: String,
    parent: Option<&'static str>,
}

/// `count` people, each different, the same ones for the same seed.
pub fn invent(count: usize, seed: u64) -> Vec<Person> {
    let mut rng = SeededRng::of(&[seed, 0xBEEF]);
    let first = rng.next_u64() % NUMBERS_COUNT;
    let mut numbers = (0..NUMBERS_COUNT).filter_map(|step| with_check_digit(NUMBERS_FIRST + (first + step) % NUMBERS_COUNT));
    (0..count)
        .map(|index| {
            let number = numbers.next().filter(|_| index % NO_NUMBER_EVERY != NO_NUMBER_EVERY - 1);
            person(index, number, &mut rng)
        })
        .collect()
}

fn person(index: usize, number: Option<String>, rng: &mut SeededRng) -> Person {
    let (given, gender) = GIVEN.get(rng.below(GIVEN.len())).copied().unwrap_or(("Robin", "unknown"));
    let child = index % PARENT_EVERY == PARENT_EVERY - 1;
    let year = if child { 2015 + rng.below(8) } else { 1940 + rng.below(60) };
    Person {
        number,
        family: rng.pick(&FAMILIES),
        given,
        gender,
        born: format!("{year:04}-{:02}-{:02}", 1 + rng.below(12), 1 + rng.below(28)),
        street: format!("{} {}", 1 + rng.below(99), rng.pick(&STREETS)),
        phone: format!("07700 900{:03}", rng.below(1000)),
        parent: child.then_some("Rosalind"),
    }
}

fn with_check_digit(nine: u64) -> Option<String> {
    let nine = nine.to_string();
    check_digit(&nine).map(|digit| format!("{nine}{digit}"))
}

/// The booking `person` sends for `slot`, as bytes of JSON. `rng` gives its document id, `now` its times.
pub fn booking(person: &Person, slot: &FoundSlot, rng: &mut SeededRng, now: Timestamp) -> String {
    let written = now.to_fhir();
    json!({
        "resourceType": "Appointment",
        "meta": {"profile": ["https://fhir.hl7.org.uk/STU3/StructureDefinition/CareConnect-Appointment-1"]},
        "language": "en-GB",
        "contained": [document(&rng.uuid(), &written), patient(person), contained_slot(slot)],
        "status": "booked",
        "description": rng.pick(&REASONS),
        "supportingInformation": [{"reference": "#cda1"}],
        "start": slot.start,
        "end": slot.end,
        "slot": [{"reference": format!("#{}", slot.id)}],
        "created": written,
        "participant": [{"actor": actor(person), "status": "accepted"}]
    })
    .to_string()
}

fn document(id: &str, written: &str) -> Value {
    json!({
        "resourceType": "DocumentReference",
        "id": "cda1",
        "meta": {"profile": ["https://fhir.hl7.org.uk/STU3/StructureDefinition/CareConnect-DocumentReference-1"]},
        "identifier": [{"system": "https://tools.ietf.org/html/rfc4122", "value": id}],
        "status": "current",
        "type": {"coding": [{
            "system": "urn:oid:2.16.840.1.113883.2.1.3.2.4.18.17",
            "code": "POCD_MT200001GB02",
            "display": "Integrated Urgent Care Report"
        }]},
        "indexed": written,
        "content": [{"attachment": {"contentType": "application/hl7-v3+xml", "language": "en"}}]
    })
}

fn patient(person: &Person) -> Value {
    let mut resource = json!({
        "resourceType": "Patient",
        "id": "pat1",
        "meta": {"profile": ["https://fhir.hl7.org.uk/STU3/StructureDefinition/CareConnect-Patient-1"]},
        "name": [{"use": "official", "family": person.family, "given": [person.given]}],
        "telecom": [{"system": "phone", "value": person.phone, "use": "mobile", "rank": if person.parent.is_some() { 2 } else { 1 }}],
        "gender": person.gender,
        "birthDate": person.born,
        "address": [{"use": "home", "line": [person.street], "city": "Durham", "postalCode": "DH7 9QQ"}]
    });
    if let Some(fields) = resource.as_object_mut() {
        // Without a number there must be no identifier at all (docs/specification/uec.md#b6-patient).
        if let Some(number) = &person.number {
            fields.insert("identifier".to_owned(), json!([nhs_number(number)]));
        }
        if let Some(parent) = person.parent {
            let contact = json!([{
                "relationship": [{"coding": [{"system": "http://hl7.org/fhir/v2/0131", "code": "N", "display": "Next-of-Kin"}]}],
                "name": {"use": "official", "family": person.family, "given": [parent]},
                "telecom": [{"system": "phone", "value": "07700 900461", "use": "mobile", "rank": 1}]
            }]);
            fields.insert("contact".to_owned(), contact);
        }
    }
    resource
}

fn nhs_number(number: &str) -> Value {
    json!({
        "extension": [{
            "url": "https://fhir.hl7.org.uk/STU3/StructureDefinition/Extension-CareConnect-NHSNumberVerificationStatus-1",
            "valueCodeableConcept": {"coding": [{
                "system": "https://fhir.hl7.org.uk/STU3/CodeSystem/CareConnect-NHSNumberVerificationStatus-1",
                "code": "01",
                "display": "Number present and verified"
            }]}
        }],
        "use": "official",
        "system": "https://fhir.nhs.uk/Id/nhs-number",
        "value": number
    })
}

fn contained_slot(slot: &FoundSlot) -> Value {
    json!({
        "resourceType": "Slot",
        "id": slot.id,
        "meta": {"profile": ["https://fhir.hl7.org.uk/STU3/StructureDefinition/CareConnect-Slot-1"]},
        "identifier": [{"system": "https://tools.ietf.org/html/rfc4122", "value": slot.identifier}],
        "schedule": {"reference": slot.schedule},
        "status": "busy",
        "start": slot.start,
        "end": slot.end
    })
}

fn actor(person: &Person) -> Value {
    let display = format!("{} {}", person.given, person.family);
    match &person.number {
        Some(number) => json!({
            "reference": "#pat1",
            "identifier": {"use": "official", "system": "https://fhir.nhs.uk/Id/nhs-number", "value": number},
            "display": display
        }),
        None => json!({"reference": "#pat1", "display": display}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::nhs_number::NhsNumber;

    #[test]
    fn people_differ_and_their_numbers_are_of_the_test_range() {
        let people = invent(500, 11);
        let mut numbers: Vec<&String> = people.iter().filter_map(|p| p.number.as_ref()).collect();
        let with_number = numbers.len();
        assert!(with_number < people.len());
        for number in &numbers {
            assert!(number.starts_with("999") && NhsNumber::parse(number).is_ok(), "{number}");
        }
        numbers.sort();
        numbers.dedup();
        assert_eq!(numbers.len(), with_number);
        assert_eq!(people, invent(500, 11));
    }

    #[test]
    fn a_body_repeats_and_has_no_identifier_without_a_number() {
        let slot = FoundSlot {
            id: "s1".to_owned(),
            identifier: "i1".to_owned(),
            schedule: "Schedule/a".to_owned(),
            start: "2026-02-11T09:30:00.000+00:00".to_owned(),
            end: "2026-02-11T09:45:00.000+00:00".to_owned(),
        };
        let people = invent(8, 1);
        let body = |who: usize| booking(&people[who], &slot, &mut SeededRng::of(&[1]), Timestamp::from_ms(0));
        assert_eq!(body(0), body(0));
        let numberless: Value = serde_json::from_str(&body(7)).unwrap();
        assert_eq!(numberless["contained"][1].get("identifier"), None);
        assert_eq!(numberless["slot"][0]["reference"], "#s1");
    }
}
