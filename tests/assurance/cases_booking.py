"""POST /Appointment: what is booked, what is refused, and what happens to a request that comes twice
(docs/specification/uec.md#a7-book)."""

import copy
import datetime
import gzip
import uuid
from concurrent.futures import ThreadPoolExecutor

import judge
from bodies import booking, nhs_number, patient_of, slot_of, with_contacts, without_nhs_number
from judge import fail, gzipped, refused, same
from world import case

_TOGETHER = 50


def _zipped(world, body):
    return {"body": gzip.compress(world.write(body)), "headers": {"Content-Encoding": "gzip", "Accept-Encoding": "gzip"}}


@case("BookAppointment_HappyPath")
def happy_path(world):
    slot = world.take()
    sent = booking(slot)
    id = world.judge_created(world.post(sent), sent)
    judge.match("the id", id, r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
    same("the slot's status", world.status_of(slot), "busy")
    if slot.id in world.search(world.valid(includes=())).resource.values("entry/resource/id"):
        fail("the slot is still offered as free")


@case("BookAppointment_NoNHSNumber")
def no_nhs_number(world):
    sent = without_nhs_number(booking(world.take()))
    answer = world.post(sent)
    world.judge_created(answer, sent)
    same("the patient's identifiers", answer.resource.contained("Patient")[0].all("identifier"), [])


@case("BookAppointment_SlotAlreadyBooked")
def slot_already_booked(world):
    sent, _ = world.booked()
    judge.slot_taken(world.post(booking(slot_as_found(sent)), 422))


def slot_as_found(sent):
    """The slot of a booking, as `booking` takes it."""
    kept = slot_of(sent)
    slot = type("Slot", (), {})()
    slot.id, slot.identifier = kept["id"], kept["identifier"][0]["value"]
    slot.schedule, slot.start, slot.end = kept["schedule"]["reference"], kept["start"], kept["end"]
    return slot


@case("BookAppointment_Forbidden")
def forbidden(world):
    slot = world.take()
    answer = world.post(booking(slot), 403, headers={"Authorization": None})
    refused(answer, "forbidden", "ACCESS DENIED")
    same("the slot's status", world.status_of(slot), "free")


@case("BookAppointment_UnsupportedMediaType")
def unsupported_media_type(world):
    answer = world.post(booking(world.take()), 415, headers={"Content-Type": "application/xml"})
    refused(answer, spine="UNSUPPORTED_MEDIA_TYPE")


@case("BookAppointment_TelecomAndContact")
def telecom_and_contact(world):
    sent = with_contacts(booking(world.take()), 2, 1)
    world.judge_created(world.post(sent), sent)


@case("BookAppointment_Contact")
def contact(world):
    sent = with_contacts(booking(world.take()), None, 1)
    world.judge_created(world.post(sent), sent)


@case("BookAppointment_TwoRank1")
def two_rank_1(world):
    slot = world.take()
    world.post(with_contacts(booking(slot), 1, 1), 400)
    same("the slot's status", world.status_of(slot), "free")


@case("BookAppointment_NoRank1")
def no_rank_1(world):
    world.post(with_contacts(booking(world.take()), 2, 3), 400)


@case("BookAppointment_HappyPathWithGzip")
def happy_path_with_gzip(world):
    sent = booking(world.take())
    answer = world.ask("POST", "Appointment", 201, **_zipped(world, sent))
    gzipped(answer)
    world.judge_created(answer, sent)


@case("BookAppointment_GzipAnswer")
def gzip_answer(world):
    sent = booking(world.take())
    answer = world.post(sent, headers={"Accept-Encoding": "gzip"})
    gzipped(answer)
    world.judge_created(answer, sent)


@case("BookAppointment_BrokenGzip")
def broken_gzip(world):
    slot = world.take()
    good = gzip.compress(world.write(booking(slot)))
    for body in (good[:-12], b"not gzip at all", good + b"and more"):
        world.ask("POST", "Appointment", 400, body=body, headers={"Content-Encoding": "gzip"})
    same("the slot's status", world.status_of(slot), "free")


@case("BookAppointment_OtherEncoding")
def other_encoding(world):
    body = world.write(booking(world.take()))
    refused(world.ask("POST", "Appointment", 415, body=body, headers={"Content-Encoding": "br"}), spine="UNSUPPORTED_MEDIA_TYPE")


@case("BookAppointment_GzipBomb")
def gzip_bomb(world):
    # Small on the wire, over the four MiB that a body may have when it is inflated (docs/contract.md#limits).
    world.ask("POST", "Appointment", 413, body=gzip.compress(b" " * (6 << 20)), headers={"Content-Encoding": "gzip"})


@case("BookAppointment_HappyPathWithResentRequestID")
def resent_request_id(world):
    key = str(uuid.uuid4())
    sent = booking(world.take())
    id = world.post(sent, headers={"X-Request-ID": key}).resource.first("id")
    zipped = _zipped(world, sent)
    zipped["headers"]["X-Request-ID"] = key
    answer = world.ask("POST", "Appointment", 409, **zipped)
    if id not in refused(answer, "duplicate", "DUPLICATE_REJECTED"):
        fail("the appointment that was made is not named")


@case("BookAppointment_ResentPlain")
def resent_plain(world):
    # The same bytes; another body; a cancel: whatever comes under a key that has succeeded (docs/contract.md#resent-requests).
    key = {"X-Request-ID": str(uuid.uuid4())}
    sent, answer = world.booked(headers=key)
    id = answer.resource.first("id")
    again = (
        world.post(sent, 409, headers=key),
        world.post(booking(world.take()), 409, headers=key),
        world.put(id, sent, 409, etag=answer.header("ETag"), headers=key),
    )
    for each in again:
        refused(each, "duplicate", "DUPLICATE_REJECTED")


@case("BookAppointment_FailedAttemptKeepsRequestID")
def failed_attempt(world):
    key = {"X-Request-ID": str(uuid.uuid4())}
    sent, _ = world.booked()
    judge.slot_taken(world.post(booking(slot_as_found(sent)), 422, headers=key))
    world.booked(headers=key)


@case("BookAppointment_Chunked")
def chunked(world):
    sent = booking(world.take())
    world.judge_created(world.post(sent, chunked=True), sent)


@case("BookAppointment_OtherFormatAsked")
def other_format_asked(world):
    # Sent in one format, asked for in the other; and with no Accept, the answer is in the format of the body.
    sent = booking(world.take())
    answer = world.post(sent, format=world.other_format, headers={"Accept": f"application/fhir+{world.other_format}"})
    world.judge_created(answer, sent)
    sent = booking(world.take())
    world.judge_created(world.post(sent, headers={"Accept": None}), sent)


@case("BookAppointment_MissingRequestID")
def missing_request_id(world):
    answer = world.post(booking(world.take()), 400, headers={"X-Request-ID": None})
    refused(answer, spine="MISSING_OR_INVALID_HEADER")


@case("BookAppointment_WrongScope")
def wrong_scope(world):
    for scope in ("organization/slot.read", "patient/appointment.read"):
        refused(world.post(booking(world.take()), 403, scope=scope), "forbidden", "ACCESS DENIED")


@case("BookAppointment_Malformed")
def malformed(world):
    whole = world.write(booking(world.take()))
    bad = [whole[:-20], b"{}", b"<Appointment/>", b"Appointment", b"\xff\xfe" + whole, b""]
    if world.format == "xml":
        # Out of order; in no namespace; with an entity that would read a file.
        bad.append(whole.replace(b'<status value="booked" />', b"").replace(b"</Appointment>", b'<status value="booked" /></Appointment>'))
        bad.append(whole.replace(b"http://hl7.org/fhir", b"http://hl7.org/other"))
        entity = b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/hostname">]>'
        bad.append(whole.replace(b"<Appointment ", entity + b"<Appointment ").replace(b"Persistent", b"&e;"))
    else:
        bad.append(whole.replace(b'"language": "en-GB"', b'"language": "en-GB", "language": "en-GB"'))
        bad.append(b"[" * 100_000)
    for body in bad:
        world.ask("POST", "Appointment", 400, body=body)


@case("BookAppointment_NoContainedSlot")
def no_contained_slot(world):
    body = booking(world.take())
    body["contained"] = [each for each in body["contained"] if each["resourceType"] != "Slot"]
    world.post(body, 400)


@case("BookAppointment_WithId")
def with_id(world):
    slot = world.take()
    body = booking(slot) | {"id": "95e58add-0b10-4a8c-817c-2729eb0cab75"}
    world.post(body, 422)
    same("the slot's status", world.status_of(slot), "free")


@case("BookAppointment_InvalidNHSNumber")
def invalid_nhs_number(world):
    body = booking(world.take())
    number = nhs_number()
    wrong = number[:-1] + str((int(number[-1]) + 1) % 10)
    patient_of(body)["identifier"][0]["value"] = wrong
    body["participant"][0]["actor"]["identifier"]["value"] = wrong
    issues = world.post(body, 422).resource.all("issue")
    spoken = [each for each in issues if each.first("details/coding/code") == "INVALID_NHS_NUMBER"]
    if not spoken or not all(each.first("expression") or each.first("location") for each in spoken):
        fail("no issue INVALID_NHS_NUMBER that points at its place")


@case("BookAppointment_EveryProblemListed")
def every_problem(world):
    body = booking(world.take())
    patient = patient_of(body)
    del patient["birthDate"], body["description"]
    patient["gender"] = "unsaid"
    places = " ".join(filter(None, world.post(body, 422).resource.values("issue/expression")))
    for name in ("birthDate", "description", "gender"):
        if name not in places:
            fail(f"no issue points at {name}: {places}")


@case("BookAppointment_UnknownSlot")
def unknown_slot(world):
    slot = copy.copy(world.take())
    slot.id = slot.identifier = str(uuid.uuid4())
    refused(world.post(booking(slot), 422), spine="REFERENCE_NOT_FOUND")


@case("BookAppointment_ContradictingSlot")
def contradicting_slot(world):
    # Two rooms have slots at the same times, and those would not contradict each other.
    slot = world.take()
    other = world.take(apart_from=slot)
    body = booking(slot)
    slot_of(body)["start"], slot_of(body)["end"] = other.start, other.end
    body["start"], body["end"] = other.start, other.end
    world.post(body, 422)
    same("the slots' status", [world.status_of(slot), world.status_of(other)], ["free", "free"])


@case("BookAppointment_OtherOffset")
def other_offset(world):
    # A consumer in summer writes +01:00: the same instants, another text.
    slot = copy.copy(world.take())
    server_text = slot.start, slot.end
    slot.start, slot.end = (_an_hour_east(text) for text in server_text)
    resource = world.post(booking(slot)).resource
    same("start and end", (resource.first("start"), resource.first("end")), server_text)


def _an_hour_east(text):
    instant = datetime.datetime.fromisoformat(text)
    return instant.astimezone(datetime.timezone(datetime.timedelta(hours=1))).isoformat(timespec="seconds")


@case("BookAppointment_UEC18_FiftyAtOnce")
def fifty_at_once(world):
    slot = world.take()
    bodies = [world.write(booking(slot)) for _ in range(_TOGETHER)]
    world.client.consumer.bearer("patient/appointment.write")
    with ThreadPoolExecutor(_TOGETHER) as pool:
        answers = list(pool.map(lambda body: world.client.send("POST", "Appointment", body=body), bodies))
    world.answers.extend(answers)
    same("the answers 201", [answer.status for answer in answers].count(201), 1)
    for answer in answers:
        world.answers.append(answer)
        judge.general(answer, 201 if answer.status == 201 else 422, world.format)
        if answer.status == 422:
            judge.slot_taken(answer)
    winner = next(answer.resource.first("id") for answer in answers if answer.status == 201)
    same("the winner's status", world.ask("GET", f"Appointment/{winner}").resource.first("status"), "booked")
    same("the slot's status", world.status_of(slot), "busy")


@case("BookAppointment_SameRequestAtOnce")
def same_request_at_once(world):
    body = world.write(booking(world.take()))
    headers = {"X-Request-ID": str(uuid.uuid4())}
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: world.client.send("POST", "Appointment", body=body, headers=headers), range(12)))
    same("the answers", sorted(answer.status for answer in answers), [201] + [409] * 11)
    for answer in answers:
        world.answers.append(answer)
        judge.general(answer, answer.status, world.format)


@case("BookAppointment_Validate")
def validate(world):
    # Judged, not booked: the slot stays free (FHIR `$validate`, on the provider root).
    slot = world.take()
    good = world.write(booking(slot))
    bad = booking(slot)
    bad["status"] = "perhaps"
    for body, right in ((good, True), (world.write(bad), False)):
        answer = world.ask("POST", "Appointment/$validate", client=world.provider, body=body)
        same("the resource", answer.resource.kind, "OperationOutcome")
        judge.issues(answer.resource)
        severities = set(answer.resource.values("issue/severity"))
        same("whether there is no error", not severities & {"error", "fatal"}, right)
    same("the slot's status", world.status_of(slot), "free")
