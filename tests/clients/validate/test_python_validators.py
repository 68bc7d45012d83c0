"""Every answer of both roots against two validators for Python: fhir.resources (STU3) and the models of fhirclient.

Each is blind somewhere, so both judge every JSON answer; only fhir.resources reads XML, and each XML answer
must also say the same as a JSON answer of the same kind does. `exceptions.json` lists what a validator is
wrong about, each with its reason; an exception that nothing needs any more fails too.

SLOTKEEPER_BASE_URL is the provider root, SLOTKEEPER_ANSWERS a directory for the answers.
"""

import copy
import json
import logging
import os
import pathlib
import re
import unittest

from fhir.resources.STU3 import get_fhir_model_class
from fhirclient.models import fhirelementfactory
from lxml import etree

import answers

DIRECTORY = pathlib.Path(os.environ["SLOTKEEPER_ANSWERS"])
EXCEPTIONS = json.loads(pathlib.Path(__file__).with_name("exceptions.json").read_text(encoding="utf-8"))

# fhirclient only warns about dates that it cannot read; the warnings must count as complaints.
DATES = logging.getLogger("fhirclient.models.fhirdate")


class Warnings(logging.Handler):
    def __init__(self):
        super().__init__()
        self.messages = []

    def emit(self, record):
        self.messages.append(record.getMessage())


def by_fhir_resources(text):
    """What fhir.resources says against a JSON text."""
    try:
        get_fhir_model_class(json.loads(text)["resourceType"]).model_validate_json(text)
    except ValueError as error:
        return [str(error)]
    return []


def by_fhir_resources_xml(text):
    """What fhir.resources says against an XML text."""
    try:
        xml_model(text)
    except Exception as error:  # the XML reader raises whatever its parts raise
        return [f"{type(error).__name__}: {error}"]
    return []


def xml_model(text):
    kind = etree.QName(etree.fromstring(text)).localname
    return get_fhir_model_class(kind).model_validate_xml(text)


def by_fhirclient(text):
    """What the models of fhirclient say against a JSON text: when made from it, and when written again."""
    content = json.loads(text)
    heard = Warnings()
    DATES.addHandler(heard)
    try:
        again = fhirelementfactory.FHIRElementFactory.instantiate(content["resourceType"], copy.deepcopy(content)).as_json()
    except Exception as error:  # FHIRValidationError, TypeError and KeyError are all complaints
        return [f"{type(error).__name__}: {error}"]
    finally:
        DATES.removeHandler(heard)
    return heard.messages + ([] if again == content else ["written again, it says something else"])


def excused(validator, file, message):
    for number, exception in enumerate(EXCEPTIONS):
        if exception["validator"] == validator and re.search(exception["file"], file) and re.search(exception["message"], message):
            return number
    return None


class Validators(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.index = answers.collect(os.environ["SLOTKEEPER_BASE_URL"], DIRECTORY)

    def judge(self, validator, judge, media):
        """Every answer in this format; all complaints together."""
        complaints, needed = [], set()
        for answer in self.index:
            if answer["format"] != media:
                continue
            for message in judge((DIRECTORY / answer["file"]).read_bytes()):
                number = excused(validator, answer["file"], message)
                if number is None:
                    complaints.append(f"{answer['file']}: {message}")
                else:
                    needed.add(number)
        self.assertEqual(complaints, [])
        listed = {n for n, exception in enumerate(EXCEPTIONS) if exception["validator"] == validator}
        self.assertEqual(listed - needed, set(), "these exceptions are needed no more")

    def test_fhir_resources_accepts_every_json_answer(self):
        self.judge("fhir.resources", by_fhir_resources, "json")

    def test_fhirclient_accepts_every_json_answer_and_writes_it_again_alike(self):
        self.judge("fhirclient", by_fhirclient, "json")

    def test_fhir_resources_accepts_every_xml_answer(self):
        self.judge("fhir.resources xml", by_fhir_resources_xml, "xml")

    def test_xml_and_json_say_the_same(self):
        # Only answers without a fresh id or time in them can be compared.
        compared = 0
        for answer in self.index:
            same = answer["name"].startswith(("slot", "schedule", "healthcare", "practitioner", "organization", "location"))
            if answer["format"] != "xml" or not same or excused("fhir.resources xml", answer["file"], "") is not None:
                continue
            with self.subTest(answer["file"]):
                text = (DIRECTORY / answer["file"].replace(".xml", ".json")).read_bytes()
                model = get_fhir_model_class(json.loads(text)["resourceType"]).model_validate_json(text)
                theirs = xml_model((DIRECTORY / answer["file"]).read_bytes())
                self.assertEqual(theirs.model_dump_json(), model.model_dump_json())
                compared += 1
        self.assertGreater(compared, 40)

    def test_every_kind_of_answer_was_asked_for(self):
        kinds = {(answer["root"], answer["name"], answer["format"]) for answer in self.index}
        self.assertEqual(len(kinds), len(self.index))
        self.assertGreaterEqual(len([k for k in kinds if k[1].startswith("refused-")]), 60)
        for root in ("provider", "booking"):
            for name in ("metadata", "slots-with-includes", "schedule", "appointment", "appointment-cancelled"):
                for media in ("json", "xml"):
                    self.assertIn((root, name, media), kinds)

    def test_seeded_faults_are_found(self):
        """A validator that accepts everything would prove nothing."""
        good = json.loads((DIRECTORY / "provider-slots-page.json").read_bytes())
        both = {
            "unknown element": lambda slot: slot.update(colour="blue"),
            "wrong type": lambda slot: slot.update(identifier={"value": "1"}),
            "missing element": lambda slot: slot.pop("schedule"),
            "no date": lambda slot: slot.update(start="tomorrow"),
        }
        for name, spoil in both.items():
            bad = copy.deepcopy(good)
            spoil(bad["entry"][0]["resource"])
            text = json.dumps(bad)
            self.assertTrue(by_fhir_resources(text), "fhir.resources, " + name)
            self.assertTrue(by_fhirclient(text), "fhirclient, " + name)
        slot = (DIRECTORY / "provider-slot.xml").read_text(encoding="utf-8")
        misspelt = slot.replace("schedule>", "shedule>")
        undated = re.sub(r"<start [^>]*>", '<start value="x"/>', slot)
        for bad in (misspelt, undated):
            self.assertNotEqual(bad, slot)
            self.assertTrue(by_fhir_resources_xml(bad.encode()), bad)


if __name__ == "__main__":
    unittest.main()
