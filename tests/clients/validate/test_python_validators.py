"""Every answer against the validators for Python: fhir.resources (STU3), the models of fhirclient, and the invariants
of STU3 with fhirpathpy.

Each is blind somewhere, so all judge every JSON answer; only fhir.resources reads XML, and each XML answer must also
say the same as its JSON twin does. `exceptions.json` lists what a validator is wrong about, each with its reason; an
exception that nothing needs any more fails too.

SLOTKEEPER_BASE_URL is the provider root and SLOTKEEPER_ANSWERS a directory for the answers that are asked for here.
SLOTKEEPER_TEST_ANSWERS, if it is set, is the directory in which the tests kept the answers that they saw
(the examiner of crates/testkit): they are judged as well.
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
import seeded
from invariants import by_invariants

DIRECTORY = pathlib.Path(os.environ["SLOTKEEPER_ANSWERS"])
EXCEPTIONS = json.loads(pathlib.Path(__file__).with_name("exceptions.json").read_text(encoding="utf-8"))

# Fewer answers than this, and the tests have kept nothing worth judging.
KEPT_MIN = 300

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


def kept_by_tests():
    """The answers that the tests kept, in the form of the index."""
    if not os.environ.get("SLOTKEEPER_TEST_ANSWERS"):
        return []
    files = sorted(pathlib.Path(os.environ["SLOTKEEPER_TEST_ANSWERS"]).glob("*.json"))
    kept = []
    for file in files:
        root, name = file.stem.split("-", 1)
        for media in ("json", "xml"):
            twin = file.with_suffix("." + media)
            kept.append({"file": str(twin.resolve()), "root": root, "name": name, "format": media, "kept": True})
    assert len(kept) >= KEPT_MIN, f"the tests kept only {len(kept)} answers"
    return kept


def comparable(content):
    """What two answers of one kind have in common: not the id that each refusal has of its own, nor the wish for a format."""
    if content["resourceType"] == "OperationOutcome":
        content.pop("id", None)
    for link in content.get("link", []):
        link["url"] = re.sub(r"_format=[^&]*", "_format=", link["url"])
    return content


def excused(validator, file, message):
    for number, exception in enumerate(EXCEPTIONS):
        if exception["validator"] == validator and re.search(exception["file"], file) and re.search(exception["message"], message):
            return number
    return None


class Validators(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.index = answers.collect(os.environ["SLOTKEEPER_BASE_URL"], DIRECTORY) + kept_by_tests()
        (DIRECTORY / "index.json").write_text(json.dumps(cls.index, indent=1), encoding="utf-8")

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

    def test_every_invariant_holds_in_every_json_answer(self):
        self.judge("fhirpathpy", by_invariants, "json")

    def test_fhir_resources_accepts_every_xml_answer(self):
        self.judge("fhir.resources xml", by_fhir_resources_xml, "xml")

    def test_xml_and_json_say_the_same(self):
        # Of those asked for here only answers without a fresh id or time in them can be compared.
        same = ("slot", "schedule", "healthcare", "practitioner", "organization", "location")
        compared, different = 0, []
        for answer in self.index:
            twins = answer.get("kept") or answer["name"].startswith(same)
            if answer["format"] != "xml" or not twins or excused("fhir.resources xml", answer["file"], "") is not None:
                continue
            text = (DIRECTORY / answer["file"].removesuffix(".xml")).with_suffix(".json").read_bytes()
            model = get_fhir_model_class(json.loads(text)["resourceType"]).model_validate_json(text)
            theirs = xml_model((DIRECTORY / answer["file"]).read_bytes())
            one, other = (comparable(json.loads(m.model_dump_json())) for m in (model, theirs))
            if one != other:
                different.append(answer["file"])
            compared += 1
        self.assertEqual(different, [])
        self.assertGreater(compared, 40)

    def test_every_kind_of_answer_was_asked_for(self):
        asked = [answer for answer in self.index if not answer.get("kept")]
        kinds = {(answer["root"], answer["name"], answer["format"]) for answer in asked}
        self.assertEqual(len(kinds), len(asked))
        self.assertGreaterEqual(len([k for k in kinds if k[1].startswith("refused-")]), 60)
        for root in ("provider", "booking"):
            for name in ("metadata", "slots-with-includes", "schedule", "appointment", "appointment-cancelled"):
                for media in ("json", "xml"):
                    self.assertIn((root, name, media), kinds)

    def test_seeded_faults_are_found(self):
        """A validator that accepts everything would prove nothing. What none of these finds is left to Node."""
        validators = {"fhir.resources": by_fhir_resources, "fhirclient": by_fhirclient, "fhirpathpy": by_invariants}
        sown = seeded.sow(DIRECTORY, validators)
        for validator, least in {"fhir.resources": 12, "fhirclient": 10, "fhirpathpy": 8}.items():
            caught = [fault["name"] for fault in sown if validator in fault["caught"]]
            self.assertGreaterEqual(len(caught), least, f"{validator} found only {caught}")
        for name, text in seeded.faulty_xml(DIRECTORY):
            self.assertTrue(by_fhir_resources_xml(text.encode()), "in XML: " + name)


if __name__ == "__main__":
    unittest.main()
