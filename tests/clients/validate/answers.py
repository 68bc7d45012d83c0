"""Asks a running demo server for every kind of answer that it gives, on both roots, as JSON and as XML.

Every answer is written to a directory (SLOTKEEPER_ANSWERS), so that validators in other languages read the
same ones; `index.json` there lists them. Nothing is judged here but the status: an answer with another
status than the one asked for would be an answer of another kind.

    SLOTKEEPER_BASE_URL=http://127.0.0.1:8080/STU3/1/provider SLOTKEEPER_ANSWERS=target/answers python answers.py
"""

import datetime
import json
import os
import pathlib
import urllib.error
import urllib.parse
import urllib.request
import uuid

SERVICE = "2000099901"
NHS_NUMBER = "https://fhir.nhs.uk/Id/nhs-number"
MEDIA = {"json": "application/fhir+json", "xml": "application/fhir+xml"}
FULL_BODY = pathlib.Path(__file__).parents[3] / "crates" / "testkit" / "src" / "bodies" / "booking.json"
INCLUDES = [
    ("_include", "Slot:schedule"),
    ("_include:recurse", "Schedule:actor:HealthcareService"),
    ("_include:recurse", "Schedule:actor:Practitioner"),
    ("_include:recurse", "Schedule:actor:PractitionerRole"),
    ("_include:recurse", "HealthcareService:providedBy"),
    ("_include:recurse", "HealthcareService:location"),
]


# Never before the day in London, and the same throughout a run that goes on past midnight.
TODAY = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=2)).date()


def day(offset):
    return (TODAY + datetime.timedelta(days=offset)).isoformat()


def window(first, last):
    return [("start", "ge" + day(first)), ("start", "le" + day(last))]


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


class Asker:
    """Sends requests to one root in one format, and keeps the answers that are named."""

    def __init__(self, root, base, media, directory):
        self.root, self.base, self.media, self.directory = root, base, media, directory
        self.index = []

    def send(self, method, path, query=(), body=None, headers=None, media=None):
        url = f"{self.base}/{path}" + ("?" + urllib.parse.urlencode(query) if query else "")
        sent = {"Accept": MEDIA[media or self.media], "X-Request-ID": str(uuid.uuid4())}
        if isinstance(body, dict):
            body = json.dumps(body).encode()
        if body is not None:
            sent["Content-Type"] = MEDIA["json"]
        sent.update(headers or {})
        request = urllib.request.Request(url, data=body, headers=sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as refusal:
            with refusal:
                return Answer(refusal.code, refusal.headers, refusal.read())

    def keep(self, name, status, method, path, query=(), body=None, headers=None):
        """Asks, checks the status, and keeps the answer under its name."""
        answer = self.send(method, path, query, body, headers)
        if answer.status != status:
            raise AssertionError(f"{self.root} {name}: {answer.status} instead of {status}: {answer.body[:2000]!r}")
        if not answer.headers.get_content_type() == MEDIA[self.media]:
            raise AssertionError(f"{self.root} {name}: {answer.headers.get_content_type()} instead of {MEDIA[self.media]}")
        file = f"{self.root}-{name}.{self.media}"
        (self.directory / file).write_bytes(answer.body)
        self.index.append({"file": file, "root": self.root, "name": name, "format": self.media, "status": status})
        return answer

    def free_slots(self, count):
        """Free slots as JSON, whatever the format of this asker, last ones first to stay clear of other tests."""
        query = [("service", SERVICE), ("status", "free"), *window(2, 5)]
        entries = self.send("GET", "Slot", query, media="json").json()["entry"]
        return [entry["resource"] for entry in entries[-count:]]


def full_appointment(slot):
    """The booking root's kind of body: contained slot, patient with contact, and document reference."""
    made = json.loads(FULL_BODY.read_text(encoding="utf-8"))
    for contained in made["contained"]:
        if contained["resourceType"] == "Slot":
            contained.update({key: slot[key] for key in ("identifier", "schedule", "start", "end")})
            contained.update(id="slot1", status="busy")
    made.update(start=slot["start"], end=slot["end"], slot=[{"reference": "#slot1"}])
    made["created"] = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    return made


def small_appointment(slot):
    """The provider root's kind of body: a reference to the slot, and a patient by number and name."""
    patient = {"identifier": {"system": NHS_NUMBER, "value": "9990000328"}, "display": "Percy Arkwright"}
    return {
        "resourceType": "Appointment",
        "status": "booked",
        "description": "Nosebleed that will not stop",
        "start": slot["start"],
        "end": slot["end"],
        "slot": [{"reference": "Slot/" + slot["id"]}],
        "participant": [{"status": "accepted", "actor": patient}],
    }


def claimed(statement, kind):
    """The interactions that a CapabilityStatement names for one type."""
    for resource in statement["rest"][0]["resource"]:
        if resource["type"] == kind:
            return {interaction["code"] for interaction in resource["interaction"]}
    return set()


def ask_reads(ask):
    """Searches and reads of everything but appointments."""
    ask.keep("metadata", 200, "GET", "metadata")
    statement = ask.send("GET", "metadata", media="json").json()
    service = [("service", SERVICE)]
    free = [*service, ("status", "free")]
    ask.keep("slots-with-includes", 200, "GET", "Slot", [*free, *window(1, 2), *INCLUDES])
    ask.keep("slots-of-every-status", 200, "GET", "Slot", [*service, ("status", "free,busy"), *window(1, 2)])
    ask.keep("slots-page", 200, "GET", "Slot", [*free, *window(1, 2), ("_count", "3")])
    ask.keep("slots-counted", 200, "GET", "Slot", [*free, *window(1, 2), ("_count", "0")])
    ask.keep("slots-summary", 200, "GET", "Slot", [*free, *window(1, 2), ("_summary", "true")])
    if ask.root == "provider":
        ask.keep("slots-elements", 200, "GET", "Slot", [*free, *window(1, 2), ("_elements", "start")])
    ask.keep("slots-none", 200, "GET", "Slot", [("service", "2000099904"), ("status", "free"), *window(1, 2)])
    slot = ask.free_slots(1)[0]
    ask.keep("slot", 200, "GET", "Slot/" + slot["id"])
    ask.keep("schedule", 200, "GET", slot["schedule"]["reference"])
    ask.keep("schedules", 200, "GET", "Schedule", [("actor", "HealthcareService/" + SERVICE), ("_include", "Schedule:actor")])
    one = [("_id", slot["schedule"]["reference"].split("/")[1])]
    ask.keep("schedules-with-slots", 200, "GET", "Schedule", [*one, ("_revinclude", "Slot:schedule")])
    found = ask.send("GET", "Slot", [*free, *window(1, 5), *INCLUDES], media="json").json()
    included = [entry["resource"] for entry in found["entry"] if entry["search"]["mode"] == "include"]
    kinds = {resource["resourceType"] for resource in included} - {"Schedule"}
    for resource in included:
        kind = resource["resourceType"]
        if kind in kinds:
            ask.keep(f"{kind}-{resource['id']}".lower(), 200, "GET", f"{kind}/{resource['id']}")
    for kind in sorted(kinds):
        if "search-type" in claimed(statement, kind):
            ask.keep(f"{kind}-search".lower(), 200, "GET", kind)
    return statement


def ask_appointments(ask, statement):
    """One appointment's life, and the refusals on its way."""
    strict = ask.root == "booking"
    body = full_appointment if strict else small_appointment
    slot, other = ask.free_slots(2)
    once = {"X-Request-ID": str(uuid.uuid4())}
    made = ask.keep("appointment-booked", 201, "POST", "Appointment", body=body(slot), headers=once)
    at = "Appointment/" + made.headers["Location"].split("/Appointment/")[1].split("/")[0]
    ask.keep("refused-resent", 409, "POST", "Appointment", body=body(slot), headers=once)
    ask.keep("refused-slot-taken", 422, "POST", "Appointment", body=body(slot))
    ask.keep("appointment", 200, "GET", at)
    ask.keep("appointment-version", 200, "GET", at + "/_history/1")
    ask.keep("appointments", 200, "GET", "Appointment", [("identifier", f"{NHS_NUMBER}|{'9990482136' if strict else '9990000328'}")])
    current = ask.send("GET", at, media="json").json()
    current["status"] = "cancelled"
    altered = {**current, "description": "Something else"}
    if strict:
        ask.keep("refused-without-if-match", 412, "PUT", at, body=current)
    ask.keep("refused-stale", 409, "PUT", at, body=current, headers={"If-Match": 'W/"7"'})
    ask.keep("refused-alteration", 422, "PUT", at, body=altered, headers={"If-Match": 'W/"1"'})
    ask.keep("refused-other-id", 400, "PUT", at, body={**current, "id": str(uuid.uuid4())}, headers={"If-Match": 'W/"1"'})
    ask.keep("appointment-cancelled", 200, "PUT", at, body=current, headers={"If-Match": 'W/"1"'})
    ask.keep("refused-cancelled-twice", 422, "PUT", at, body=current, headers={"If-Match": 'W/"2"'})
    if "history-instance" in claimed(statement, "Appointment"):
        ask.keep("appointment-history", 200, "GET", at + "/_history")
    if not strict:
        full = ask.keep("appointment-booked-with-contained", 201, "POST", "Appointment", body=full_appointment(other))
        ask.keep("appointment-with-contained", 200, "GET", full.headers["Location"].split("/provider/")[1].split("/_history")[0])
    wrong = body(slot)
    wrong["participant"][0]["status"] = "perhaps"
    del wrong["description"]
    ask.keep("refused-shape", 422, "POST", "Appointment", body=wrong)
    ask.keep("refused-not-json", 400, "POST", "Appointment", body=b"{")
    ask.keep("refused-not-xml", 400, "POST", "Appointment", body=b"<Slot", headers={"Content-Type": MEDIA["xml"]})
    ask.keep("refused-media-type", 415, "POST", "Appointment", body=b"hello", headers={"Content-Type": "text/plain"})
    ask.keep("refused-too-large", 413, "POST", "Appointment", body=b" " * (1 << 20) + b"{}")


def ask_refusals(ask):
    """Refusals of reads and searches."""
    free = [("service", SERVICE), ("status", "free")]
    ask.keep("refused-no-such-slot", 404, "GET", "Slot/none")
    ask.keep("refused-no-such-appointment", 404, "GET", f"Appointment/{uuid.uuid4()}")
    ask.keep("refused-no-such-type", 404, "GET", "Basic")
    ask.keep("refused-method", 405, "DELETE", f"Appointment/{uuid.uuid4()}")
    ask.keep("refused-value", 400, "GET", "Slot", [*free, ("start", "soon")])
    ask.keep("refused-past", 400, "GET", "Slot", [*free, *window(-3, -2)])
    ask.keep("refused-reversed", 422, "GET", "Slot", [*free, *window(3, 2)])
    ask.keep("refused-too-costly", 422, "GET", "Slot", [*free, *window(1, 300)])
    if ask.root == "booking":
        ask.keep("refused-parameter", 400, "GET", "Slot", [*free, *window(1, 2), ("strat", "x")])
        ask.keep("refused-service", 404, "GET", "Slot", [("service", "2000099999"), *window(1, 2)])
        ask.keep("refused-no-request-id", 400, "POST", "Appointment", body={}, headers={"X-Request-ID": ""})
    else:
        strictly = {"Prefer": "handling=strict"}
        ask.keep("refused-parameter", 400, "GET", "Slot", [*free, *window(1, 2), ("strat", "x")], headers=strictly)


def collect(provider, directory):
    """Asks for everything and gives back the index of what was kept."""
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    for old in [*directory.glob("*.json"), *directory.glob("*.xml")]:
        old.unlink()
    index = []
    for root in ("provider", "booking"):
        base = provider.removesuffix("/").removesuffix("provider") + root
        askers = [Asker(root, base, media, directory) for media in MEDIA]
        # All reads come before the first booking, so that those in XML can be compared with those in JSON.
        statements = [ask_reads(ask) for ask in askers]
        for ask, statement in zip(askers, statements, strict=True):
            ask_appointments(ask, statement)
            ask_refusals(ask)
            index += ask.index
    (directory / "index.json").write_text(json.dumps(index, indent=1), encoding="utf-8")
    return index


if __name__ == "__main__":
    kept = collect(os.environ["SLOTKEEPER_BASE_URL"], os.environ["SLOTKEEPER_ANSWERS"])
    print(f"{len(kept)} answers kept")
