"""Plays the assurance flow of the NHS Booking API against a running server, and prints what became of it.

    assurance.py play --url URL --format json|xml --results FILE …    one run; `scripts/assurance.sh` does four
    assurance.py report NAME=FILE …                                   the table of several runs

Python 3.10 or newer, its standard library and, for signed tokens, openssl. Exit 0 when nothing failed, else 1.
"""

import argparse
import contextlib
import json
import pathlib
import subprocess
import sys
import time
import traceback

import cases_booking
import cases_cancelling
import cases_capability
import cases_slots
import cases_tokens
import tokens
from judge import fail
from wire import Client, Server, client_tls
from world import CASES, World, case

_ORDER = (cases_capability, cases_slots, cases_tokens, cases_booking, cases_cancelling)
_NOT_PLAYED = "-"


@case("Database_Invariants", needs="database")
def database_invariants(world):
    """Last of all: that after everything above the database is as it must be, by the server's own `check`."""
    settings = world.settings
    command = [settings.binary, "check", "--database-url", settings.database]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        fail(f"`slotkeeper check` says: {done.stdout.strip()}")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    report = commands.add_parser("report")
    report.add_argument("runs", nargs="+", metavar="NAME=FILE")
    keys = commands.add_parser("jwks", help="prints the key set of an RSA key")
    keys.add_argument("key")
    keys.add_argument("kid")
    play = commands.add_parser("play")
    play.add_argument("--url", required=True, help="where to connect: http(s)://HOST:PORT")
    play.add_argument("--public-url", help="what the server calls itself; default: --url")
    play.add_argument("--root", default="/STU3/1/booking")
    play.add_argument("--audience", help="claim `aud`; default: the root under --public-url")
    play.add_argument("--provider-root", default="/STU3/1/provider")
    play.add_argument("--format", choices=["json", "xml"], required=True)
    play.add_argument("--results", required=True)
    play.add_argument("--service", default="2000099901", help="a service with a hundred free slots in the next four days, and some that are kept back")
    play.add_argument("--empty-service", default="2000099904", help="a service that is known and has no slots")
    play.add_argument("--issuer", default="https://consumer.example-iuc.thirdparty.nhs.uk/")
    play.add_argument("--organisation", default="X9T20")
    play.add_argument("--other-organisation", default="X9T21", help="one that must not see what the first has booked")
    play.add_argument("--key", help="PEM file: signs the tokens; without it they are unsigned")
    play.add_argument("--kid")
    play.add_argument("--token-command", help="prints a token for $SCOPE, $AUDIENCE and $ORGANISATION, instead of those made here")
    play.add_argument("--other-key", required=True, help="PEM file with a key that the server does not know")
    play.add_argument("--public-key", default="secret", help="the public half of the server's key, as text")
    play.add_argument("--ca", help="PEM file with the authority of the server's certificate")
    play.add_argument("--cert", help="PEM file with the client's certificate")
    play.add_argument("--cert-key")
    play.add_argument("--wrong-client", action="append", default=[], metavar="NAME=CERT,KEY", help="one that must not be let in")
    play.add_argument("--source", help="the address to call from, which is that of the trusted proxy")
    play.add_argument("--outside", help="an address from which the server must take nothing")
    play.add_argument("--guarded", action="store_true", help="judges who may connect at all")
    play.add_argument("--database", help="URL of the server's database, to look into it at the end")
    play.add_argument("--binary", help="the slotkeeper that looks")
    return parser.parse_args()


def world_of(settings):
    tls = client_tls(settings.ca, settings.cert, settings.cert_key) if settings.url.startswith("https:") else None
    server = Server(settings.url, settings.public_url or settings.url, tls, settings.source)
    settings.wrong_tls = {"no certificate": client_tls(settings.ca)} if tls else {}
    for wrong in settings.wrong_client:
        name, _, files = wrong.partition("=")
        settings.wrong_tls[name] = client_tls(settings.ca, *files.split(","))
    signer = tokens.Signer(settings.key, settings.kid)

    def client(root, organisation, audience=None):
        consumer = tokens.Consumer(signer, audience or server.public_url + root, settings.issuer, organisation, settings.token_command)
        return Client(server, root, consumer, settings.format)

    return World(
        client(settings.root, settings.organisation, settings.audience),
        client(settings.root, settings.other_organisation, settings.audience),
        client(settings.provider_root, settings.organisation, settings.audience),
        signer,
        settings,
    )


def _in_order():
    """By file, and in a file from top to bottom; what is written here comes last."""
    files = [module.__name__ for module in _ORDER] + [__name__]
    return sorted(CASES, key=lambda each: files.index(each[2].__module__))


def play(settings):
    world = world_of(settings)
    try:
        with contextlib.closing(world.client.server.connection()) as connection:
            connection.connect()
    except OSError as problem:
        sys.exit(f"no server can be reached at {settings.url}: {problem}")
    results = []
    for name, needs, function in _in_order():
        world.answers.clear()
        if not world.has(needs):
            results.append([name, _NOT_PLAYED, ""])
            continue
        begin = time.monotonic()
        try:
            function(world)
            results.append([name, "ok", ""])
        except AssertionError as problem:
            asked = f"\n  {world.answers[-1]}" if world.answers else ""
            results.append([name, "failed", f"{problem}{asked}"])
        except Exception:
            # The server has gone, or this program is wrong: a failure either way.
            results.append([name, "failed", traceback.format_exc(limit=-4)])
        results[-1].append(time.monotonic() - begin)
    pathlib.Path(settings.results).write_text(json.dumps(results))
    return any(result[1] == "failed" for result in results)


def report(settings):
    runs = {}
    for run in settings.runs:
        name, _, file = run.partition("=")
        runs[name] = {result[0]: result[1:] for result in json.loads(pathlib.Path(file).read_text())}
    names = list(dict.fromkeys(name for results in runs.values() for name in results))
    width = max(len(name) for name in names)
    columns = [max(len(run), 6) for run in runs]
    print(" ".join([" " * width, *(run.ljust(column) for run, column in zip(runs, columns))]).rstrip())
    for name in names:
        states = [results.get(name, [_NOT_PLAYED])[0] for results in runs.values()]
        print(" ".join([name.ljust(width), *(state.ljust(column) for state, column in zip(states, columns))]).rstrip())
    failed = [(run, name, result[1]) for run, results in runs.items() for name, result in results.items() if result[0] == "failed"]
    for run, name, text in failed:
        print(f"\nfailed: {name} ({run})\n  {text}")
    counts = sorted({sum(result[0] != _NOT_PLAYED for result in results.values()) for results in runs.values()})
    number = f"{counts[0]} cases each" if len(counts) == 1 else f"{counts[0]} to {counts[-1]} cases each"
    print(f"\nassurance: {len(runs)} runs, {number}, {len(failed)} failed")
    return bool(failed)


def main():
    settings = arguments()
    if settings.command == "jwks":
        print(json.dumps(tokens.jwks(settings.key, settings.kid)))
        return False
    return play(settings) if settings.command == "play" else report(settings)


if __name__ == "__main__":
    sys.exit(main())
