"""What a case has at hand: the consumers, the format of the run, free slots, and one way to ask.

Cases run in the order in which they are written down. Each must pass by itself: it books what it needs, and
takes its slots from a pool that gives none of them twice.
"""

import datetime

import judge
from bodies import Slot, booking
from resource import READERS, WRITERS, write_json
from wire import query

CASES = []
# A run is over long before.
_RUN = datetime.timedelta(minutes=15)
INCLUDES = (
    "Slot:schedule",
    "Schedule:actor:Practitioner",
    "Schedule:actor:PractitionerRole",
    "Schedule:actor:HealthcareService",
    "HealthcareService.location",
    "HealthcareService.providedBy",
)


def case(name, needs=None):
    """`needs` is the property of a World without which the case has no meaning."""

    def keep(function):
        assert name not in [each for each, _, _ in CASES], name
        CASES.append((name, needs, function))
        return function

    return keep


def _last_sunday(year, month):
    day = datetime.date(year, month, 31)
    return day - datetime.timedelta((day.weekday() + 1) % 7)


def _london_day(instant):
    return (instant + datetime.timedelta(hours=_summer(instant))).date()


def _london_midnight(day):
    """The start of a day in London, as the harness writes it: with `Z` or `+01:00`."""
    midnight = datetime.datetime(day.year, day.month, day.day, tzinfo=datetime.timezone.utc)
    return f"{day}T00:00:00{'+01:00' if _summer(midnight - datetime.timedelta(hours=1)) else 'Z'}"


def _summer(instant):
    """Clocks change at 01:00 UTC on the last Sundays of March and October."""
    begin, end = (
        datetime.datetime.combine(_last_sunday(instant.year, month), datetime.time(1), datetime.timezone.utc) for month in (3, 10)
    )
    return begin <= instant < end


def utc(text):
    """An instant as the server writes it, so that texts can be compared."""
    instant = datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(datetime.timezone.utc)
    return instant.isoformat(timespec="milliseconds")


class World:
    def __init__(self, client, stranger, provider, signer, settings):
        self.client = client
        self.stranger = stranger
        self.provider = provider
        self.signer = signer
        self.settings = settings
        self.format = client.format
        self.other_format = {"json": "xml", "xml": "json"}[client.format]
        self.answers = []
        self._pool = None
        # Fixed once, and not to end under a run that begins before midnight: all cases search the same days, and
        # no slot in them begins meanwhile.
        self._today = _london_day(datetime.datetime.now(datetime.timezone.utc) + _RUN)

    def has(self, property):
        return property is None or bool(getattr(self, property))

    @property
    def secure(self):
        return self.client.server.secure

    @property
    def signed(self):
        return self.signer.key is not None

    @property
    def forges(self):
        """Whether tokens are made here, so that they can be made wrong."""
        return self.settings.token_command is None

    @property
    def guarded(self):
        """Whether it is known what the server refuses on the way to it."""
        return bool(self.settings.guarded)

    @property
    def database(self):
        return self.settings.database

    # ------------------------------------------------------------ asking

    def ask(self, method, path, status=200, format=None, has_body=True, client=None, **how):
        """Sends, and judges what all answers have in common. `format` is that of the answer, if not the run's."""
        answer = (client or self.client).send(method, path, **how)
        self.answers.append(answer)
        return judge.general(answer, status, format or self.format, has_body)

    def search(self, pairs, status=200, **how):
        return self.ask("GET", "Slot?" + query(pairs), status, **how)

    def post(self, body, status=201, **how):
        """Books; `body` is what JSON makes of an Appointment, or bytes as they are."""
        return self.ask("POST", "Appointment", status, body=self.write(body), **how)

    def put(self, id, body, status=200, etag=None, **how):
        headers = ({"If-Match": etag} if etag else {}) | how.pop("headers", {})
        return self.ask("PUT", f"Appointment/{id}", status, body=self.write(body), headers=headers, **how)

    def write(self, body):
        return body if isinstance(body, bytes) else WRITERS[self.format](body)

    @staticmethod
    def tree(body):
        """What the strict reader makes of a body that is sent."""
        return READERS["json"](write_json(body).decode())

    # ------------------------------------------------------------ slots

    def midnight(self, days):
        """The start of a day from now on in London."""
        return _london_midnight(self._today + datetime.timedelta(days))

    def window(self, days=4):
        return self.midnight(1), self.midnight(1 + days)

    def valid(self, days=4, status="free", includes=INCLUDES, service=None):
        """The search of the harness; `status` or `service` left out where None or empty."""
        since, until = self.window(days)
        pairs = [("schedule.actor:healthcareservice", service or self.settings.service)]
        pairs += [("start", "ge" + since), ("start", "le" + until)]
        pairs += [("status", status)] if status else []
        return pairs + [("_include", include) for include in includes]

    def take(self, apart_from=None):
        """A free slot that no other case has had; one that begins and ends at other times than `apart_from`."""
        if self._pool is None:
            bundle = self.search(self.valid(includes=())).resource
            # From the end, so that the first slots stay for the cases that search.
            self._pool = [Slot(node) for node in bundle.resources("Slot")]
        for index in reversed(range(len(self._pool))):
            slot = self._pool[index]
            if apart_from is None or (slot.start != apart_from.start and slot.end != apart_from.end):
                return self._pool.pop(index)
        judge.fail("no free slot is left to book")

    def status_of(self, slot):
        return self.ask("GET", f"Slot/{slot.id}").resource.first("status")

    # ------------------------------------------------------------ appointments

    def booked(self, slot=None, number=None, **how):
        """Books a slot, which succeeds; what was sent and what came back."""
        sent = booking(slot or self.take(), number)
        return sent, self.post(sent, **how)

    def judge_created(self, answer, sent):
        """All that is asked of a 201 (docs/specification/uec.md#a7-book). Returns the appointment's id."""
        resource = answer.resource
        judge.appointment(resource, "booked")
        id, version = judge.location(answer, self.client)
        judge.same("the id in Location", id, resource.first("id"))
        judge.same("the version in Location", version, resource.first("meta/versionId"))
        judge.etag(answer, version)
        judge.last_modified(answer)
        judge.recent("created", datetime.datetime.fromisoformat(resource.first("created").replace("Z", "+00:00")))
        judge.kept_as_sent(resource, self.tree(sent))
        return id
