"""The checks of the official harness on the answer to a slot search, numbered as in docs/specification/uec.md#a6-slot-search."""

from bodies import PROFILE, UUID_SYSTEM
from judge import INSTANT, fail, match, same

ROLE_PROFILE = "https://fhir.nhs.uk/Id/sds-role-profile-id"
INCLUDED = ("Schedule", "HealthcareService", "Practitioner", "PractitionerRole", "Organization", "Location")


def slots(bundle, client, free=None, window=None):
    """What is true of every answer, with includes or without."""
    same("the resource", bundle.kind, "Bundle")
    same("type", bundle.first("type"), "searchset")
    same("the links `self`", [link.first("relation") for link in bundle.all("link")].count("self"), 1)
    found = bundle.resources("Slot")
    same("total", bundle.first("total"), str(len(found)))
    # 1, and [UX:P12]: everything once.
    ids = [(resource.kind, resource.first("id")) for resource in bundle.all("entry/resource")]
    if len(set(ids)) != len(ids):
        fail(f"a resource comes twice: {sorted(each for each in ids if ids.count(each) > 1)[0]}")
    for entry in bundle.all("entry"):
        resource = entry.node("resource")
        same("fullUrl", entry.first("fullUrl"), client.url(f"{resource.kind}/{resource.first('id')}"))
        same("search.mode", entry.first("search/mode"), "match" if resource.kind == "Slot" else "include")
        same(f"{resource.kind}.meta.profile", resource.values("meta/profile"), [f"{PROFILE}{resource.kind}-1"])
    for slot in found:
        _slot(slot)
        if free is not None:
            same("Slot.status", slot.first("status"), "free" if free else "busy")
        if window and not window[0] <= slot.first("start") <= window[1]:
            fail(f"the slot at {slot.first('start')} is outside the window {window[0]} to {window[1]}")
    starts = [slot.first("start") for slot in found]
    same("the order of the slots", starts, sorted(starts))
    return found


def _slot(slot):
    # 2.
    same("Slot.identifier.system", slot.values("identifier/system"), [UUID_SYSTEM])
    for name in ("start", "end"):
        match(f"Slot.{name}", slot.first(name), INSTANT)
    if slot.first("end") < slot.first("start"):
        fail(f"a slot ends at {slot.first('end')}, before it begins")
    match("Slot.schedule.reference", slot.first("schedule/reference"), "Schedule/.+")


def included(bundle):
    """What is true where everything was asked for."""
    by_id = {kind: {each.first("id"): each for each in bundle.resources(kind)} for kind in INCLUDED}
    for kind, found in by_id.items():
        if not found:
            fail(f"no {kind} was included")
    actors = [actor for schedule in by_id["Schedule"].values() for actor in _actors(schedule)]
    # 5, and nothing that nobody refers to.
    for kind in ("Practitioner", "HealthcareService", "PractitionerRole"):
        referred = {actor for actor in actors if actor.startswith(kind + "/")}
        same(f"the {kind}s", {f"{kind}/{id}" for id in by_id[kind]}, referred)
    referred = {slot.first("schedule/reference") for slot in bundle.resources("Slot")}
    same("the Schedules", {f"Schedule/{id}" for id in by_id["Schedule"]}, referred)
    # 6.
    for practitioner in by_id["Practitioner"].values():
        roles = [each.first("value") for each in practitioner.all("identifier") if each.first("system") == ROLE_PROFILE]
        same(f"the included roles of Practitioner {practitioner.first('id')}", [role in by_id["PractitionerRole"] for role in roles], [True])
    # 7.
    provided_by = [service.first("providedBy/reference") for service in by_id["HealthcareService"].values()]
    same("the Organizations", sorted(f"Organization/{id}" for id in by_id["Organization"]), sorted(provided_by))
    # 8.
    for service in by_id["HealthcareService"].values():
        same("HealthcareService.identifier.value", service.values("identifier/value"), [service.first("id")])
        same("the locations of a HealthcareService", len(service.all("location")), 1)
        match("HealthcareService.location", service.first("location/reference"), "Location/.+")
    same(
        "the Locations",
        {f"Location/{id}" for id in by_id["Location"]},
        {service.first("location/reference") for service in by_id["HealthcareService"].values()},
    )
    for place in by_id["Location"].values():
        if not place.first("address/postalCode"):
            fail("Location without a geographic address")


def _actors(schedule):
    # 4.
    actors = schedule.values("actor/reference")
    kinds = [actor.split("/")[0] for actor in actors]
    if not 1 <= len(actors) <= 3 or None in actors:
        fail(f"a Schedule with {len(actors)} actors")
    same("the HealthcareService actors of a Schedule", kinds.count("HealthcareService"), 1)
    for kind in ("Practitioner", "PractitionerRole"):
        if kinds.count(kind) > 1:
            fail(f"a Schedule with {kinds.count(kind)} {kind} actors")
    same("Schedule.identifier", len(schedule.all("identifier")), 1)
    return actors


def kinds(bundle):
    return {resource.kind for resource in bundle.all("entry/resource")}
