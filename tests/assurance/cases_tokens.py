"""Who is let in: tokens of every wrong kind, and the way to the server itself (docs/specification/uec.md#d-security)."""

import base64
import hashlib
import hmac
import http.client
import json
import ssl
import time

from judge import fail, refused, same
from tokens import APPOINTMENT_WRITE, SLOT_READ, Signer
from world import case


def _refuse(world, bearer):
    refused(world.search(world.valid(includes=()), 403, headers={"Authorization": bearer}), "forbidden", "ACCESS DENIED")


def _changed(world, **changes):
    _refuse(world, world.client.consumer.bearer_with(SLOT_READ, **changes))


@case("SFFSWithInvalidJWTaud", needs="forges")
def audience(world):
    own = world.client.consumer.audience
    for wrong in (own + "x", own.upper(), "https://other.example/STU3/1/booking", "", None):
        _changed(world, aud=wrong)
    # But for a trailing slash, which changes nothing (docs/contract.md#tokens).
    slash = world.client.consumer.bearer_with(SLOT_READ, aud=own + "/")
    world.search(world.valid(includes=()), headers={"Authorization": slash})


@case("SFFSWithInvalidJWTScope", needs="forges")
def scope(world):
    for wrong in (APPOINTMENT_WRITE, "patient/appointment.read", "organization/slot", "", None):
        _changed(world, requested_scope=wrong)


@case("Token_Expired", needs="forges")
def expired(world):
    now = int(time.time())
    _changed(world, iat=now - 700, exp=now - 400)
    _changed(world, exp=None)
    _changed(world, exp="soon")


@case("Token_NotYetValid", needs="forges")
def not_yet_valid(world):
    now = int(time.time())
    _changed(world, iat=now + 600, exp=now + 900)


@case("Token_TooLongLived", needs="forges")
def too_long_lived(world):
    _changed(world, exp=int(time.time()) + 2 * 3600)


@case("Token_NotDirectCare", needs="forges")
def not_direct_care(world):
    for wrong in ("secondaryuses", "", None):
        _changed(world, reason_for_request=wrong)


@case("Token_MandatoryClaims", needs="forges")
def mandatory_claims(world):
    """What the standard demands (docs/specification/uec.md#d-security). A token server that signs need not name the
    user and the device."""
    for name in ("iss", "iat", "requesting_organization", *(() if world.signed else ("sub", "requesting_device"))):
        _changed(world, **{name: None})
    if not world.signed:
        # The user of the token is the practitioner in it.
        _changed(world, sub="u-1")


@case("Token_Garbage")
def garbage(world):
    good = world.client.consumer.bearer(SLOT_READ).removeprefix("Bearer ")
    header, payload, signature = good.split(".")
    for wrong in (
        "",
        "Bearer",
        "Bearer ",
        "Bearer abc",
        "Bearer a.b.c",
        f"Basic {good}",
        good,
        f"Bearer {header}.{payload}",
        f"Bearer {header}.{payload[:-9]}.{signature}",
        f"Bearer {header}..{signature}",
        f"Bearer {good}.{signature}",
        "Bearer " + "A" * 4000,
    ):
        _refuse(world, wrong)


@case("Token_WrongSignature", needs="forges")
def wrong_signature(world):
    """Signed runs: another's key under the right name, and another's claims. Unsigned ones: a signature at all."""
    consumer = world.client.consumer
    header, payload, _ = consumer.bearer(SLOT_READ).split(".")
    if world.signed:
        _refuse(world, consumer.bearer_with(SLOT_READ, signer=Signer(world.settings.other_key, world.signer.kid)))
        _refuse(world, consumer.bearer_with(SLOT_READ, signer=Signer(world.settings.other_key, "unheard-of")))
        other = consumer.bearer_with(SLOT_READ, requested_scope="slot/*.read").split(".")[2]
        _refuse(world, f"{header}.{payload}.{other}")
        _refuse(world, f"{header}.{payload}.")
    else:
        _refuse(world, f"{header}.{payload}.c2lnbmVk")


@case("Token_OtherAlgorithm", needs="forges")
def other_algorithm(world):
    """A token of another kind than the server was told to believe, or signed with what everybody knows."""
    consumer = world.client.consumer
    other = Signer() if world.signed else Signer(world.settings.other_key, "k1")
    _refuse(world, consumer.bearer_with(SLOT_READ, signer=other))
    _refuse(world, consumer.bearer_with(SLOT_READ, signer=_Shared(world.settings.public_key)))
    for name in ("None", "NONE", "nOnE"):
        _refuse(world, consumer.bearer_with(SLOT_READ, signer=_Named(name)))


class _Shared:
    """HS256 with the public key as the secret: the classic confusion of a verifier."""

    def __init__(self, secret):
        self.secret = secret.encode()

    def token(self, claims):
        text = _encode({"alg": "HS256", "typ": "JWT", "kid": "k1"}) + "." + _encode(claims)
        return text + "." + _base64(hmac.new(self.secret, text.encode(), hashlib.sha256).digest())


class _Named:
    def __init__(self, algorithm):
        self.algorithm = algorithm

    def token(self, claims):
        return f"{_encode({'alg': self.algorithm, 'typ': 'JWT'})}.{_encode(claims)}."


def _encode(value):
    return _base64(json.dumps(value).encode())


def _base64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@case("Token_Issuer", needs="forges")
def issuer(world):
    """Signed runs: the key of one issuer proves nothing about another. Unsigned ones: an issuer must be named."""
    if world.signed:
        _changed(world, iss="https://somebody-else.example/")
    _changed(world, iss="")


@case("Token_WrongWhereNoneIsNeeded")
def wrong_where_none_is_needed(world):
    world.ask("GET", "metadata", headers={"Authorization": "Bearer a.b.c"})


@case("Transport_OnlyTheProxy", needs="guarded")
def only_the_proxy(world):
    """Over TLS: only with the right certificate. Over HTTP: only from the address of the proxy in front (F18)."""
    # Browsers and proxies shall not go back to plain HTTP (docs/specification/uec.md#a3-formats).
    same("Strict-Transport-Security", (world.ask("GET", "metadata").header("Strict-Transport-Security") or "")[:8], "max-age=")
    if not world.secure:
        refused(world.search(world.valid(includes=()), 403, source=world.settings.outside), "forbidden", "ACCESS DENIED")
        return
    for name, context in world.settings.wrong_tls.items():
        try:
            answer = world.client.send("GET", "metadata", tls=context)
        except (ssl.SSLError, ConnectionError, http.client.HTTPException):
            continue
        if answer.status != 403:
            world.answers.append(answer)
            fail(f"{name}: a client that must not be let in is answered {answer.status}")
