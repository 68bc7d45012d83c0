"""A patient is booked in with fhirclient 3.2.0, the SMART on FHIR client for Python (STU3 models).

Only the public interface of fhirclient is used: models, `where`, `read`, `create`, `update`, and the
server object where the models offer no way. Tests called `test_cannot_…` prove what this client is not
able to do, and show the way round it; they fail as soon as a newer fhirclient can.

The base URL of the provider root comes from SLOTKEEPER_BASE_URL.
"""

import datetime
import inspect
import os
import unittest

import requests
from fhirclient import client as fhir
from fhirclient.models.appointment import Appointment, AppointmentParticipant
from fhirclient.models.bundle import Bundle
from fhirclient.models.fhirdate import FHIRDate
from fhirclient.models.fhirreference import FHIRReference
from fhirclient.models.healthcareservice import HealthcareService
from fhirclient.models.identifier import Identifier
from fhirclient.models.schedule import Schedule
from fhirclient.models.slot import Slot

BASE_URL = os.environ["SLOTKEEPER_BASE_URL"]
SERVICE = "2000099901"
NHS_NUMBER = "https://fhir.nhs.uk/Id/nhs-number"
PATIENT = ("9990000212", "Otto Fenwick")
INCLUDES = [
    "Slot:schedule",
    "Schedule:actor:HealthcareService",
    "Schedule:actor:Practitioner",
    "Schedule:actor:PractitionerRole",
    "HealthcareService:providedBy",
    "HealthcareService:location",
]


# Never before the day in London, and the same throughout a run that goes on past midnight.
TODAY = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=2)).date()


def day(offset):
    return (TODAY + datetime.timedelta(days=offset)).isoformat()


def reference(to):
    made = FHIRReference()
    made.reference = to
    return made


class WithFhirclient(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.smart = fhir.FHIRClient(settings={"app_id": "slotkeeper-tests", "api_base": BASE_URL})
        # Fetches /metadata, parses it as a CapabilityStatement and looks for SMART endpoints in it.
        assert cls.smart.prepare(), "an open server: no authorisation is asked for"
        cls.server = cls.smart.server

    def free_slots(self, **more):
        window = {"$and": ["ge" + day(1), "le" + day(5)]}
        return Slot.where({"service": SERVICE, "status": "free", "start": window, **more})

    def some_free_slots(self, count):
        """The first free slots; paging is asked for, so that the answer stays small."""
        found = self.free_slots(_count=str(count)).perform_resources(self.server)
        self.assertEqual(len(found), count)
        return found

    def appointment(self, slot, patient=PATIENT):
        """An Appointment in the simplest form that the provider root accepts."""
        who = FHIRReference()
        who.identifier = Identifier({"system": NHS_NUMBER, "value": patient[0]})
        who.display = patient[1]
        participant = AppointmentParticipant()
        participant.status = "accepted"
        participant.actor = who
        made = Appointment()
        made.status = "booked"
        made.description = "Twisted ankle, to be seen today"
        made.start = slot.start
        made.end = slot.end
        made.slot = [reference("Slot/" + slot.id)]
        made.participant = [participant]
        return made

    def book(self, slot):
        """Books the slot and gives back the Appointment as the server stored it."""
        answer = self.appointment(slot).create(self.server)
        booked = Appointment(answer)
        self.assertEqual(booked.status, "booked")
        self.addCleanup(self.cancel_if_booked, booked.id)
        return booked

    def cancel_if_booked(self, appointment_id):
        current = Appointment.read(appointment_id, self.server)
        if current.status == "booked":
            current.status = "cancelled"
            current.update()

    def refused(self, status, call):
        """The OperationOutcome's first issue of a call that must be refused with this status."""
        with self.assertRaises(requests.HTTPError) as raised:
            call()
        response = raised.exception.response
        self.assertEqual(response.status_code, status, response.text)
        outcome = response.json()
        self.assertEqual(outcome["resourceType"], "OperationOutcome")
        return outcome["issue"][0]

    def test_the_statement_is_fetched_and_names_what_is_served(self):
        statement = self.server.capabilityStatement
        self.assertEqual(statement.fhirVersion, "3.0.1")
        served = {resource.type: {i.code for i in resource.interaction} for resource in statement.rest[0].resource}
        self.assertLessEqual({"read", "search-type"}, served["Slot"])
        self.assertLessEqual({"create", "read", "search-type", "update"}, served["Appointment"])

    def test_a_search_with_includes_brings_everything_a_slot_refers_to(self):
        bundle = self.free_slots(_include={"$and": INCLUDES}).perform(self.server)
        self.assertIsInstance(bundle, Bundle)
        by_mode = {"match": [], "include": []}
        for entry in bundle.entry:
            by_mode[entry.search.mode].append(entry.resource)
        self.assertEqual(bundle.total, len(by_mode["match"]))
        self.assertGreaterEqual(bundle.total, 240)
        self.assertEqual({slot.status for slot in by_mode["match"]}, {"free"})
        starts = [slot.start.date for slot in by_mode["match"]]
        self.assertEqual(starts, sorted(starts))
        kinds = {resource.resource_type for resource in by_mode["include"]}
        self.assertEqual(
            kinds, {"Schedule", "HealthcareService", "Practitioner", "PractitionerRole", "Organization", "Location"}
        )
        included = {resource.relativePath() for resource in by_mode["include"]}
        for slot in by_mode["match"]:
            self.assertIn(slot.schedule.reference, included)
        for schedule in (r for r in by_mode["include"] if r.resource_type == "Schedule"):
            for actor in schedule.actor:
                self.assertIn(actor.reference, included)

    def test_a_slot_leads_to_its_schedule_and_service(self):
        slot = self.some_free_slots(1)[0]
        again = Slot.read(slot.id, self.server)
        self.assertEqual(again.as_json()["start"], slot.as_json()["start"])
        schedule = Schedule.read(slot.schedule.reference.split("/")[1], self.server)
        # Read by id, a schedule that serves several services shows its primary one, whatever was searched for.
        services = [actor.reference for actor in schedule.actor if actor.reference.startswith("HealthcareService/")]
        self.assertEqual(len(services), 1)
        service = HealthcareService.read(services[0].split("/")[1], self.server)
        self.assertTrue(service.active)
        self.assertEqual(HealthcareService.read(SERVICE, self.server).name, "Urgent Treatment Centre")

    def test_a_booking_is_read_back_as_it_was_sent(self):
        slot = self.some_free_slots(1)[0]
        booked = self.book(slot)
        stored = Appointment.read(booked.id, self.server)
        self.assertEqual(stored.as_json(), booked.as_json())
        self.assertEqual(stored.start.date, slot.start.date)
        self.assertEqual(stored.description, "Twisted ankle, to be seen today")
        self.assertEqual(stored.participant[0].actor.identifier.value, PATIENT[0])
        self.assertEqual(Slot.read(slot.id, self.server).status, "busy")
        found = Appointment.where({"slot": "Slot/" + slot.id, "status": "booked"}).perform_resources(self.server)
        self.assertEqual([a.id for a in found], [booked.id])

    def test_a_patient_who_changes_their_mind_gets_the_other_slot_and_gives_back_the_first(self):
        first, second = self.some_free_slots(2)
        booked = self.book(first)
        mine = Appointment.read(booked.id, self.server)
        mine.status = "cancelled"
        cancelled = Appointment(mine.update())
        self.assertEqual((cancelled.id, cancelled.status), (booked.id, "cancelled"))
        self.assertEqual(Slot.read(first.id, self.server).status, "free")
        other = self.book(second)
        self.assertNotEqual(other.id, booked.id)
        found = Appointment.where({"identifier": NHS_NUMBER + "|" + PATIENT[0]}).perform_resources(self.server)
        statuses = {a.id: a.status for a in found}
        self.assertEqual(statuses.get(other.id), "booked")
        self.assertEqual(Appointment.read(booked.id, self.server).status, "cancelled")

    def test_the_second_to_book_a_slot_is_told_that_it_is_gone(self):
        slot = self.some_free_slots(1)[0]
        self.book(slot)
        late = self.appointment(slot, ("9990000220", "Wilma Sparrow"))
        issue = self.refused(422, lambda: late.create(self.server))
        self.assertEqual(issue["diagnostics"], "Slot no longer available")
        self.assertEqual((issue["severity"], issue["code"]), ("error", "processing"))

    def test_an_appointment_cannot_be_cancelled_twice_or_altered(self):
        booked = self.book(self.some_free_slots(1)[0])
        altered = Appointment.read(booked.id, self.server)
        altered.status = "cancelled"
        altered.description = "Something else"
        self.refused(422, altered.update)
        mine = Appointment.read(booked.id, self.server)
        mine.status = "cancelled"
        mine.update()
        issue = self.refused(422, mine.update)
        self.assertEqual(issue["code"], "business-rule")

    def test_errors_arrive_as_the_exceptions_of_the_client(self):
        with self.assertRaises(fhir.FHIRNotFoundException) as raised:
            Slot.read("not-a-slot", self.server)
        self.assertEqual(raised.exception.response.json()["issue"][0]["code"], "not-found")
        issue = self.refused(400, lambda: Slot.where({"service": SERVICE, "start": "yesterdayish"}).perform(self.server))
        self.assertIn("start", issue["diagnostics"])
        slot = self.some_free_slots(1)[0]
        issue = self.refused(422, lambda: self.appointment(slot, ("9990000213", "Otto Fenwick")).create(self.server))
        self.assertTrue(issue["expression"])
        self.assertEqual(Slot.read(slot.id, self.server).status, "free")

    def test_cannot_send_an_invalid_appointment_because_its_models_refuse_it(self):
        incomplete = self.appointment(self.some_free_slots(1)[0])
        incomplete.participant = None
        with self.assertRaises(Exception) as raised:
            incomplete.create(self.server)
        self.assertNotIsInstance(raised.exception, requests.RequestException)
        self.assertEqual(type(raised.exception).__name__, "FHIRValidationError")

    def test_cannot_follow_pages_by_itself_but_reads_them_by_their_link(self):
        self.assertFalse(hasattr(fhir.FHIRServer, "next_page") or hasattr(Bundle, "next_page"))
        page = self.free_slots(_count="100").perform(self.server)
        total, seen = page.total, []
        while True:
            seen += [entry.resource.id for entry in page.entry]
            following = [link.url for link in page.link if link.relation == "next"]
            if not following:
                break
            # The link is an absolute URL; joined to the base it stays as it is.
            page = Bundle(self.server.request_json(following[0]))
        self.assertEqual(len(seen), total)
        self.assertEqual(len(set(seen)), total)

    def test_cannot_express_date_prefixes_with_its_operators(self):
        # `$gte` writes the DSTU1 form `start=>=2026-…`, which STU3 does not know; the prefix in the value works.
        search = Slot.where({"service": SERVICE, "start": {"$gte": day(1)}})
        self.assertIn("start=>=", search.construct())
        self.refused(400, lambda: search.perform(self.server))

    def test_cannot_send_if_match_with_an_update_but_its_session_can(self):
        self.assertEqual(list(inspect.signature(Appointment.update).parameters), ["self", "server"])
        booked = self.book(self.some_free_slots(1)[0])
        self.assertEqual(booked.meta.versionId, "1")
        mine = Appointment.read(booked.id, self.server)
        mine.status = "cancelled"
        self.server.session.headers["If-Match"] = 'W/"9"'
        try:
            self.refused(409, mine.update)
            self.server.session.headers["If-Match"] = 'W/"1"'
            self.assertEqual(mine.update()["meta"]["versionId"], "2")
        finally:
            del self.server.session.headers["If-Match"]

    def test_cannot_read_xml_but_its_dates_keep_what_the_server_wrote(self):
        # fhirclient parses JSON only; a date survives because the model keeps the text it came from.
        slot = self.some_free_slots(1)[0]
        self.assertRegex(slot.start.origval, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00$")
        self.assertEqual(FHIRDate(slot.start.origval).date, slot.start.date)
        with self.assertRaises(ValueError):
            self.server.request_json("Slot/" + slot.id + "?_format=xml")


if __name__ == "__main__":
    unittest.main()
