"""Reading, cancelling, booking anew, and the appointments of a patient (docs/specification/uec.md#a8-read, #a9-cancel,
#a10-appointment-search)."""

import uuid

import judge
from bodies import NHS_NUMBER, booking, cancel, nhs_number, tampered, with_contacts
from cases_booking import slot_as_found
from judge import fail, match, refused, same
from resource import WRITERS
from wire import query
from world import case

# What the harness sends: lower-case, but no UUID and no version that ever was (docs/specification/uec.md#a9-cancel).
_BAD_TAG = 'W/"999ff9ff-999f-9999-99fffff9999ff99ff"'
_NOBODY = "95e58add-0b10-4a8c-817c-2729eb0cab75"


def _id(answer):
    return answer.resource.first("id")


# ---------------------------------------------------------------- reading


@case("ReadNonExistentAppointment")
def read_nothing(world):
    answer = world.ask("GET", f"Appointment/{_NOBODY}", 404, format="xml", headers={"Accept": "application/fhir+xml"})
    refused(answer, "not-found", "NO_RECORD_FOUND")
    world.ask("GET", f"Appointment/{_NOBODY}", 404)


@case("ReadAppointment")
def read(world):
    sent, created = world.booked()
    # By the path in Location without its version, as it stands in the clinical document
    # (docs/specification/uec.md#c13-clinical-document).
    path = world.client.target(created.header("Location")).split("/_history/")[0]
    answer = world.ask("GET", path, scope="patient/appointment.read")
    judge.appointment(answer.resource, "booked")
    judge.kept_as_sent(answer.resource, world.tree(sent))
    judge.etag(answer, answer.resource.first("meta/versionId"))
    same("ETag", answer.header("ETag"), created.header("ETag"))
    same("the resource", answer.resource.plain(), created.resource.plain())
    # Consumers from before patient/appointment.read know the write scope only (docs/specification/uec.md#g-versions).
    world.ask("GET", path, scope="patient/appointment.write")


@case("ReadAppointment_Version")
def read_version(world):
    _, created = world.booked()
    path = world.client.target(created.header("Location"))
    answer = world.ask("GET", path, scope="patient/appointment.read")
    same("the resource", answer.resource.plain(), created.resource.plain())
    judge.etag(answer, created.resource.first("meta/versionId"))
    world.ask("GET", f"Appointment/{_id(created)}/_history/no-such-version", 404)


@case("ReadAppointment_BothFormats")
def read_both(world):
    _, created = world.booked()
    path = f"Appointment/{_id(created)}"
    other = world.ask("GET", path, format=world.other_format, headers={"Accept": f"application/fhir+{world.other_format}"})
    same("the resource", other.resource.plain(), created.resource.plain())


@case("ReadAppointment_Forbidden")
def read_forbidden(world):
    _, created = world.booked()
    path = f"Appointment/{_id(created)}"
    refused(world.ask("GET", path, 403, headers={"Authorization": None}), "forbidden", "ACCESS DENIED")
    refused(world.ask("GET", path, 403, client=world.stranger, scope="patient/appointment.read"), "forbidden", "ACCESS DENIED")
    refused(world.ask("GET", path, 403, scope="organization/slot.read"), "forbidden", "ACCESS DENIED")


@case("ReadAppointment_NotModified")
def read_not_modified(world):
    sent, created = world.booked()
    path, tag = f"Appointment/{_id(created)}", created.header("ETag")
    answer = world.ask("GET", path, 304, has_body=False, headers={"If-None-Match": tag})
    same("ETag", answer.header("ETag"), tag)
    world.put(_id(created), cancel(sent, created.resource), etag=tag)
    world.ask("GET", path, 200, headers={"If-None-Match": tag})


@case("ReadAppointment_Head")
def read_head(world):
    _, created = world.booked()
    answer = world.ask("HEAD", f"Appointment/{_id(created)}", has_body=False)
    same("ETag", answer.header("ETag"), created.header("ETag"))
    world.ask("HEAD", f"Appointment/{_NOBODY}", 404, has_body=False)


# ---------------------------------------------------------------- cancelling


@case("CancelAppointment_HappyPath")
def cancel_happy_path(world):
    slot = world.take()
    sent, created = world.booked(slot)
    id, tag = _id(created), created.header("ETag")
    body = cancel(sent, created.resource)
    answer = world.put(id, body, etag=tag, headers={"Location": created.header("Location")})
    judge.appointment(answer.resource, "cancelled")
    judge.kept_as_sent(answer.resource, world.tree(sent))
    same("id", answer.resource.first("id"), id)
    version = answer.resource.first("meta/versionId")
    judge.etag(answer, version)
    if answer.header("ETag") == tag:
        fail("ETag is that of the version before")
    judge.last_modified(answer)
    same("Location", judge.location(answer, world.client), (id, version))
    same("the status as read", world.ask("GET", f"Appointment/{id}").resource.first("status"), "cancelled")
    # The version before is kept (docs/specification/uec.md#c15-cancel-only), and the slot is free (#c16-freed-slot).
    before = world.ask("GET", world.client.target(created.header("Location")))
    same("the version before", before.resource.plain(), created.resource.plain())
    same("the slot's status", world.status_of(slot), "free")


@case("CancelAppointment_AsRead")
def cancel_as_read(world):
    # The other way of consumers: the answer to a read, with `meta` and all, and one word changed.
    _, created = world.booked()
    read = world.ask("GET", f"Appointment/{_id(created)}")
    old, new = {"json": (b'"status":"booked"', b'"status":"cancelled"'), "xml": (b'<status value="booked"/>', b'<status value="cancelled"/>')}[
        world.format
    ]
    same("the places where the status stands", read.body.count(old), 1)
    answer = world.put(_id(created), read.body.replace(old, new), etag=read.header("ETag"))
    judge.appointment(answer.resource, "cancelled")


@case("CancelAppointment_OtherFormat")
def cancel_other_format(world):
    sent, created = world.booked()
    other = world.other_format
    body = WRITERS[other](cancel(sent, created.resource))
    headers = {"Content-Type": f"application/fhir+{other}"}
    world.put(_id(created), body, etag=created.header("ETag"), headers=headers)


@case("CancelAppointment_DifferencesDetected")
def differences(world):
    sent, created = world.booked()
    body = tampered(cancel(sent, created.resource))
    world.put(_id(created), body, 422, etag=created.header("ETag"))
    same("the status as read", world.ask("GET", f"Appointment/{_id(created)}").resource.first("status"), "booked")


@case("CancelAppointment_VersionConflict")
def version_conflict(world):
    # The body differs as well: the harness adds the contact again that it had left out (docs/specification/uec.md#a9-cancel).
    sent, created = world.booked()
    body = with_contacts(cancel(sent, created.resource), 2, 1)
    refused(world.put(_id(created), body, 409, etag=_BAD_TAG), "conflict", "CONFLICTING_VALUES")
    same("the status as read", world.ask("GET", f"Appointment/{_id(created)}").resource.first("status"), "booked")


@case("CancelAppointment_If-MatchHeaderMissing")
def if_match_missing(world):
    sent, created = world.booked()
    body = with_contacts(cancel(sent, created.resource), 2, 1)
    refused(world.put(_id(created), body, 412), "required", "MISSING_OR_INVALID_HEADER")


@case("CancelAppointment_Forbidden")
def cancel_forbidden(world):
    sent, created = world.booked()
    body = cancel(sent, created.resource)
    refused(world.put(_id(created), body, 403, etag=created.header("ETag"), headers={"Authorization": None}), "forbidden", "ACCESS DENIED")
    refused(world.put(_id(created), body, 403, etag=created.header("ETag"), scope="patient/appointment.read"), "forbidden", "ACCESS DENIED")
    same("the status as read", world.ask("GET", f"Appointment/{_id(created)}").resource.first("status"), "booked")


@case("CancelAppointment_ForbiddenOtherOrganisation")
def cancel_by_a_stranger(world):
    sent, created = world.booked()
    body = cancel(sent, created.resource)
    refused(world.put(_id(created), body, 403, etag=created.header("ETag"), client=world.stranger), "forbidden", "ACCESS DENIED")
    same("the status as read", world.ask("GET", f"Appointment/{_id(created)}").resource.first("status"), "booked")


@case("CancelAppointment_MissingRequestID")
def cancel_missing_request_id(world):
    sent, created = world.booked()
    headers = {"X-Request-ID": None}
    world.put(_id(created), cancel(sent, created.resource), 400, etag=created.header("ETag"), headers=headers)


@case("CancelAppointment_NotThere")
def cancel_nothing(world):
    sent, created = world.booked()
    body = cancel(sent, created.resource) | {"id": _NOBODY}
    world.put(_NOBODY, body, 404, etag=created.header("ETag"))


@case("CancelAppointment_OtherId")
def cancel_other_id(world):
    sent, created = world.booked()
    body = cancel(sent, created.resource) | {"id": _NOBODY}
    world.put(_id(created), body, 400, etag=created.header("ETag"))


@case("CancelAppointment_Again")
def cancel_again(world):
    sent, created = world.booked()
    body = cancel(sent, created.resource)
    cancelled = world.put(_id(created), body, etag=created.header("ETag"))
    # With the version that was current before, and with the one that is.
    world.put(_id(created), body, 409, etag=created.header("ETag"))
    world.put(_id(created), body, 422, etag=cancelled.header("ETag"))


@case("CancelAppointment_Resent")
def cancel_resent(world):
    sent, created = world.booked()
    body, key = cancel(sent, created.resource), {"X-Request-ID": str(uuid.uuid4())}
    world.put(_id(created), body, etag=created.header("ETag"), headers=key)
    world.put(_id(created), body, 409, etag=created.header("ETag"), headers=key)


@case("CancelAppointment_NotUndone")
def not_undone(world):
    sent, created = world.booked()
    body = cancel(sent, created.resource)
    tag = world.put(_id(created), body, etag=created.header("ETag")).header("ETag")
    world.put(_id(created), body | {"status": "booked"}, 422, etag=tag)
    # Nor is anything but a cancel an update.
    sent, created = world.booked()
    world.put(_id(created), cancel(sent, created.resource) | {"status": "arrived"}, 422, etag=created.header("ETag"))


@case("CancelAppointment_OtherMethods")
def other_methods(world):
    _, created = world.booked()
    for method in ("DELETE", "PATCH", "POST"):
        match("Allow", world.ask(method, f"Appointment/{_id(created)}", 405).header("Allow"), r".*PUT.*")


@case("Rebook_FreedSlot")
def rebook_freed_slot(world):
    sent, created = world.booked()
    world.put(_id(created), cancel(sent, created.resource), etag=created.header("ETag"))
    again = booking(slot_as_found(sent))
    answer = world.post(again)
    world.judge_created(answer, again)
    if _id(answer) == _id(created):
        fail("the id of the cancelled appointment is used again")


@case("Rebook_NewThenCancelOld")
def rebook(world):
    number = nhs_number()
    old_slot, new_slot = world.take(), world.take()
    old_sent, old = world.booked(old_slot, number)
    _, new = world.booked(new_slot, number)
    same("the slots' status", [world.status_of(old_slot), world.status_of(new_slot)], ["busy", "busy"])
    world.put(_id(old), cancel(old_sent, old.resource), etag=old.header("ETag"))
    same("the slots' status", [world.status_of(old_slot), world.status_of(new_slot)], ["free", "busy"])
    same("the new appointment", world.ask("GET", f"Appointment/{_id(new)}").resource.first("status"), "booked")


# ---------------------------------------------------------------- a patient's appointments


def _found(world, pairs, **how):
    bundle = world.ask("GET", "Appointment?" + query(pairs), **how).resource
    same("type", bundle.first("type"), "searchset")
    same("total", bundle.first("total"), str(len(bundle.resources("Appointment"))))
    same("the links `next`", [link for link in bundle.values("link/relation") if link == "next"], [])
    return bundle


@case("PatientSearch")
def patient_search(world):
    number = nhs_number()
    ids = set()
    for _ in range(2):
        _, created = world.booked(number=number)
        ids.add(_id(created))
    bundle = _found(world, [("Appointment.participant.actor:Patient.identifier", f"{NHS_NUMBER}|{number}")])
    same("the appointments", {each.first("id") for each in bundle.resources("Appointment")}, ids)
    for entry in bundle.all("entry"):
        resource = entry.node("resource")
        version = resource.first("meta/versionId")
        same("fullUrl", entry.first("fullUrl"), world.client.url(f"Appointment/{resource.first('id')}/_history/{version}"))
        same("status", resource.first("status"), "booked")
        for name in ("start", "end", "created"):
            if not resource.first(name):
                fail(f"{name} is missing")
        same("the patient's number", resource.first("participant/actor/identifier/value"), number)


@case("PatientSearch_Spellings")
def patient_search_spellings(world):
    number = nhs_number()
    _, created = world.booked(number=number)
    token = f"{NHS_NUMBER}|{number}"
    for name, value in (
        ("Appointment.participant.actor:Patient.identifier", token),
        ("Appointment.participant.actor", token),
        ("Appointment.participant.actor", f"https://demographics.spineservices.nhs.uk|{number}"),
        ("Patient", token),
        ("patient", token),
        ("identifier", token),
        ("patient.identifier", token),
        ("patient:Patient.identifier", token),
        ("_id", _id(created)),
    ):
        bundle = _found(world, [(name, value)])
        found = [each.first("id") for each in bundle.resources("Appointment")]
        if found != [_id(created)]:
            fail(f"{name}={value}: found {found}, right would be {[_id(created)]}")


@case("PatientSearch_NotYours")
def patient_search_not_yours(world):
    number = nhs_number()
    world.booked(number=number)
    bundle = _found(world, [("identifier", f"{NHS_NUMBER}|{number}")], client=world.stranger)
    same("total", bundle.first("total"), "0")
    world.ask("GET", "Appointment?" + query([("identifier", f"{NHS_NUMBER}|{number}")]), 403, headers={"Authorization": None})


@case("PatientSearch_NobodyAndNonsense")
def patient_search_nobody(world):
    same("total", _found(world, [("identifier", f"{NHS_NUMBER}|{nhs_number()}")]).first("total"), "0")
    world.ask("GET", "Appointment?" + query([("identifierXXX", f"{NHS_NUMBER}|{nhs_number()}")]), 400)


@case("PatientSearch_AfterCancel")
def patient_search_after_cancel(world):
    number = nhs_number()
    sent, created = world.booked(number=number)
    world.put(_id(created), cancel(sent, created.resource), etag=created.header("ETag"))
    bundle = _found(world, [("identifier", f"{NHS_NUMBER}|{number}")])
    statuses = bundle.values("entry/resource/status")
    if "booked" in statuses:
        fail(f"a cancelled appointment is listed as {statuses}")
