"""GET /metadata: in both formats, asked for in every way, and of exactly the shape of docs/specification/uec.md#a5-metadata."""

from bodies import PROFILE
from judge import fail, gzipped, match, refused, same
from world import case

_FORMATS = {"json": "application/fhir+json", "xml": "application/fhir+xml"}


@case("Capability_{xml,json}_accept")
def accept(world):
    answer = world.ask("GET", "metadata", headers={"Accept": _FORMATS[world.format]})
    same("the resource", answer.resource.kind, "CapabilityStatement")


@case("Capability_{xml,json}_parameter")
def parameter(world):
    world.ask("GET", f"metadata?_format=application/fhir%2B{world.format}", headers={"Accept": None})


@case("Capability_{xml,json}_parameter_{json,xml}_accept")
def parameter_beats_accept(world):
    world.ask("GET", f"metadata?_format=application/fhir%2B{world.format}", headers={"Accept": _FORMATS[world.other_format]})


@case("Capability_{xml,json}_accept_gzip")
def accept_gzip(world):
    gzipped(world.ask("GET", "metadata", headers={"Accept-Encoding": "gzip"}))


@case("Capability_Shape")
def shape(world):
    statement = world.ask("GET", "metadata").resource
    for name, value in {"version": "2.0.4", "status": "active", "kind": "capability", "fhirVersion": "3.0.1", "acceptUnknown": "both"}.items():
        same(name, statement.values(name), [value])
    for name in ("name", "date", "publisher", "contact/name", "description", "copyright"):
        if not statement.first(name):
            fail(f"{name} is missing")
    for name in ("name", "version", "releaseDate"):
        if not statement.first(f"software/{name}"):
            fail(f"software.{name} is missing")
    same("format", sorted(statement.values("format")), sorted(_FORMATS.values()))
    profiles = "Slot HealthcareService Schedule Appointment Patient DocumentReference Practitioner PractitionerRole Organization Location"
    same("profile", sorted(statement.values("profile/reference")), sorted(f"{PROFILE}{name}-1" for name in profiles.split()))
    same("rest.mode", statement.values("rest/mode"), ["server"])
    same("rest.security.cors", statement.values("rest/security/cors"), ["true"])
    resources = {node.first("type"): node for node in statement.all("rest/resource")}
    same("the number of rest.resource", len(statement.all("rest/resource")), 2)
    same("rest.resource", sorted(resources), ["Appointment", "Slot"])
    _appointment(resources["Appointment"])
    _slot(resources["Slot"])


def _parameters(resource, expected):
    found = {node.first("name"): node for node in resource.all("searchParam")}
    same("the number of searchParam", len(resource.all("searchParam")), len(expected))
    same("searchParam", {name: node.first("type") for name, node in found.items()}, expected)
    return found


def _appointment(resource):
    interactions = resource.values("interaction/code")
    if len(interactions) < 3 or len(set(interactions)) != len(interactions):
        fail(f"Appointment.interaction: at least three, each once, found {interactions}")
    if not {"read", "create", "search-type"} <= set(interactions):
        fail(f"Appointment.interaction: read, create and search-type must be there, found {interactions}")
    same("Appointment.updateCreate", resource.values("updateCreate"), ["false"])
    for name, node in _parameters(resource, {"identifier": "token", "_id": "token", "version": "token"}).items():
        if not node.first("documentation"):
            fail(f"Appointment.searchParam {name} without documentation")


def _slot(resource):
    same("Slot.interaction", resource.values("interaction/code"), ["search-type"])
    parameters = _parameters(resource, {"service": "token", "status": "token", "start": "date"})
    if not parameters["service"].first("documentation"):
        fail("Slot.searchParam service without documentation")
    includes = resource.values("searchInclude")
    same("the number of Slot.searchInclude", (len(includes), len(set(includes))), (6, 6))
    expected = ["Schedule:actor:Practitioner", "Schedule:actor:PractitionerRole", "Schedule:actor:HealthcareService"]
    for pattern in ["Slot.schedule", "HealthcareService.providedBy", "HealthcareService.location", *expected]:
        # The harness's expressions too take any character for the dot.
        if not any(_matches(include, pattern) for include in includes):
            fail(f"Slot.searchInclude without {pattern}: {includes}")


def _matches(include, pattern):
    return len(include) == len(pattern) and all(right in (".", given) for given, right in zip(include, pattern))


@case("Capability_NoToken")
def no_token(world):
    world.ask("GET", "metadata", headers={"Authorization": None})


@case("Capability_DefaultIsJson")
def default(world):
    for accept in (None, "*/*"):
        world.ask("GET", "metadata", format="json", headers={"Accept": accept})


@case("Capability_FormatSpellings")
def spellings(world):
    known = {"json": ["json", "application/json", "application/fhir%2Bjson", "application/fhir+json"]}
    known["xml"] = ["xml", "text/xml", "application/xml", "application/fhir%2Bxml", "application/fhir+xml"]
    for spelling in known[world.format]:
        world.ask("GET", f"metadata?_format={spelling}", headers={"Accept": _FORMATS[world.other_format]})


@case("Capability_UnsupportedFormat")
def unsupported(world):
    # Nothing that was asked for can be written, so the refusal is in the default format.
    answer = world.ask("GET", "metadata", 415, format="json", headers={"Accept": "image/png"})
    refused(answer, spine="UNSUPPORTED_MEDIA_TYPE")


@case("Capability_Head")
def head(world):
    got = world.ask("GET", "metadata")
    answer = world.ask("HEAD", "metadata", has_body=False)
    for name in ("Content-Type", "Content-Length", "ETag"):
        same(name, answer.header(name), got.header(name))


@case("Capability_NotModified")
def not_modified(world):
    tag = world.ask("GET", "metadata").header("ETag")
    match("ETag", tag, r'(W/)?"[^"]+"')
    answer = world.ask("GET", "metadata", 304, has_body=False, headers={"If-None-Match": tag})
    same("ETag", answer.header("ETag"), tag)
    world.ask("GET", "metadata", headers={"If-None-Match": 'W/"0-another"'})
