"""Requests over HTTP(S) as a consumer behind the Spine proxy sends them, and answers as they come off the wire.

Every request has a connection of its own, so that no case lives off the state another has left behind.
What a reader would get wrong: nothing is judged here but gzip, without which there is no body to judge.
"""

import gzip
import http.client
import ssl
import urllib.parse
import uuid
import zlib

from tokens import APPOINTMENT_READ, APPOINTMENT_WRITE, SLOT_READ

_INTERACTION = "urn:nhs:names:services:careconnect:fhir:rest:"
_TIMEOUT_S = 60


class Answer:
    """What came back; `resource` is set once the body has been judged."""

    def __init__(self, asked, status, headers, body):
        self.asked = asked
        self.status = status
        self._headers = [(name.lower(), value) for name, value in headers]
        self.encoding = self.header("Content-Encoding")
        self.raw = body
        self.body = body
        self.resource = None
        if self.encoding == "gzip" and body:
            try:
                self.body = gzip.decompress(body)
            except (OSError, EOFError, zlib.error) as problem:
                raise AssertionError(f"Content-Encoding: gzip, but the body is none: {problem}") from None

    def header(self, name):
        values = [value for each, value in self._headers if each == name.lower()]
        if len(values) > 1:
            raise AssertionError(f"{name} is given {len(values)} times")
        return values[0] if values else None

    def header_names(self):
        return sorted(name for name, _ in self._headers)

    @property
    def text(self):
        return self.body.decode("utf-8")

    def __str__(self):
        return f"{self.asked.method} {self.asked.target}\n    answered {self.status}: {self.body[:600].decode('utf-8', 'replace')}"


class Asked:
    """A request as it was sent."""

    def __init__(self, method, target, headers):
        self.method = method
        self.target = target
        self.headers = headers


class Server:
    """Where the server listens, what it calls itself, and how to reach it."""

    def __init__(self, url, public_url, tls=None, source=None):
        parts = urllib.parse.urlsplit(url)
        self.secure = parts.scheme == "https"
        self.host = parts.hostname
        self.port = parts.port or (443 if self.secure else 80)
        self.public_url = public_url.rstrip("/")
        self.tls = tls
        self.source = source

    def connection(self, tls=None, source=None):
        if self.secure:
            return http.client.HTTPSConnection(self.host, self.port, timeout=_TIMEOUT_S, context=tls or self.tls)
        source = source or self.source
        return http.client.HTTPConnection(self.host, self.port, timeout=_TIMEOUT_S, source_address=(source, 0) if source else None)

    def send(self, method, target, headers, body=None, chunked=False, **how):
        connection = self.connection(**how)
        try:
            if chunked:
                body = iter([body[:1], body[1:700], body[700:]])
            connection.request(method, target, body=body, headers=headers, encode_chunked=chunked)
            response = connection.getresponse()
            return Answer(Asked(method, target, headers), response.status, response.getheaders(), response.read())
        finally:
            connection.close()


def client_tls(ca, certificate=None, key=None):
    """Trusts one authority and, where there is a certificate, shows it."""
    context = ssl.create_default_context(cafile=ca)
    if certificate:
        context.load_cert_chain(certificate, key)
    return context


def query(pairs):
    """A query as the official harness encodes it: everything but the plainest characters."""
    return "&".join(f"{urllib.parse.quote(name, safe='_')}={urllib.parse.quote(value, safe='')}" for name, value in pairs)


class Client:
    """A consumer's system: fills in all that a good request has, unless a case says otherwise."""

    def __init__(self, server, root, consumer, format):
        self.server = server
        self.root = root
        self.consumer = consumer
        self.format = format

    def of(self, consumer):
        return Client(self.server, self.root, consumer, self.format)

    def url(self, path):
        """What the server itself calls a path of this root."""
        return f"{self.server.public_url}{self.root}/{path}"

    def target(self, url):
        """The way to an absolute URL that the server wrote."""
        if not url.startswith(self.server.public_url + "/"):
            raise AssertionError(f"{url} does not begin with {self.server.public_url}")
        return url.removeprefix(self.server.public_url)

    def send(self, method, path, headers=None, body=None, chunked=False, scope=None, **how):
        """`headers` go on top of the usual ones; one that is None is left out."""
        target = path if path.startswith("/") else f"{self.root}/{path}"
        kind = target.removeprefix(self.root + "/").split("?")[0].split("/")[0]
        usual = {
            "Accept": f"application/fhir+{self.format}",
            "Accept-Encoding": "identity",
            "X-Request-ID": str(uuid.uuid4()),
            "Ssp-TraceID": str(uuid.uuid4()),
            "Ssp-From": "200000012345",
            "Ssp-To": "200000067890",
            "Ssp-InteractionID": _INTERACTION + self._interaction(method, kind),
        }
        if "Authorization" not in (headers or {}):
            usual["Authorization"] = self.consumer.bearer(scope or self._scope(method, kind))
        if body is not None:
            usual["Content-Type"] = f"application/fhir+{self.format};charset=UTF-8"
        sent = {name: value for name, value in (usual | (headers or {})).items() if value is not None}
        return self.server.send(method, target, sent, body, chunked, **how)

    @staticmethod
    def _interaction(method, kind):
        if kind == "Slot":
            return "search:slot"
        if kind == "Appointment":
            return {"POST": "create:appointment", "PUT": "update:appointment"}.get(method, "read:appointment")
        return "read:metadata"

    @staticmethod
    def _scope(method, kind):
        if kind == "Appointment":
            return APPOINTMENT_WRITE if method in ("POST", "PUT", "DELETE", "PATCH") else APPOINTMENT_READ
        return SLOT_READ
