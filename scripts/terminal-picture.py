#!/usr/bin/env python3
"""Draws the picture of the README: a terminal in which the commands below are run, with what they really print.

    scripts/terminal-picture.py BINARY FILE.svg

Fails, and draws nothing, if a command does not print what the README says it does. Needs curl, and nothing of Python's but
its standard library.
"""

import html
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
import urllib.error
import urllib.request

COLUMNS = 110
# What is typed, and what must be in the answer. PORT is filled in.
SESSION = [
    ("slotkeeper serve --demo --listen 127.0.0.1:PORT > demo.txt 2> serve.log &", []),
    ("grep -o '{.*}' demo.txt | tee booking.json       # the body of the booking that the demo proposes", ['"resourceType": "Appointment"']),
    (
        "book() { curl -si http://127.0.0.1:PORT/STU3/1/provider/Appointment -H 'Content-Type: application/fhir+json' "
        "-d @booking.json | grep -oE '^(HTTP|location).*|\"diagnostics\":\"[^\"]*\"'; }",
        [],
    ),
    ("book", ["HTTP/1.1 201 Created", "location: "]),
    ("book", ["HTTP/1.1 422 ", "Slot no longer available"]),
    ("slotkeeper race --server http://127.0.0.1:PORT", ["each of 50 slots has exactly one winner", "\nverdict: clean"]),
    ("slotkeeper check | tail -1", ["clean: "]),
]
# The address a server listens on unless told otherwise; where it is free, the flags that name it are left out.
PORT_DEFAULT = 8080

SIZE = 13  # of a letter, in pixels
ADVANCE = SIZE * 0.6
LEADING = 18
MARGIN = 18
BAR = 30  # height of the window's title

STYLE = f"""
    text {{ font: {SIZE}px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace; }}
    .typed {{ fill: #ffffff; font-weight: bold; }}
    .prompt, .good {{ fill: #7ee787; }}
    .bad {{ fill: #ffa657; }}
    .plain {{ fill: #c9d1d9; }}
    .title {{ fill: #8b949e; }}
"""


def port_for_the_server():
    for port in (PORT_DEFAULT, 0):
        with socket.socket() as probe:
            try:
                # As the server asks for it: a port whose last connections are still dying is free.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
                return probe.getsockname()[1]
            except OSError:
                continue
    sys.exit("no free port on 127.0.0.1")


def typed(line, port):
    if port == PORT_DEFAULT:
        line = re.sub(r" --(listen|server) \S*PORT", "", line)
    return line.replace("PORT", str(port))


class Shell:
    """A bash that keeps its functions and jobs from one line to the next."""

    END = "\x01end of the answer\x01"

    def __init__(self, binary, directory):
        env = {name: value for name, value in os.environ.items() if not name.startswith("SLOTKEEPER_")}
        env["PATH"] = f"{binary.parent}:{env['PATH']}"
        self.bash = subprocess.Popen(
            ["bash"], cwd=directory, env=env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    def run(self, line):
        self.bash.stdin.write(f"{line}\necho '{self.END}'\n")
        self.bash.stdin.flush()
        answer = ""
        while not answer.endswith(self.END + "\n"):
            piece = self.bash.stdout.readline()
            if not piece:
                sys.exit(f"the shell ended at: {line}")
            answer += piece
        return answer[: -len(self.END) - 1].replace("\r", "")

    def close(self):
        self.bash.stdin.write("kill $(jobs -p); wait\n")
        self.bash.stdin.close()
        self.bash.wait(60)


def wait_until_ready(port, demo):
    """Until the server answers and has printed its three commands."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=5)
            if "# 3." in demo.read_text():
                return
        except (urllib.error.URLError, OSError):
            pass
        time.sleep(0.1)
    sys.exit("the server was not ready within a minute")


def hold_session(binary):
    """The session as pairs of what was typed and what came."""
    port = port_for_the_server()
    with tempfile.TemporaryDirectory() as directory:
        shell = Shell(binary, directory)
        try:
            held = []
            for line, expected in SESSION:
                line = typed(line, port)
                answer = shell.run(line)
                missing = [text for text in expected if text not in answer]
                if missing:
                    sys.exit(f"`{line}` did not print {missing}, but:\n{answer}")
                held.append((line, answer))
                if len(held) == 1:
                    wait_until_ready(port, pathlib.Path(directory, "demo.txt"))
            return held
        finally:
            shell.close()


def kind(line):
    if line.startswith(("ok ", "verdict: clean", "clean: ", "HTTP/1.1 201")):
        return "good"
    if line.startswith(("HTTP/1.1 4", '"diagnostics"')):
        return "bad"
    return "plain"


def wrapped(line):
    """As a terminal breaks it: at its last column."""
    return [line[at : at + COLUMNS] for at in range(0, len(line), COLUMNS)] or [""]


def rows(held):
    """Every row of the screen as (column, class, text) pieces."""
    for line, answer in held:
        first, *more = wrapped("$ " + line)
        yield [(0, "prompt", "$"), (2, "typed", first[2:])]
        for rest in more:
            yield [(0, "typed", rest)]
        for given in answer.splitlines():
            for row in wrapped(given):
                yield [(0, kind(given), row)]


def drawn(held):
    screen = list(rows(held))
    width = round(COLUMNS * ADVANCE + 2 * MARGIN)
    height = BAR + len(screen) * LEADING + 2 * MARGIN
    lines = []
    for number, row in enumerate(screen):
        y = BAR + MARGIN + number * LEADING + SIZE
        for column, name, text in row:
            if text.strip():
                # The length is given so that columns stand in line whatever the font.
                x, length = MARGIN + column * ADVANCE, len(text) * ADVANCE
                lines.append(
                    f'  <text class="{name}" x="{x:.1f}" y="{y}" textLength="{length:.1f}" xml:space="preserve">{html.escape(text, quote=False)}</text>'
                )
    dots = "".join(f'<circle cx="{MARGIN + 16 * n}" cy="{BAR / 2:.0f}" r="5" fill="#484f58"/>' for n in range(3))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">\n'
        "  <title>A terminal: the demo, a booking, the same booking refused, a race that ends clean</title>\n"
        f"  <style>{textwrap.dedent(STYLE)}  </style>\n"
        f'  <rect width="{width}" height="{height}" rx="8" fill="#0d1117"/>\n'
        f"  {dots}\n"
        f'  <text class="title" x="{width / 2:.0f}" y="{BAR / 2 + 4:.0f}" text-anchor="middle">bash</text>\n'
        + "\n".join(lines)
        + "\n</svg>\n"
    )


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.strip())
    binary, out = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
    if binary.name != "slotkeeper" or not os.access(binary, os.X_OK):
        sys.exit(f"{binary} is not the program slotkeeper")
    if shutil.which("curl") is None:
        sys.exit("curl is missing")
    out.write_text(drawn(hold_session(binary)), encoding="utf-8")


main()
