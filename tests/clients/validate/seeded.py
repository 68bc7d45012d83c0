"""Good answers with one thing broken each. Whoever finds nothing wrong with one of them is blind there.

The validators are blind in different places, so each fault must be found by one or another of them: those for
Python are asked here, those for Node read what this leaves behind (`seeded/index.json`).
"""

import copy
import json
import re

APPOINTMENT, SLOT, BUNDLE = "booking-appointment", "provider-slot", "booking-slots-with-includes"
STATEMENT, OUTCOME = "provider-metadata", "provider-refused-value"
GONE = object()

# Name, answer, where, and what stands there instead.
FAULTS = [
    ("an element nobody knows", SLOT, "colour", "blue"),
    ("one where several belong", SLOT, "identifier", {"value": "1"}),
    ("an array where one belongs", SLOT, "status", ["free"]),
    ("a mandatory element missing", SLOT, "schedule", GONE),
    ("a start that is no date", SLOT, "start", "tomorrow"),
    ("a day that does not exist", SLOT, "start", "2026-02-30T09:30:00.000+00:00"),
    ("a status nobody knows", SLOT, "status", "vacant"),
    ("a boolean that is a text", SLOT, "overbooked", "yes"),
    ("no status at all", APPOINTMENT, "status", GONE),
    ("no participant", APPOINTMENT, "participant", GONE),
    ("a participant's status nobody knows", APPOINTMENT, "participant.0.status", "perhaps"),
    ("a participant who is nobody", APPOINTMENT, "participant.0.actor", GONE),
    ("a reference that leads nowhere", APPOINTMENT, "participant.0.actor.reference", "#nobody"),
    ("a start without an end", APPOINTMENT, "end", GONE),
    ("a contained resource with a version", APPOINTMENT, "contained.1.meta.versionId", "1"),
    ("a contained resource with a narrative", APPOINTMENT, "contained.1.text",
     {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'}),
    ("a gender nobody knows", APPOINTMENT, "contained.1.gender", "f"),
    ("a number without a system", APPOINTMENT, "contained.1.telecom.0.system", GONE),
    ("a period that ends before it starts", APPOINTMENT, "contained.1.telecom.0.period", {"start": "2026-02-12", "end": "2026-02-11"}),
    ("a rank of nothing", APPOINTMENT, "contained.1.telecom.0.rank", "first"),
    ("a Bundle of no type", BUNDLE, "type", "found"),
    ("a total that is a text", BUNDLE, "total", "many"),
    ("a link without a URL", BUNDLE, "link.0.url", GONE),
    ("an entry twice", BUNDLE, "entry.1", ("entry.0",)),
    ("an entry with nothing in it", BUNDLE, "entry.0", {"search": {"mode": "match"}}),
    ("an entry's status nobody knows", BUNDLE, "entry.0.resource.status", "vacant"),
    ("an issue of no kind", OUTCOME, "issue.0.code", "wrong"),
    ("a refusal without issues", OUTCOME, "issue", GONE),
    ("a statement of no kind", STATEMENT, "kind", "server"),
    ("a statement that names a type twice", STATEMENT, "rest.0.resource.1.type", ("rest.0.resource.0.type",)),
]

# Name, answer, pattern and what stands there instead, in XML.
XML_FAULTS = [
    ("a misspelt element", SLOT, "schedule>", "shedule>"),
    ("a start that is no date", SLOT, "<start [^>]*>", '<start value="x"/>'),
    ("a value outside its attribute", SLOT, '<status value="([a-z]*)"/>', r"<status>\1</status>"),
    ("an element that is not closed", SLOT, "</Slot>", ""),
]


def at(content, path):
    for step in path.split("."):
        content = content[int(step) if isinstance(content, list) else step]
    return content


def spoilt(good, path, value):
    """A copy of `good` with something else at `path`; a tuple names the place it is copied from."""
    bad = copy.deepcopy(good)
    parent, _, name = path.rpartition(".")
    place = at(bad, parent) if parent else bad
    name = int(name) if isinstance(place, list) else name
    if value is GONE:
        del place[name]
    else:
        place[name] = copy.deepcopy(at(good, value[0])) if isinstance(value, tuple) else value
    return bad


def sow(directory, validators):
    """Writes every faulty answer, and gives back what each validator for Python says of it: `[{name, file, caught}]`."""
    place = directory / "seeded"
    place.mkdir(exist_ok=True)
    index = []
    for number, (name, answer, path, value) in enumerate(FAULTS):
        good = json.loads((directory / f"{answer}.json").read_bytes())
        text = json.dumps(spoilt(good, path, value))
        assert text != json.dumps(good), name
        file = f"seeded/{number:02}.json"
        (directory / file).write_text(text, encoding="utf-8")
        index.append({"name": name, "file": file, "caught": [v for v, judge in validators.items() if judge(text)]})
    (place / "index.json").write_text(json.dumps(index, indent=1), encoding="utf-8")
    return index


def faulty_xml(directory):
    """Every faulty answer in XML: name and text."""
    for name, answer, pattern, instead in XML_FAULTS:
        good = (directory / f"{answer}.xml").read_text(encoding="utf-8")
        bad = re.sub(pattern, instead, good)
        assert bad != good, name
        yield name, bad
