"""Resources as a tree that is the same for JSON and XML: strict readers and plain writers of both formats.

The readers forgive nothing: an element that is unknown, empty, of the wrong kind, out of order (XML) or a list
where it must not be one (JSON) is a fault. What a reader would get wrong: the writers are the consumer's, so
they write whatever a case asks for, right or wrong.
"""

import json
import xml.etree.ElementTree as ElementTree

from shapes import RESOURCES, SHAPES, fits

FHIR = "http://hl7.org/fhir"


class Unreadable(Exception):
    """What the strict reader objects to, and where."""


class Node:
    """An element or a resource: its name among its siblings, its kind, and either a value or children."""

    def __init__(self, name, kind, value=None):
        self.name = name
        self.kind = kind
        self.value = value
        self.children = []

    def all(self, path):
        """Every element at a path such as `identifier/value`."""
        found = [self]
        for name in path.split("/"):
            found = [child for node in found for child in node.children if child.name == name]
        return found

    def values(self, path):
        return [node.value for node in self.all(path)]

    def first(self, path):
        """The value of the first element at a path, or None."""
        return next(iter(self.values(path)), None)

    def node(self, path):
        return next(iter(self.all(path)), None)

    def resources(self, kind):
        """The resources of one kind in a Bundle."""
        return [node for node in self.all("entry/resource") if node.kind == kind]

    def contained(self, kind):
        return [node for node in self.all("contained") if node.kind == kind]

    def plain(self, without=()):
        """A value that is equal for two equal trees, whichever format they came in."""
        parts = {}
        for child in self.children:
            if child.name not in without:
                parts.setdefault(child.name, []).append(child.plain())
        return (self.kind, self.value, tuple(sorted((name, tuple(values)) for name, values in parts.items())))


def _part(kind, name, where):
    part = SHAPES[kind].get(name)
    if part is None:
        raise Unreadable(f"{where}: {kind} has no element {name}")
    return part


def _primitive(part, value, where):
    if not fits(part.kind, value):
        raise Unreadable(f"{where}.{part.name}: `{value}` is no {part.kind}")
    return Node(part.name, part.kind, value)


# ---------------------------------------------------------------- JSON


def _no_doubles(pairs):
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise Unreadable(f"a member is given twice among {', '.join(names)}")
    return dict(pairs)


def read_json(text):
    try:
        whole = json.loads(text, object_pairs_hook=_no_doubles)
    except ValueError as problem:
        raise Unreadable(f"no JSON: {problem}") from None
    return _json_resource("", whole, "")


def _json_resource(name, value, where):
    kind = value.get("resourceType") if isinstance(value, dict) else None
    if kind not in RESOURCES:
        raise Unreadable(f"{where or 'the body'}: no resource that is known here: {str(value)[:80]}")
    rest = {key: part for key, part in value.items() if key != "resourceType"}
    return _json_complex(name, kind, rest, f"{where}.{kind}".lstrip("."))


def _json_complex(name, kind, value, where):
    if not isinstance(value, dict) or not value:
        raise Unreadable(f"{where}: an object with something in it is expected, not {str(value)[:80]}")
    node = Node(name, kind)
    for key, content in value.items():
        if key == "url" and kind == "Extension":
            node.children.append(Node("url", "uri", content))
            continue
        part = _part(kind, key, where)
        if part.repeats != isinstance(content, list):
            raise Unreadable(f"{where}.{key}: {'a list is' if part.repeats else 'no list is'} expected")
        if content == []:
            raise Unreadable(f"{where}.{key}: an empty list")
        for one in content if part.repeats else [content]:
            node.children.append(_json_element(part, one, where))
    return node


def _json_element(part, value, where):
    if part.kind == "Resource":
        return _json_resource(part.name, value, f"{where}.{part.name}")
    if not part.primitive:
        return _json_complex(part.name, part.kind, value, f"{where}.{part.name}")
    if part.kind == "boolean":
        expected = isinstance(value, bool)
    elif part.kind in ("unsignedInt", "positiveInt"):
        expected = isinstance(value, int) and not isinstance(value, bool)
    else:
        expected = isinstance(value, str)
    if not expected:
        raise Unreadable(f"{where}.{part.name}: {value!r} is no {part.kind} in JSON")
    return _primitive(part, value if isinstance(value, str) else json.dumps(value), where)


# ---------------------------------------------------------------- XML


def read_xml(text):
    if "<!DOCTYPE" in text:
        raise Unreadable("a DOCTYPE has no place in FHIR")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as problem:
        raise Unreadable(f"no XML: {problem}") from None
    return _xml_resource("", root, "")


def _xml_name(element, where):
    namespace, _, name = element.tag.rpartition("}")
    if namespace != "{" + FHIR:
        raise Unreadable(f"{where}: {element.tag} is not in the namespace {FHIR}")
    return name


def _xml_resource(name, element, where):
    kind = _xml_name(element, where)
    if kind not in RESOURCES:
        raise Unreadable(f"{where or 'the body'}: {kind} is no resource that is known here")
    return _xml_complex(name, kind, element, f"{where}.{kind}".lstrip("."))


def _xml_complex(name, kind, element, where):
    if (element.text or "").strip() or any((child.tail or "").strip() for child in element):
        raise Unreadable(f"{where}: text between the elements")
    attributes = {"url"} if kind == "Extension" else set()
    if set(element.attrib) != attributes:
        raise Unreadable(f"{where}: the attributes are {sorted(element.attrib)}, expected {sorted(attributes)}")
    if not len(element):
        raise Unreadable(f"{where}: an empty element")
    node = Node(name, kind)
    node.children.extend(Node("url", "uri", element.get(each)) for each in attributes)
    last = None
    for child in element:
        part = _part(kind, _xml_name(child, where), where)
        if last is not None and (part.position < last.position or (part is last and not part.repeats)):
            raise Unreadable(f"{where}: {part.name} after {last.name}")
        node.children.append(_xml_element(part, child, where))
        last = part
    return node


def _xml_element(part, element, where):
    where_part = f"{where}.{part.name}"
    if part.kind == "Resource":
        if len(element) != 1 or element.attrib:
            raise Unreadable(f"{where_part}: exactly one resource is expected")
        return _xml_resource(part.name, element[0], where_part)
    if not part.primitive:
        return _xml_complex(part.name, part.kind, element, where_part)
    if set(element.attrib) != {"value"} or len(element) or (element.text or "").strip():
        raise Unreadable(f"{where_part}: exactly the attribute `value` is expected")
    return _primitive(part, element.get("value"), where)


# ---------------------------------------------------------------- writing, from what JSON makes of a resource


def write_json(resource):
    return json.dumps(resource, ensure_ascii=False).encode()


def write_xml(resource):
    root = _write_resource(resource)
    root.set("xmlns", FHIR)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="utf-8", xml_declaration=False)


def _write_resource(resource):
    element = ElementTree.Element(resource["resourceType"])
    _write_parts(element, resource["resourceType"], {name: part for name, part in resource.items() if name != "resourceType"})
    return element


def _write_parts(element, kind, value):
    """In the official order, whatever the order of the dictionary."""
    shape = SHAPES[kind]
    if kind == "Extension":
        element.set("url", value["url"])
        value = {name: part for name, part in value.items() if name != "url"}
    for name in sorted(value, key=lambda name: shape[name].position):
        part = shape[name]
        for one in value[name] if isinstance(value[name], list) else [value[name]]:
            child = ElementTree.SubElement(element, name)
            if part.kind == "Resource":
                child.append(_write_resource(one))
            elif part.primitive:
                child.set("value", one if isinstance(one, str) else json.dumps(one))
            else:
                _write_parts(child, part.kind, one)


READERS = {"json": read_json, "xml": read_xml}
WRITERS = {"json": write_json, "xml": write_xml}
