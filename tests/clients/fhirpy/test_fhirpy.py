"""A patient is booked in with fhirpy 2.3.1, its synchronous client and its asynchronous one.

Only the public interface of fhirpy is used. Tests called `test_cannot_…` prove what this client is not
able to do, and show the way round it; they fail as soon as a newer fhirpy can.

The base URL of the provider root comes from SLOTKEEPER_BASE_URL.
"""

import asyncio
import datetime
import os
import unittest
import uuid

from fhirpy import AsyncFHIRClient, SyncFHIRClient
from fhirpy.base.exceptions import OperationOutcome, ResourceNotFound

BASE_URL = os.environ["SLOTKEEPER_BASE_URL"]
SERVICE = "2000099901"
NHS_NUMBER = "https://fhir.nhs.uk/Id/nhs-number"
PATIENT = ("9990000247", "Nadia Holloway")
ACTORS = ["HealthcareService", "Practitioner", "PractitionerRole"]


# Never before the day in London, and the same throughout a run that goes on past midnight.
TODAY = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=2)).date()


def day(offset):
    return (TODAY + datetime.timedelta(days=offset)).isoformat()


def appointment(client, slot, patient=PATIENT):
    """An Appointment in the simplest form that the provider root accepts."""
    return client.resource(
        "Appointment",
        status="booked",
        description="Sore throat since Monday",
        start=slot["start"],
        end=slot["end"],
        slot=[slot.to_reference()],
        participant=[
            {
                "status": "accepted",
                "actor": {"identifier": {"system": NHS_NUMBER, "value": patient[0]}, "display": patient[1]},
            }
        ],
    )


class WithFhirpy(unittest.TestCase):
    def setUp(self):
        self.client = SyncFHIRClient(BASE_URL)

    def free_slots(self):
        return self.client.resources("Slot").search(
            service=SERVICE, status="free", start__ge=day(1), start__le=day(5)
        )

    def some_free_slots(self, count):
        """The first free slots; paging is asked for, so that the answer stays small."""
        found = self.free_slots().limit(count).fetch()
        self.assertEqual(len(found), count)
        return found

    def book(self, slot):
        """Books the slot and gives back the Appointment as the server stored it."""
        booked = appointment(self.client, slot).create()
        self.assertEqual(booked["status"], "booked")
        self.addCleanup(self.cancel_if_booked, booked.id)
        return booked

    def cancel_if_booked(self, appointment_id):
        current = self.client.reference("Appointment", appointment_id).to_resource()
        if current["status"] == "booked":
            current["status"] = "cancelled"
            current.update()

    def refused(self, call):
        """The OperationOutcome's first issue of a call that must be refused."""
        with self.assertRaises(OperationOutcome) as raised:
            call()
        self.assertEqual(raised.exception.resource["resourceType"], "OperationOutcome")
        return raised.exception.resource["issue"][0]

    def test_the_statement_can_be_fetched(self):
        statement = self.client.execute("metadata", method="get")
        self.assertEqual((statement.resourceType, statement.fhirVersion), ("CapabilityStatement", "3.0.1"))

    def test_a_search_with_includes_brings_everything_a_slot_refers_to(self):
        search = self.free_slots().include("Slot", "schedule")
        for actor in ACTORS:
            search = search.include("Schedule", "actor", actor, iterate=True)
        search = search.include("HealthcareService", "providedBy", iterate=True)
        search = search.include("HealthcareService", "location", iterate=True)
        bundle = search.fetch_raw()
        matches = [e.resource for e in bundle.entry if e.search.mode == "match"]
        included = {e.resource.to_reference().reference: e.resource for e in bundle.entry if e.search.mode == "include"}
        self.assertEqual(bundle.total, len(matches))
        self.assertGreaterEqual(bundle.total, 240)
        kinds = {reference.split("/")[0] for reference in included}
        self.assertEqual(kinds, {"Schedule", "Organization", "Location", *ACTORS})
        for slot in matches:
            schedule = included[slot["schedule"].reference]
            services = [a.id for a in schedule["actor"] if a.resource_type == "HealthcareService"]
            self.assertEqual(services, [SERVICE], "a schedule shows the service that was searched for")
            for actor in schedule["actor"]:
                self.assertIn(actor.reference, included)

    def test_its_own_word_for_includes_that_iterate_is_understood(self):
        # fhirpy writes `_include:recursive`; STU3 itself says `_include:recurse`.
        search = self.free_slots().limit(1).include("Slot", "schedule")
        search = search.include("Schedule", "actor", "Practitioner", recursive=True)
        kinds = {entry.resource.resourceType for entry in search.fetch_raw().entry}
        self.assertEqual(kinds, {"Slot", "Schedule", "Practitioner"})

    def test_a_reference_is_followed_to_its_resource(self):
        slot = self.some_free_slots(1)[0]
        schedule = slot["schedule"].to_resource()
        self.assertEqual(schedule.resourceType, "Schedule")
        for actor in schedule["actor"]:
            self.assertEqual(actor.to_resource().id, actor.id)

    def test_a_booking_is_read_back_as_it_was_sent(self):
        slot = self.some_free_slots(1)[0]
        booked = self.book(slot)
        stored = self.client.reference("Appointment", booked.id).to_resource()
        self.assertEqual(stored.serialize(), booked.serialize())
        self.assertEqual(stored["start"], slot["start"])
        self.assertEqual(stored.get_by_path("participant.0.actor.identifier.value"), PATIENT[0])
        self.assertEqual(slot.to_reference().to_resource()["status"], "busy")
        found = self.client.resources("Appointment").search(slot=slot, status="booked").fetch_all()
        self.assertEqual([a.id for a in found], [booked.id])

    def test_a_patient_who_changes_their_mind_gets_the_other_slot_and_gives_back_the_first(self):
        first, second = self.some_free_slots(2)
        booked = self.book(first)
        booked["status"] = "cancelled"
        booked.update()
        self.assertEqual(booked["meta"]["versionId"], "2")
        self.assertEqual(first.to_reference().to_resource()["status"], "free")
        other = self.book(second)
        mine = self.client.resources("Appointment").search(identifier=NHS_NUMBER + "|" + PATIENT[0]).fetch_all()
        statuses = {a.id: a["status"] for a in mine}
        self.assertEqual(statuses.get(other.id), "booked")
        self.assertEqual(self.client.reference("Appointment", booked.id).to_resource()["status"], "cancelled")

    def test_the_second_to_book_a_slot_is_told_that_it_is_gone(self):
        slot = self.some_free_slots(1)[0]
        self.book(slot)
        issue = self.refused(lambda: appointment(self.client, slot, ("9990000255", "Gil Marsden")).create())
        self.assertEqual(issue["diagnostics"], "Slot no longer available")
        self.assertEqual((issue["severity"], issue["code"]), ("error", "processing"))

    def test_a_request_sent_twice_books_once(self):
        # fhirpy takes more headers for a whole client; one client per request gives each its X-Request-ID.
        slot = self.some_free_slots(1)[0]
        once = SyncFHIRClient(BASE_URL, extra_headers={"X-Request-ID": str(uuid.uuid4())})
        booked = appointment(once, slot).create()
        self.addCleanup(self.cancel_if_booked, booked.id)
        issue = self.refused(lambda: appointment(once, slot).create())
        self.assertEqual(issue["code"], "duplicate")
        self.assertIn(booked.id, issue["diagnostics"])

    def test_errors_arrive_as_the_exceptions_of_the_client(self):
        with self.assertRaises(ResourceNotFound) as raised:
            self.client.reference("Slot", "not-a-slot").to_resource()
        self.assertIn("not-found", str(raised.exception))
        issue = self.refused(lambda: self.client.resources("Slot").search(start="yesterdayish").fetch())
        self.assertIn("start", issue["diagnostics"])
        slot = self.some_free_slots(1)[0]
        issue = self.refused(lambda: appointment(self.client, slot, ("9990000248", "Nadia Holloway")).create())
        self.assertTrue(issue["expression"])
        self.assertEqual(slot.to_reference().to_resource()["status"], "free")

    def test_pages_are_followed_to_the_end_and_counting_agrees(self):
        slots = self.free_slots().limit(100).fetch_all()
        self.assertEqual(len({slot.id for slot in slots}), len(slots))
        # `count()` asks for `_count=0` and adds a parameter that only other servers know.
        self.assertEqual(self.free_slots().count(), len(slots))

    def test_refresh_brings_a_version_made_by_another(self):
        # fhirpy sends If-None-Match with the bare version id, which is no entity tag: a full answer is right.
        booked = self.book(self.some_free_slots(1)[0])
        booked.refresh()
        self.assertEqual(booked["meta"]["versionId"], "1")
        other = self.client.reference("Appointment", booked.id).to_resource()
        other["status"] = "cancelled"
        other.update()
        booked.refresh()
        self.assertEqual((booked["status"], booked["meta"]["versionId"]), ("cancelled", "2"))

    def test_cannot_refresh_a_resource_that_shows_no_version(self):
        # `refresh()` takes meta.versionId for granted, which FHIR leaves to the server; a read is the way round.
        service = self.client.reference("HealthcareService", SERVICE).to_resource()
        service["meta"].pop("versionId", None)
        with self.assertRaises(KeyError):
            service.refresh()
        self.assertEqual(service.to_reference().to_resource()["name"], "Urgent Treatment Centre")

    def test_cannot_cancel_by_patch_or_delete_because_the_server_serves_neither(self):
        statement = self.client.execute("metadata", method="get")
        served = {r.type: {i.code for i in r.interaction} for r in statement.rest[0].resource}["Appointment"]
        self.assertTrue(served.isdisjoint({"patch", "delete"}), "the statement is the proof: it offers neither")
        booked = self.book(self.some_free_slots(1)[0])
        self.refused(lambda: self.client.patch("Appointment", booked.id, status="cancelled"))
        self.refused(booked.delete)
        self.assertEqual(self.client.reference("Appointment", booked.id).to_resource()["status"], "booked")

    def test_cannot_send_if_match_with_one_update_but_a_client_made_for_it_can(self):
        booked = self.book(self.some_free_slots(1)[0])
        with self.assertRaises(TypeError):
            booked.save(extra_headers={"If-Match": 'W/"1"'})
        stale = SyncFHIRClient(BASE_URL, extra_headers={"If-Match": 'W/"9"'})
        mine = stale.resource("Appointment", **{k: v for k, v in booked.serialize().items() if k != "resourceType"})
        mine["status"] = "cancelled"
        issue = self.refused(mine.update)
        self.assertEqual(issue["severity"], "error")
        self.assertEqual(self.client.reference("Appointment", booked.id).to_resource()["status"], "booked")

    def test_the_asynchronous_client_books_and_cancels_too(self):
        async def flow():
            client = AsyncFHIRClient(BASE_URL)
            search = client.resources("Slot").search(service=SERVICE, status="free", start__ge=day(1))
            slots = await search.include("Slot", "schedule").limit(1).fetch()
            booked = await appointment(client, slots[0]).create()
            self.addCleanup(self.cancel_if_booked, booked.id)
            with self.assertRaises(OperationOutcome) as raised:
                await appointment(client, slots[0]).create()
            self.assertEqual(raised.exception.resource["issue"][0]["diagnostics"], "Slot no longer available")
            stored = await client.reference("Appointment", booked.id).to_resource()
            stored["status"] = "cancelled"
            await stored.update()
            self.assertEqual(stored["status"], "cancelled")

        asyncio.run(flow())


if __name__ == "__main__":
    unittest.main()
