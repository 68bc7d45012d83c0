"""The bookings that are sent: one template, filled in for a slot, and the variants the harness makes of it.

Everything is in the form of JSON and in the official order; `resource.write_xml` makes XML of it. The people are
invented, their NHS numbers lie in the range kept free for tests and have valid check digits.
"""

import copy
import datetime
import random
import uuid

PROFILE = "https://fhir.hl7.org.uk/STU3/StructureDefinition/CareConnect-"
NHS_NUMBER = "https://fhir.nhs.uk/Id/nhs-number"
UUID_SYSTEM = "https://tools.ietf.org/html/rfc4122"
_VERIFICATION = "https://fhir.hl7.org.uk/STU3/StructureDefinition/Extension-CareConnect-NHSNumberVerificationStatus-1"
_VERIFICATION_CODES = "https://fhir.hl7.org.uk/STU3/CodeSystem/CareConnect-NHSNumberVerificationStatus-1"

OWN_PHONE = {"system": "phone", "value": "01234 567 890", "use": "home", "rank": 1}
CONTACT = {
    "relationship": [{"coding": [{"system": "http://hl7.org/fhir/v2/0131", "code": "N", "display": "Next-of-Kin"}]}],
    "name": {"use": "official", "family": "Whitlock", "given": ["Rosalind"]},
    "telecom": [{"system": "phone", "value": "07700 900461", "use": "mobile", "rank": 1}],
}


def nhs_number():
    """A number between 999 000 0000 and 999 999 9999 whose check digit is right."""
    while True:
        digits = f"999{random.randrange(10**6):06}"
        check = 11 - sum(int(digit) * (10 - place) for place, digit in enumerate(digits)) % 11
        if check != 10:
            return digits + str(check % 11)


def now():
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")


class Slot:
    """A free slot as a consumer remembers it from a search."""

    def __init__(self, node):
        self.id = node.first("id")
        self.identifier = node.first("identifier/value")
        self.schedule = node.first("schedule/reference")
        self.start = node.first("start")
        self.end = node.first("end")


def booking(slot, number=None):
    """A booking that is right in every respect: the patient has a telephone of rank 1 and no other contact."""
    number = number or nhs_number()
    return {
        "resourceType": "Appointment",
        "meta": {"profile": [PROFILE + "Appointment-1"]},
        "language": "en-GB",
        "contained": [_document(), _patient(number), _contained_slot(slot)],
        "status": "booked",
        "description": "Persistent ear pain, face to face assessment within 24 hours",
        "supportingInformation": [{"reference": "#cda1"}],
        "start": slot.start,
        "end": slot.end,
        "slot": [{"reference": "#" + slot.id}],
        "created": now(),
        "participant": [
            {
                "actor": {
                    "reference": "#P1",
                    "identifier": {"use": "official", "system": NHS_NUMBER, "value": number},
                    "display": "Imogen Whitlock",
                },
                "status": "accepted",
            }
        ],
    }


def _document():
    return {
        "resourceType": "DocumentReference",
        "id": "cda1",
        "meta": {"profile": [PROFILE + "DocumentReference-1"]},
        "identifier": [{"system": UUID_SYSTEM, "value": str(uuid.uuid4())}],
        "status": "current",
        "type": {
            "coding": [
                {
                    "system": "urn:oid:2.16.840.1.113883.2.1.3.2.4.18.17",
                    "code": "POCD_MT200001GB02",
                    "display": "Integrated Urgent Care Report",
                }
            ]
        },
        "indexed": now(),
        "content": [{"attachment": {"contentType": "application/hl7-v3+xml", "language": "en"}}],
    }


def _patient(number):
    status = {"coding": [{"system": _VERIFICATION_CODES, "code": "01", "display": "Number present and verified"}]}
    return {
        "resourceType": "Patient",
        "id": "P1",
        "meta": {"profile": [PROFILE + "Patient-1"]},
        "identifier": [
            {
                "extension": [{"url": _VERIFICATION, "valueCodeableConcept": status}],
                "use": "official",
                "system": NHS_NUMBER,
                "value": number,
            }
        ],
        "name": [{"use": "official", "family": "Whitlock", "given": ["Imogen"], "prefix": ["Miss"]}],
        "telecom": [copy.deepcopy(OWN_PHONE)],
        "gender": "female",
        "birthDate": "2019-08-03",
        "address": [{"use": "home", "line": ["27 Quarry Rise"], "city": "Durham", "postalCode": "DH7 9QQ"}],
    }


def _contained_slot(slot):
    return {
        "resourceType": "Slot",
        "id": slot.id,
        "meta": {"profile": [PROFILE + "Slot-1"]},
        "identifier": [{"system": UUID_SYSTEM, "value": slot.identifier}],
        "schedule": {"reference": slot.schedule},
        "status": "busy",
        "start": slot.start,
        "end": slot.end,
    }


def patient_of(body):
    return next(resource for resource in body["contained"] if resource["resourceType"] == "Patient")


def slot_of(body):
    return next(resource for resource in body["contained"] if resource["resourceType"] == "Slot")


def with_contacts(body, own_rank, contact_rank):
    """The patient's own telephone and that of a contact, each with a rank or, where it is None, left out."""
    body = copy.deepcopy(body)
    patient = patient_of(body)
    del patient["telecom"]
    if own_rank is not None:
        patient["telecom"] = [OWN_PHONE | {"rank": own_rank}]
    if contact_rank is not None:
        contact = copy.deepcopy(CONTACT)
        contact["telecom"][0]["rank"] = contact_rank
        patient["contact"] = [contact]
    return body


def without_nhs_number(body):
    """As the harness does it: taken from the Patient, but left in the participant (docs/specification/uec.md#b6-patient)."""
    body = copy.deepcopy(body)
    del patient_of(body)["identifier"]
    return body


def cancel(sent, created):
    """The harness's cancel: the template anew, with what it cut out of the 201, and without any `meta.versionId`.

    `sent` is the booking as sent, `created` the appointment as it came back.
    """
    body = {"resourceType": "Appointment", "id": created.first("id")}
    body |= {name: part for name, part in copy.deepcopy(sent).items() if name != "resourceType"}
    body["language"] = created.first("language")
    body["created"] = created.first("created")
    kept = created.contained("Slot")[0]
    slot = slot_of(body)
    slot["id"] = kept.first("id")
    slot["identifier"] = [{"system": kept.first("identifier/system"), "value": kept.first("identifier/value")}]
    slot["schedule"] = {"reference": kept.first("schedule/reference")}
    slot["start"], slot["end"] = kept.first("start"), kept.first("end")
    body["start"], body["end"] = created.first("start"), created.first("end")
    body["slot"] = [{"reference": "#" + slot["id"]}]
    body["status"] = "cancelled"
    return body


def tampered(body):
    """What the harness alters for `CancelAppointment_DifferencesDetected`."""
    body = copy.deepcopy(body)
    patient_of(body)["name"][0]["family"] = "Whitlocke"
    return body
