"""The invariants of FHIR STU3, evaluated with fhirpathpy, which knows FHIRPath and none of them.

Which invariant holds where is data, with its source: `invariants.json`. A constraint is broken when it says false;
one that says nothing, because the dates of a period are of different precision, say, is not.
"""

import functools
import json
import pathlib

from fhirpathpy import compile as compile_path

TABLE = json.loads(pathlib.Path(__file__).with_name("invariants.json").read_text(encoding="utf-8"))
SUBSETTED = "SUBSETTED"


@functools.cache
def compiled(path, invariant):
    expression = TABLE["expressions"][invariant]["fhirpath"]
    return compile_path(f"{path}.all({expression})" if path else expression)


def broken(resource, around=None, at=""):
    """Every invariant that does not hold of a resource, of what it contains, and of the entries of a Bundle."""
    kind = resource.get("resourceType")
    at = at or kind
    # What was left out because nobody wanted it cannot break a rule.
    subset = any(tag.get("code") == SUBSETTED for tag in resource.get("meta", {}).get("tag", []))
    found = []
    for path, invariants in TABLE["holds"].get(kind, {}).items() if not subset else ():
        for invariant in invariants:
            said = compiled(path, invariant)(resource, {"resource": around or resource})
            if said and said != [True]:
                found.append(f"{at}{'.' + path if path else ''}: {invariant}: {TABLE['expressions'][invariant]['says']}")
    for number, contained in enumerate(resource.get("contained", [])):
        found += broken(contained, around or resource, f"{at}.contained[{number}]")
    for number, entry in enumerate(resource.get("entry", [])):
        if "resource" in entry:
            found += broken(entry["resource"], None, f"{at}.entry[{number}].{entry['resource'].get('resourceType')}")
    return found


def by_invariants(text):
    """What the invariants say against a JSON text."""
    try:
        return broken(json.loads(text))
    except Exception as error:  # what has not even the shape of its type breaks off wherever it is met
        return [f"{type(error).__name__}: {error}"]
