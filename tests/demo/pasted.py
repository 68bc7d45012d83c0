"""Pastes what the demo prints, and what the README says beside it, into a shell, and judges the answers.

    python3 tests/demo/pasted.py BINARY

Two demo servers, one without tokens and one with unsigned ones, each with a database of its own; a few seconds.
Python 3.10 or newer, its standard library and curl. Exit 0 when everything is as promised, else 1.
"""

import datetime
import email.utils
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

_WAIT_S = 60
_COMMANDS = 3


class Wrong(Exception):
    """What was promised and did not happen."""


def _free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Demo:
    """`serve --demo` as a process of its own in a directory of its own."""

    def __init__(self, binary, place, auth):
        self.binary, self.place = binary, pathlib.Path(place)
        self.url = f"http://127.0.0.1:{_free_port()}"
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("SLOTKEEPER_")}
        command = [binary, "serve", "--demo", "--log", "warn", "--auth", auth, "--listen", self.url.removeprefix("http://")]
        self._err = open(self.place / "err", "w", encoding="utf-8")
        self._process = subprocess.Popen(command, cwd=place, env=self.environment, stdout=subprocess.PIPE, stderr=self._err, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.communicate()
        self._err.close()

    def commands(self):
        """The commands, once the server has printed all of them: from then on it answers."""
        found = []
        too_late = threading.Timer(_WAIT_S, self._process.kill)
        too_late.start()
        for line in self._process.stdout:
            found += [line] if line.startswith("curl ") else []
            if len(found) == _COMMANDS:
                too_late.cancel()
                return found
        too_late.cancel()
        raise Wrong(f"the demo does not print {_COMMANDS} commands: {(self.place / 'err').read_text(encoding='utf-8')}")

    def paste(self, command):
        done = subprocess.run(["bash", "-c", command], cwd=self.place, env=self.environment, stdout=subprocess.PIPE, text=True)
        try:
            return json.loads(done.stdout)
        except ValueError:
            raise Wrong(f"{command}\n  was answered {done.stdout!r}") from None

    def run(self, *command):
        """One of the program's own commands, on this server or its database."""
        done = subprocess.run(
            [self.binary, *command], cwd=self.place, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        if done.returncode != 0:
            raise Wrong(f"slotkeeper {' '.join(command)}\n  ended with {done.returncode}: {done.stdout}")
        return done.stdout

    def clock(self):
        with urllib.request.urlopen(self.url + "/health/ready", timeout=_WAIT_S) as answer:
            return email.utils.parsedate_to_datetime(answer.headers["Date"]).timestamp()


def _same(what, found, right):
    if found != right:
        raise Wrong(f"{what}: found {found!r}, right would be {right!r}")


def _pasted(demo):
    search, book, read = demo.commands()
    away = abs(demo.clock() - time.time())
    if away > 10:
        raise Wrong(f"the server's clock and this program's are {away:.0f} s apart")
    offered = re.search(r"Slot/([0-9a-f-]{36})", book)[1]
    found = demo.paste(search)
    _same("the search", (found["resourceType"], found.get("type")), ("Bundle", "searchset"))
    slots = [entry["resource"] for entry in found.get("entry", [])]
    _same("the slots of the search", {slot["status"] for slot in slots}, {"free"})
    if offered not in [slot["id"] for slot in slots]:
        starts = [slot["start"] for slot in slots]
        raise Wrong(f"the second command does not book one of the slots that the first one shows, {starts}")
    booked = demo.paste(book)
    _same("the booking", (booked["resourceType"], booked.get("status")), ("Appointment", "booked"))
    again = demo.paste(book)
    _same("the booking again", [issue.get("diagnostics") for issue in again.get("issue", [])], ["Slot no longer available"])
    coming = demo.paste(read)
    _same("who is coming", [entry["resource"]["id"] for entry in coming.get("entry", [])], [booked["id"]])
    return booked


def _beside(demo, booked):
    """The commands of the README that belong to a running demo."""
    demo.run("race", "--server", demo.url, "--clients", "8", "--slots", "10")
    demo.run("race", "--server", demo.url, "--mode", "book-cancel", "--clients", "8", "--slots", "4")
    demo.run("diary")
    demo.run("diary", "--week")
    # The day in London is the one in UTC or, after midnight in summer, the next.
    day = datetime.date.fromisoformat(booked["start"][:10])
    shown = [demo.run("diary", "--day", str(day + datetime.timedelta(days))) for days in (0, 1)]
    _same("the days on which she stands in the diary", sum("Imogen Whitlock" in each for each in shown), 1)
    demo.run("archive")
    demo.run("check")


def main():
    binary = os.path.abspath(sys.argv[1])
    for auth in ("off", "unsigned"):
        with tempfile.TemporaryDirectory() as place, Demo(binary, place, auth) as demo:
            try:
                _beside(demo, _pasted(demo))
            except Wrong as wrong:
                print(f"demo with --auth {auth}: {wrong}")
                return 1
    print("demo: its commands do what they say")
    return 0


if __name__ == "__main__":
    sys.exit(main())
