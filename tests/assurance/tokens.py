"""The consumer's bearer tokens: made here, not by the program under test, and signed with openssl.

What a reader would get wrong: an unsigned token keeps its trailing dot, and a signature of openssl's for an EC
key is DER, while a token wants the two numbers side by side (RFC 7518, 3.4); therefore RSA keys only.
"""

import base64
import json
import os
import subprocess
import time

SLOT_READ = "organization/slot.read"
APPOINTMENT_READ = "patient/appointment.read"
APPOINTMENT_WRITE = "patient/appointment.write"
LIFETIME_S = 300


def _base64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _part(value):
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def sign(key, text):
    """The RS256 signature that the private key in a PEM file gives a text."""
    command = ["openssl", "dgst", "-sha256", "-sign", key]
    return _base64(subprocess.run(command, input=text.encode(), stdout=subprocess.PIPE, check=True).stdout)


class Signer:
    """Signs with one key; without a key it leaves tokens unsigned."""

    def __init__(self, key=None, kid=None):
        self.key = key
        self.kid = kid

    def token(self, claims):
        if self.key is None:
            return f"{_part({'alg': 'none', 'typ': 'JWT'})}.{_part(claims)}."
        header = {"alg": "RS256", "typ": "JWT"}
        if self.kid:
            header["kid"] = self.kid
        text = f"{_part(header)}.{_part(claims)}"
        return f"{text}.{sign(self.key, text)}"


class Consumer:
    """Whom requests act for: one organisation with its system and its user."""

    def __init__(self, signer, audience, issuer, organisation, command=None):
        """`command` is a shell's, which prints a token for $SCOPE, $AUDIENCE and $ORGANISATION; else the signer makes it."""
        self.signer = signer
        self.command = command
        self.audience = audience
        self.issuer = issuer
        self.organisation = organisation
        self._made = {}

    def claims(self, scope):
        now = int(time.time())
        return {
            "iss": self.issuer,
            "sub": "u-3381",
            "aud": self.audience,
            "iat": now,
            "exp": now + LIFETIME_S,
            "reason_for_request": "directcare",
            "requested_scope": scope,
            "requesting_device": {
                "resourceType": "Device",
                "identifier": [{"system": "https://consumer.example/Id/device", "value": "IUC-7"}],
                "model": "Assurance",
                "version": "1.0",
            },
            "requesting_organization": {
                "resourceType": "Organization",
                "name": "Example 111 Service",
                "identifier": [{"system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": self.organisation}],
            },
            "requesting_practitioner": {
                "resourceType": "Practitioner",
                "id": "u-3381",
                "identifier": [
                    {"system": "https://fhir.nhs.uk/Id/sds-user-id", "value": "UNK"},
                    {"system": "https://fhir.nhs.uk/Id/sds-role-profile-id", "value": "UNK"},
                    {"system": "https://consumer.example/Id/user", "value": "u-3381"},
                ],
                "name": [{"family": "Brierley", "given": ["Tom"]}],
            },
        }

    def bearer(self, scope):
        """A good token for a scope; kept while it is, because a signature takes a process of its own."""
        made, token = self._made.get(scope, (0, ""))
        if time.time() - made > LIFETIME_S / 2:
            made, token = time.time(), self._token(scope)
            self._made[scope] = (made, token)
        return f"Bearer {token}"

    def _token(self, scope):
        if not self.command:
            return self.signer.token(self.claims(scope))
        told = {"SCOPE": scope, "AUDIENCE": self.audience, "ORGANISATION": self.organisation}
        done = subprocess.run(self.command, shell=True, env=os.environ | told, stdout=subprocess.PIPE, check=True, text=True)
        return done.stdout.strip()

    def bearer_with(self, scope, signer=None, **changes):
        """A token with some claims changed; None takes one out."""
        claims = self.claims(scope) | changes
        return f"Bearer {(signer or self.signer).token({name: claim for name, claim in claims.items() if claim is not None})}"


def jwks(key, kid):
    """The public half of an RSA key as a key set, as the server is given it."""
    out = subprocess.run(["openssl", "rsa", "-in", key, "-noout", "-modulus"], stdout=subprocess.PIPE, check=True, text=True).stdout
    modulus = bytes.fromhex(out.strip().removeprefix("Modulus="))
    # openssl's keys all have the exponent 65537.
    return {"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": _base64(modulus), "e": "AQAB"}]}
