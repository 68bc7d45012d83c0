"""GET /Slot: the search in all its variants (docs/specification/uec.md#a6-slot-search)."""

import judge_bundle
from bodies import Slot
from judge import fail, gzipped, match, refused, same
from judge_bundle import kinds
from wire import query
from world import INCLUDES, case, utc

_FORMATS = {"json": "application/fhir+json", "xml": "application/fhir+xml"}


def _free(world, answer, days=4):
    since, until = world.window(days)
    found = judge_bundle.slots(answer.resource, world.client, free=True, window=(utc(since), utc(until)))
    if not found:
        fail("no free slot in the window")
    return found


@case("SFFSWithValidParameters_parameter_{json,xml}")
def by_parameter(world):
    pairs = world.valid() + [("_format", _FORMATS[world.format])]
    _free(world, world.search(pairs, headers={"Accept": _FORMATS[world.other_format]}))


@case("SFFSWithValidParameters_header_{json,xml}")
def by_header(world):
    _free(world, world.search(world.valid(), headers={"Accept": _FORMATS[world.format]}))


@case("SFFSWithValidParameters_JWT_NoPractitioner", needs="forges")
def no_practitioner(world):
    bearer = world.client.consumer.bearer_with("organization/slot.read", requesting_practitioner=None)
    _free(world, world.search(world.valid(), headers={"Authorization": bearer}))


@case("SFFSWithValidParameters_3_days")
def three_days(world):
    found = _free(world, world.search(world.valid(days=3)), days=3)
    more = _free(world, world.search(world.valid(days=4)))
    if not len(found) < len(more):
        fail(f"three days have {len(found)} slots, four have {len(more)}")


@case("SFFSWithValidParameters_includes")
def includes(world):
    answer = world.search(world.valid())
    _free(world, answer)
    judge_bundle.included(answer.resource)


@case("SFFSWithValidParameters_includes_slots_only")
def includes_slots_only(world):
    # Actors of schedules that were not asked for: an include that cannot be satisfied yields nothing.
    answer = world.search(world.valid(includes=INCLUDES[1:4]))
    _free(world, answer)
    same("the resources", kinds(answer.resource), {"Slot"})


@case("SFFSNoSlots_HappyPath")
def no_slots(world):
    bundle = world.search(world.valid(service=world.settings.empty_service)).resource
    same("total", bundle.first("total"), "0")
    same("the slots", bundle.resources("Slot"), [])
    same("type", bundle.first("type"), "searchset")


@case("SFFSInvalid")
def invalid(world):
    since, until = world.window()
    pairs = [("schedule.actor:healthcareservice", world.settings.service), ("startXXXXXXX", "ge" + since), ("start", "le" + until)]
    text = refused(world.search(pairs, 400), spine="INVALID_PARAMETER")
    if "startXXXXXXX" not in text:
        fail("the parameter is not named")


@case("SFFSForbidden")
def forbidden(world):
    refused(world.search(world.valid(), 403, headers={"Authorization": None}), "forbidden", "ACCESS DENIED")


@case("SFFSWrongMethod")
def wrong_method(world):
    # Without a body, a Content-Type or an X-Request-ID: the method comes first (docs/specification/uec.md#a6-slot-search).
    for body in (b"", None):
        answer = world.ask("POST", "Slot?" + query(world.valid()), 405, body=body, headers={"X-Request-ID": None, "Content-Type": None})
        match("Allow", answer.header("Allow"), r"(.*, *)?GET(,.*)?")


@case("SFFSWithBusySlots")
def busy(world):
    found = judge_bundle.slots(world.search(world.valid(status="busy")).resource, world.client, free=False)
    if not found:
        fail("no busy slot, though some are kept back")


@case("SFFSWithNoIncludes")
def no_includes(world):
    answer = world.search(world.valid(includes=()))
    _free(world, answer)
    same("the resources", kinds(answer.resource), {"Slot"})


@case("SFFSWithNoIncludesSlotsOnly")
def no_includes_slots_only(world):
    # By another spelling of the service than the case before.
    pairs = [("service" if name == "schedule.actor:healthcareservice" else name, value) for name, value in world.valid(includes=())]
    answer = world.search(pairs)
    _free(world, answer)
    same("the resources", kinds(answer.resource), {"Slot"})


@case("SFFSWithFreeAndBusySlots")
def free_and_busy(world):
    found = judge_bundle.slots(world.search(world.valid(status="free,busy")).resource, world.client)
    same("the statuses", {slot.first("status") for slot in found}, {"free", "busy"})
    free = judge_bundle.slots(world.search(world.valid(status="free")).resource, world.client)
    busy = judge_bundle.slots(world.search(world.valid(status="busy")).resource, world.client)
    same("the number of slots", len(found), len(free) + len(busy))
    every = judge_bundle.slots(world.search(world.valid(status=None)).resource, world.client)
    same("the number of slots when no status is given", len(every), len(found))


@case("SFFSWithFreeSlotsWithRevIncludes")
def rev_includes(world):
    pairs = world.valid(includes=()) + [("_revinclude", include) for include in INCLUDES]
    _free(world, world.search(pairs))


@case("SFFSWithFreeSlotsWithGzipEncoding")
def gzip_encoding(world):
    answer = world.search(world.valid(), headers={"Accept-Encoding": "gzip"})
    gzipped(answer)
    _free(world, answer)
    judge_bundle.included(answer.resource)


_SPELLINGS = {
    "2.0.4": (
        ("_include", "Slot:schedule"),
        ("_include:iterate", "Schedule:actor:Practitioner"),
        ("_include:iterate", "Schedule:actor:PractitionerRole"),
        ("_include:iterate", "Schedule:actor:HealthcareService"),
        ("_include:iterate", "HealthcareService:Organization"),
        ("_include:iterate", "HealthcareService:Location"),
    ),
    "1.0.3": (
        ("_include", "Slot:schedule"),
        ("_include:recurse", "Schedule:actor:Practitioner"),
        ("_include:recurse", "Schedule:actor:PractitionerRole"),
        ("_include:recurse", "Schedule:actor:HealthcareService"),
        ("_include:recurse", "HealthcareService:providedBy"),
        ("_include:recurse", "HealthcareService:location"),
    ),
    "SCAL": (
        ("_include", "Slot:schedule"),
        ("_include", "Schedule:actor:Practitioner"),
        ("_include", "Schedule:actor:PractitionerRole"),
        ("_include", "Schedule:actor:HealthcareService"),
        ("_include", "HealthcareService:providedBy"),
        ("_include", "HealthcareService:location"),
    ),
}


@case("Slots_IncludeSpellings")
def include_spellings(world):
    def ids(bundle):
        return sorted((node.kind, node.first("id")) for node in bundle.all("entry/resource") if node.kind != "Slot")

    dotted = ids(world.search(world.valid()).resource)
    for name, spelling in _SPELLINGS.items():
        bundle = world.search(world.valid(includes=()) + list(spelling)).resource
        judge_bundle.included(bundle)
        same(f"what is included in the spelling of {name}", ids(bundle), dotted)


@case("Slots_ServiceSpellings")
def service_spellings(world):
    service = world.settings.service
    rest = [pair for pair in world.valid(includes=()) if pair[0] != "schedule.actor:healthcareservice"]
    same_slots = set()
    for pair in (
        ("schedule.actor:healthcareservice", service),
        ("schedule.actor:HealthcareService", service),
        ("service", service),
        ("schedule.actor", f"HealthcareService/{service}"),
    ):
        found = _free(world, world.search([pair, *rest]))
        same_slots.add(tuple(slot.first("id") for slot in found))
    same("the number of different answers", len(same_slots), 1)


@case("Slots_StartSpellings")
def start_spellings(world):
    # A day; an unencoded `+`, which arrives as a space (docs/specification/uec.md#a6-slot-search); prefixes that leave
    # the bounds out.
    since, until = world.window()
    service = f"Slot?schedule.actor%3Ahealthcareservice={world.settings.service}&status=free"
    whole = _free(world, world.ask("GET", f"{service}&{query([('start', 'ge' + since), ('start', 'lt' + until)])}"))
    east = utc(since)[:19] + "+00:00", utc(until)[:19] + "+00:00"
    plus = _free(world, world.ask("GET", f"{service}&start=ge{east[0]}&start=lt{east[1]}"))
    same("the slots of a window with an unencoded +", len(plus), len(whole))
    days = _free(world, world.ask("GET", f"{service}&start=ge{since[:10]}&start=lt{until[:10]}"))
    same("the slots of whole days", len(days), len(whole))
    first = whole[0].first("start")
    after = world.search([("service", world.settings.service), ("status", "free"), ("start", "gt" + first), ("start", "lt" + until)])
    if first in after.resource.values("entry/resource/start"):
        fail(f"`gt` found the slot at its bound, {first}")


@case("Slots_UnknownService")
def unknown_service(world):
    refused(world.search(world.valid(service="2000012345"), 404), "not-found", "NO_RECORD_FOUND")


@case("Slots_NoService")
def no_service(world):
    since, until = world.window()
    refused(world.search([("start", "ge" + since), ("start", "le" + until)], 400), spine="INVALID_PARAMETER")


@case("Slots_WindowInThePast")
def window_in_the_past(world):
    service = ("schedule.actor:healthcareservice", world.settings.service)
    world.search([service, ("start", "ge2020-01-01T00:00:00Z"), ("start", "le2020-01-02T00:00:00Z")], 400)
    # Its start alone may lie there.
    world.search([service, ("start", "ge" + world.midnight(-1)), ("start", "le" + world.window(1)[1])])


@case("Slots_WindowReversedOrTooLong")
def odd_windows(world):
    since, until = world.window()
    service = ("schedule.actor:healthcareservice", world.settings.service)
    world.search([service, ("start", "ge" + until), ("start", "le" + since)], 422)
    refused(world.search([service, ("start", "ge" + since), ("start", "le2099-01-01T00:00:00Z")], 422), "too-costly")


@case("Slots_MalformedValues")
def malformed(world):
    since, until = world.window()
    service = ("schedule.actor:healthcareservice", world.settings.service)
    for pairs in (
        [("start", "getomorrow"), ("start", "le" + until)],
        [("start", "ge2026-13-45T00:00:00Z"), ("start", "le" + until)],
        [("start", "ge" + since), ("start", "le" + until), ("status", "open")],
    ):
        refused(world.search([service, *pairs], 400), spine="INVALID_PARAMETER")


@case("Slots_MissingSspHeader")
def missing_ssp_header(world):
    for name in ("Ssp-TraceID", "Ssp-From", "Ssp-To", "Ssp-InteractionID"):
        text = refused(world.search(world.valid(), 400, headers={name: None}), spine="MISSING_OR_INVALID_HEADER")
        if name.lower() not in text.lower():
            fail(f"{name} is not named")


@case("Slots_ReferencesResolve")
def references_resolve(world):
    bundle = world.search(world.valid()).resource
    seen = set()
    for resource in bundle.all("entry/resource"):
        if resource.kind == "Slot" and "Slot" in seen:
            continue
        seen.add(resource.kind)
        read = world.ask("GET", f"{resource.kind}/{resource.first('id')}").resource
        same(f"{resource.kind}.id", read.first("id"), resource.first("id"))
    same("what was read", len(seen), 7)


@case("Slots_NotModified")
def not_modified(world):
    path = "Slot?" + query(world.valid())
    tag = world.ask("GET", path).header("ETag")
    match("ETag", tag, r'(W/)?"[^"]+"')
    same("ETag", world.ask("GET", path, 304, has_body=False, headers={"If-None-Match": tag}).header("ETag"), tag)
    # A slot that was free is taken: the answer is another one.
    slot = world.take()
    world.booked(slot)
    bundle = world.ask("GET", path, headers={"If-None-Match": tag}).resource
    if slot.id in [Slot(node).id for node in bundle.resources("Slot")]:
        fail("the slot that was just booked is still offered")


@case("Slots_Head")
def head(world):
    path = "Slot?" + query(world.valid(includes=()))
    got = world.ask("GET", path)
    answer = world.ask("HEAD", path, has_body=False)
    same("Content-Type", answer.header("Content-Type"), got.header("Content-Type"))


@case("Slots_OtherMethods")
def other_methods(world):
    for method in ("PUT", "DELETE", "PATCH"):
        match("Allow", world.ask(method, "Slot", 405).header("Allow"), r"(.*, *)?GET(,.*)?")
