"""The elements of FHIR STU3 that may come, in their official order: what the strict reader judges by.

Written down from the published specification, not from the server's own tables: two readers that share a
mistake find nothing. A word is `name[*][:kind]`; `*` means that it repeats (a list in JSON), the kind is
`string` unless said otherwise. A kind that begins with a small letter is a primitive.
"""

import re

_RESOURCE = "id:id meta:Meta implicitRules:uri language:code "
_DOMAIN = _RESOURCE + "text:Narrative contained*:Resource extension*:Extension modifierExtension*:Extension "
_BACKBONE = "extension*:Extension modifierExtension*:Extension "
_ELEMENT = "extension*:Extension "

_SHAPES = {
    # Data types
    "Meta": _ELEMENT + "versionId:id lastUpdated:instant profile*:uri security*:Coding tag*:Coding",
    "Coding": _ELEMENT + "system:uri version code:code display userSelected:boolean",
    "CodeableConcept": _ELEMENT + "coding*:Coding text",
    "Identifier": _ELEMENT + "use:code type:CodeableConcept system:uri value period:Period assigner:Reference",
    "Period": _ELEMENT + "start:dateTime end:dateTime",
    "Reference": _ELEMENT + "reference identifier:Identifier display",
    "HumanName": _ELEMENT + "use:code text family given* prefix* suffix* period:Period",
    "ContactPoint": _ELEMENT + "system:code value use:code rank:positiveInt period:Period",
    "Address": _ELEMENT + "use:code type:code text line* city district state postalCode country period:Period",
    "Attachment": _ELEMENT + "contentType:code language:code data url:uri size:unsignedInt hash title creation:dateTime",
    "ContactDetail": _ELEMENT + "name telecom*:ContactPoint",
    "Extension": _ELEMENT + "valueBoolean:boolean valueCode:code valueDateTime:dateTime valueString valueUri:uri "
    "valueCodeableConcept:CodeableConcept valueCoding:Coding valueIdentifier:Identifier valueReference:Reference",
    # What is searched and booked
    "Slot": _DOMAIN + "identifier*:Identifier serviceCategory:CodeableConcept serviceType*:CodeableConcept "
    "specialty*:CodeableConcept appointmentType:CodeableConcept schedule:Reference status:code start:instant end:instant "
    "overbooked:boolean comment",
    "Schedule": _DOMAIN + "identifier*:Identifier active:boolean serviceCategory:CodeableConcept serviceType*:CodeableConcept "
    "specialty*:CodeableConcept actor*:Reference planningHorizon:Period comment",
    "Appointment": _DOMAIN + "identifier*:Identifier status:code serviceCategory:CodeableConcept serviceType*:CodeableConcept "
    "specialty*:CodeableConcept appointmentType:CodeableConcept reason*:CodeableConcept indication*:Reference "
    "priority:unsignedInt description supportingInformation*:Reference start:instant end:instant minutesDuration:positiveInt "
    "slot*:Reference created:dateTime comment incomingReferral*:Reference participant*:Appointment.participant "
    "requestedPeriod*:Period",
    "Appointment.participant": _BACKBONE + "type*:CodeableConcept actor:Reference required:code status:code",
    "Patient": _DOMAIN + "identifier*:Identifier active:boolean name*:HumanName telecom*:ContactPoint gender:code birthDate:date "
    "deceasedBoolean:boolean deceasedDateTime:dateTime address*:Address maritalStatus:CodeableConcept "
    "contact*:Patient.contact generalPractitioner*:Reference managingOrganization:Reference",
    "Patient.contact": _BACKBONE + "relationship*:CodeableConcept name:HumanName telecom*:ContactPoint address:Address gender:code "
    "organization:Reference period:Period",
    "DocumentReference": _DOMAIN + "masterIdentifier:Identifier identifier*:Identifier status:code docStatus:code "
    "type:CodeableConcept class:CodeableConcept subject:Reference created:dateTime indexed:instant author*:Reference "
    "authenticator:Reference custodian:Reference description content*:DocumentReference.content",
    "DocumentReference.content": _BACKBONE + "attachment:Attachment format:Coding",
    # The directory
    "HealthcareService": _DOMAIN + "identifier*:Identifier active:boolean providedBy:Reference category:CodeableConcept "
    "type*:CodeableConcept specialty*:CodeableConcept location*:Reference name comment extraDetails telecom*:ContactPoint",
    "Organization": _DOMAIN + "identifier*:Identifier active:boolean type*:CodeableConcept name alias* telecom*:ContactPoint "
    "address*:Address partOf:Reference",
    "Location": _DOMAIN + "identifier*:Identifier status:code operationalStatus:Coding name alias* description mode:code "
    "type:CodeableConcept telecom*:ContactPoint address:Address physicalType:CodeableConcept managingOrganization:Reference "
    "partOf:Reference",
    "Practitioner": _DOMAIN + "identifier*:Identifier active:boolean name*:HumanName telecom*:ContactPoint address*:Address "
    "gender:code birthDate:date",
    "PractitionerRole": _DOMAIN + "identifier*:Identifier active:boolean period:Period practitioner:Reference "
    "organization:Reference code*:CodeableConcept specialty*:CodeableConcept location*:Reference healthcareService*:Reference "
    "telecom*:ContactPoint",
    # What carries them
    "Bundle": _RESOURCE + "identifier:Identifier type:code total:unsignedInt link*:Bundle.link entry*:Bundle.entry",
    "Bundle.link": _BACKBONE + "relation url:uri",
    "Bundle.entry": _BACKBONE + "link*:Bundle.link fullUrl:uri resource:Resource search:Bundle.entry.search",
    "Bundle.entry.search": _BACKBONE + "mode:code score",
    "OperationOutcome": _DOMAIN + "issue*:OperationOutcome.issue",
    "OperationOutcome.issue": _BACKBONE + "severity:code code:code details:CodeableConcept diagnostics location* expression*",
    "Parameters": _RESOURCE + "parameter*:Parameters.parameter",
    "Parameters.parameter": _BACKBONE + "name valueCode:code valueString resource:Resource",
    "CapabilityStatement": _DOMAIN + "url:uri version name title status:code experimental:boolean date:dateTime publisher "
    "contact*:ContactDetail description:markdown purpose:markdown copyright:markdown kind:code instantiates*:uri "
    "software:CapabilityStatement.software fhirVersion:id acceptUnknown:code format*:code patchFormat*:code "
    "implementationGuide*:uri profile*:Reference rest*:CapabilityStatement.rest",
    "CapabilityStatement.software": _BACKBONE + "name version releaseDate:dateTime",
    "CapabilityStatement.rest": _BACKBONE + "mode:code documentation security:CapabilityStatement.rest.security "
    "resource*:CapabilityStatement.rest.resource interaction*:CapabilityStatement.interaction",
    "CapabilityStatement.rest.security": _BACKBONE + "cors:boolean service*:CodeableConcept description",
    "CapabilityStatement.rest.resource": _BACKBONE + "type:code profile:Reference documentation:markdown "
    "interaction*:CapabilityStatement.interaction versioning:code readHistory:boolean updateCreate:boolean "
    "conditionalCreate:boolean conditionalRead:code conditionalUpdate:boolean conditionalDelete:code referencePolicy*:code "
    "searchInclude* searchRevInclude* searchParam*:CapabilityStatement.searchParam",
    "CapabilityStatement.interaction": _BACKBONE + "code:code documentation",
    "CapabilityStatement.searchParam": _BACKBONE + "name definition:uri type:code documentation",
}

RESOURCES = frozenset(
    "Slot Schedule Appointment Patient DocumentReference HealthcareService Organization Location Practitioner "
    "PractitionerRole Bundle OperationOutcome Parameters CapabilityStatement".split()
)

_ZONE = r"(Z|[+-]\d\d:\d\d)"
_TIME = r"T([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?" + _ZONE
PRIMITIVES = {
    "string": r"(?s).*\S.*",
    "markdown": r"(?s).*\S.*",
    "code": r"[^\s]+( [^\s]+)*",
    "id": r"[A-Za-z0-9\-.]{1,64}",
    "uri": r"\S+",
    "boolean": r"true|false",
    "unsignedInt": r"0|[1-9]\d*",
    "positiveInt": r"[1-9]\d*",
    "date": r"\d{4}(-\d\d(-\d\d)?)?",
    "dateTime": r"\d{4}(-\d\d(-\d\d(" + _TIME + r")?)?)?",
    "instant": r"\d{4}-\d\d-\d\d" + _TIME,
}


class Part:
    """One element of a shape: where it stands among its siblings, whether it repeats, of what kind it is."""

    def __init__(self, position, word):
        name, _, kind = word.partition(":")
        self.position = position
        self.repeats = name.endswith("*")
        self.name = name.rstrip("*")
        self.kind = kind or "string"

    @property
    def primitive(self):
        return self.kind[0].islower()


def _parts(text):
    parts = [Part(position, word) for position, word in enumerate(text.split())]
    return {part.name: part for part in parts}


SHAPES = {kind: _parts(text) for kind, text in _SHAPES.items()}


def fits(kind, value):
    """Whether a text is a value of this primitive kind."""
    return re.fullmatch(PRIMITIVES[kind], value) is not None
