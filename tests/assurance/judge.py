"""What an answer must be like: the checks of the official harness, each in one place
(docs/specification/uec.md#a3-formats to #a6-slot-search, #b5-appointment, #b9-operationoutcome).

A fault is an AssertionError whose text says what was found and what would be right.
"""

import datetime
import email.utils
import re

from bodies import NHS_NUMBER, PROFILE
from resource import READERS, Unreadable

SPINE = "https://fhir.nhs.uk/STU3/CodeSystem/Spine-ErrorOrWarningCode-1"
SPINE_CODES = set(
    "NO_RECORD_FOUND PATIENT_NOT_FOUND INVALID_NHS_NUMBER INVALID_CODE_SYSTEM INVALID_CODE_VALUE INVALID_VALUE "
    "INVALID_IDENTIFIER_SYSTEM INVALID_IDENTIFIER_VALUE CONFLICTING_VALUES INVALID_ELEMENT AUTHOR_CREDENTIALS_ERROR "
    "INVALID_PARAMETER REQUEST_UNMATCHED MESSAGE_NOT_WELL_FORMED NO_PATIENT_CONSENT NO_ORGANISATIONAL_CONSENT BAD_REQUEST "
    "INVALID_RESOURCE ORGANISATION_NOT_FOUND PRACTITIONER_NOT_FOUND PATIENT_SENSITIVE NO_RELATIONSHIP "
    "FHIR_CONSTRAINT_VIOLATION FLAG_ALREADY_SET INVALID_REQUEST_STATE INVALID_REQUEST_TYPE ASID_CHECK_FAILED "
    "MISSING_OR_INVALID_HEADER ACCESS_DENIED_SSL MSG_RESOURCE_ID_FAIL DUPLICATE_REJECTED RESOURCE_CREATED RESOURCE_DELETED "
    "RESOURCE_UPDATED INVALID_REQUEST_MESSAGE INTERNAL_SERVER_ERROR INVALID_PATIENT_DEMOGRAPHICS NOT_IMPLEMENTED "
    "REFERENCE_NOT_FOUND DEPRECATED NO_LONGER_SUPPORTED WITHDRAWN UNSUPPORTED_MEDIA_TYPE".split()
) | {"ACCESS DENIED"}
ETAG = r'W/"[a-z0-9-]+"'
INSTANT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00"
_CREATED = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"
_POSTCODE = r"(GIR 0AA|[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2})"


def fail(text):
    raise AssertionError(text)


def same(what, found, right):
    if found != right:
        fail(f"{what}: found {found!r}, right would be {right!r}")


def match(what, found, pattern):
    if found is None or not re.fullmatch(pattern, found):
        fail(f"{what}: found {found!r}, right would be {pattern}")


# ---------------------------------------------------------------- every answer


def general(answer, status, format, has_body=True):
    """The status, the headers of all answers, and a body that the strict reader takes; it sets `answer.resource`."""
    if answer.status != status:
        fail(f"{status} is right")
    asked = answer.asked.headers
    own = answer.header("X-Request-ID")
    if not own or own == asked.get("X-Request-ID"):
        fail(f"X-Request-ID must be the server's own, found {own!r}")
    if "X-Request-ID" in asked:
        same("X-Correlation-ID", answer.header("X-Correlation-ID"), asked["X-Request-ID"])
    match("Cache-Control", answer.header("Cache-Control"), r"(.*, *)?no-store(,.*)?")
    if not has_body:
        same("the body", answer.raw, b"")
        return answer
    match("Content-Type", answer.header("Content-Type"), rf"application/fhir\+{format};charset=UTF-8")
    try:
        answer.resource = READERS[format](answer.text)
    except (Unreadable, UnicodeDecodeError) as problem:
        fail(f"the body is not as it must be: {problem}")
    if status >= 400:
        outcome(answer.resource)
    return answer


def outcome(resource):
    same("the resource of a refusal", resource.kind, "OperationOutcome")
    if not resource.first("id"):
        fail("OperationOutcome.id is missing")
    issues(resource)


def issues(resource):
    if not resource.all("issue"):
        fail("an OperationOutcome without an issue")
    for issue in resource.all("issue"):
        match("issue.severity", issue.first("severity"), "fatal|error|warning|information")
        for name in ("code", "diagnostics"):
            if not issue.first(name):
                fail(f"issue.{name} is missing")
        for coding in issue.all("details/coding"):
            if not coding.first("system") or not coding.first("code") or not coding.first("display"):
                fail("issue.details.coding needs system, code and display")
            if coding.first("system") == SPINE and coding.first("code") not in SPINE_CODES:
                fail(f"{SPINE} has no code {coding.first('code')}")


def refused(answer, code=None, spine=None):
    """That the only issue of a refusal has this code and, of the Spine's codes, that one."""
    issue = answer.resource.node("issue")
    if code:
        same("issue.code", issue.first("code"), code)
    if spine:
        same("issue.details.coding", (issue.first("details/coding/system"), issue.first("details/coding/code")), (SPINE, spine))
    return issue.first("diagnostics")


def slot_taken(answer):
    """To the letter (docs/specification/uec.md#b9-operationoutcome, [UX:P29])."""
    expected = {
        "severity": "error",
        "code": "processing",
        "details/coding/system": "http://hl7.org/fhir/issue-type",
        "details/coding/code": "processing",
        "details/coding/display": "Processing Failure",
        "diagnostics": "Slot no longer available",
    }
    same("the number of issues", len(answer.resource.all("issue")), 1)
    issue = answer.resource.node("issue")
    for path, text in expected.items():
        same(f"issue.{path}", issue.values(path), [text])


def gzipped(answer):
    same("Content-Encoding", answer.encoding, "gzip")
    same("the first two bytes of the body", answer.raw[:2], b"\x1f\x8b")
    length = answer.header("Content-Length")
    if length is not None:
        same("Content-Length", length, str(len(answer.raw)))


def etag(answer, version=None):
    match("ETag", answer.header("ETag"), ETAG)
    if version is not None:
        same("ETag", answer.header("ETag"), f'W/"{version}"')
    return answer.header("ETag")


def last_modified(answer, at_once=True):
    """In the only form HTTP has for it, and, for what was written just now, just now."""
    value = answer.header("Last-Modified")
    match("Last-Modified", value, r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT")
    if at_once:
        recent("Last-Modified", email.utils.parsedate_to_datetime(value))


def recent(what, when):
    away = abs((datetime.datetime.now(datetime.timezone.utc) - when).total_seconds())
    if away > 120:
        fail(f"{what} is {away:.0f} s away from now")


def location(answer, client):
    """Absolute and versioned; the harness cuts the id out with these patterns (docs/specification/uec.md#a7-book).
    Returns id and version."""
    value = answer.header("Location")
    scheme = "https" if client.server.public_url.startswith("https:") else "https?"
    match("Location", value, rf"{scheme}://.+/Appointment/.+")
    cut = re.fullmatch(r".*Appointment/(.*)/_history/(.*)", value)
    if not cut:
        fail(f"Location without _history: {value}")
    same("Location", value, client.url(f"Appointment/{cut[1]}/_history/{cut[2]}"))
    return cut[1], cut[2]


# ---------------------------------------------------------------- appointments


def appointment(resource, status):
    """What the harness asks of every appointment in an answer (`SUBSET appointment`;
    docs/specification/uec.md#b5-appointment to #b8-contained-slot)."""
    same("the resource", resource.kind, "Appointment")
    same("meta.profile", resource.values("meta/profile"), [PROFILE + "Appointment-1"])
    same("language", resource.first("language"), "en-GB")
    same("status", resource.first("status"), status)
    match("created", resource.first("created"), _CREATED)
    for name in ("id", "meta/versionId", "description"):
        if not resource.first(name):
            fail(f"{name} is missing")
    for name in ("start", "end"):
        match(name, resource.first(name), INSTANT)
    for kind in ("DocumentReference", "Patient", "Slot"):
        same(f"the contained {kind}s", len(resource.contained(kind)), 1)
        same(f"{kind}.meta.profile", resource.contained(kind)[0].values("meta/profile"), [f"{PROFILE}{kind}-1"])
    _points_to(resource, "slot/reference", "Slot")
    _points_to(resource, "supportingInformation/reference", "DocumentReference")
    _points_to(resource, "participant/actor/reference", "Patient")
    same("participant.status", resource.values("participant/status"), ["accepted"])
    actor = resource.node("participant/actor")
    same("actor.identifier", [actor.first("identifier/use"), actor.first("identifier/system")], ["official", NHS_NUMBER])
    match("actor.identifier.value", actor.first("identifier/value"), r"\d{10}")
    if not actor.first("display"):
        fail("actor.display is missing")
    _patient(resource.contained("Patient")[0])


def _points_to(resource, path, kind):
    same(path, resource.values(path), ["#" + resource.contained(kind)[0].first("id")])


def _patient(patient):
    for identifier in patient.all("identifier"):
        shown = identifier.first("extension/valueCodeableConcept/coding/display")
        same("Patient.identifier, its verification status", shown, "Number present and verified")
    same("Patient.name.use", patient.values("name/use"), ["official"])
    homes = [address for address in patient.all("address") if address.first("use") == "home"]
    same("the addresses with use `home`", len(homes), 1)
    match("postalCode", homes[0].first("postalCode"), _POSTCODE)
    ranked = patient.all("telecom") + patient.all("contact/telecom")
    same("the contacts of rank 1", [each.first("rank") for each in ranked].count("1"), 1)
    for each in ranked:
        if each.first("rank") == "1" and each.first("system") == "phone":
            match("the telephone number of rank 1", each.first("value"), r"[\d ]+")


def kept_as_sent(resource, sent):
    """Everything but what the server adds or sets is as it was sent."""
    ours = ("id", "meta", "created", "status")
    if resource.plain(without=ours) != sent.plain(without=ours):
        names = sorted({child.name for child in resource.children + sent.children} - set(ours))
        differing = [
            name for name in names if [each.plain() for each in resource.all(name)] != [each.plain() for each in sent.all(name)]
        ]
        fail(f"not kept as it was sent: {', '.join(differing)}")
