"""Whom to trust over TLS: the system's authorities, or those that a server's settings name.

There is no way to turn verification off: whoever cannot have a certificate signed puts the server's
own, or its authority's, into the server's settings.
"""

import ssl
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import NameOID

LARGEST_PEM = 200_000


class BadCertificate(ValueError):
    """The text is no certificate that can be trusted. The message is for people."""


@dataclass(frozen=True, slots=True)
class Authority:
    """A trusted certificate: whose it is, and until when it is valid."""

    name: str
    valid_until: datetime


def read_authorities(pem: str, now: datetime) -> list[Authority]:
    """Return whom the PEM certificates make trusted; raises BadCertificate."""
    found = _certificates(pem)
    for certificate in found:
        _refuse_unusable(certificate, now)
    try:
        context_for(pem)
    except (ssl.SSLError, ValueError) as error:
        raise BadCertificate("OpenSSL cannot read one of the certificates.") from error
    return [Authority(_name(c), c.not_valid_after_utc) for c in found]


def authorities_of(pem: str) -> list[Authority]:
    """Return whom stored certificates make trusted, expired ones included."""
    return [Authority(_name(c), c.not_valid_after_utc) for c in _certificates(pem)] if pem else []


def context_for(pem: str) -> ssl.SSLContext:
    """Return a context that trusts these certificates alone, and verifies everything."""
    context = ssl.create_default_context(cadata=pem)
    # The server's own certificate may be the trusted one, whoever signed it.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def _certificates(pem: str) -> list[x509.Certificate]:
    if len(pem) > LARGEST_PEM:
        raise BadCertificate(f"That is more than {LARGEST_PEM // 1000} kB: paste fewer.")
    if "PRIVATE KEY-----" in pem:
        raise BadCertificate(
            "There is a private key in it: paste certificates only, and count that key as leaked."
        )
    try:
        return x509.load_pem_x509_certificates(pem.encode())
    except ValueError as error:
        raise BadCertificate(
            "That is no PEM certificate: paste all from -----BEGIN CERTIFICATE----- to "
            "-----END CERTIFICATE-----."
        ) from error


def _refuse_unusable(certificate: x509.Certificate, now: datetime) -> None:
    name, until = _name(certificate), certificate.not_valid_after_utc
    if until < now:
        raise BadCertificate(f"{name} expired on {until:%d %B %Y}: paste its successor.")
    if certificate.not_valid_before_utc > now:
        since = certificate.not_valid_before_utc
        raise BadCertificate(f"{name} is valid only from {since:%d %B %Y} on: is our clock right?")


def _name(certificate: x509.Certificate) -> str:
    """Return the name of who the certificate is for, in the shortest form that it has."""
    try:
        common = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return str(common[0].value if common else certificate.subject.rfc4514_string())[:120]
    except ValueError:
        return "a certificate without a readable name"


# By OpenSSL's verify codes (x509_vfy.h).
_PASTE = "paste that authority's certificate into the server's settings"
_REASONS = {
    9: "its certificate is not valid yet: is one of the two clocks wrong?",
    10: "its certificate, or that of who signed it, has expired: renew it",
    18: "its certificate is signed by itself: paste it into the server's settings",
    19: f"its certificate is signed by an authority unknown here: {_PASTE}",
    20: f"its certificate is signed by an authority unknown here: {_PASTE}",
    21: f"its certificate is signed by an authority unknown here: {_PASTE}",
    62: "its certificate is for another name: enter the address with the name that it has",
    64: "its certificate is not for this IP address: enter the name that it is for",
}


def reason_of(error: BaseException) -> str:
    """Return why a TLS connection failed, and what to do, for people."""
    if isinstance(error, ssl.SSLCertVerificationError):
        known = _REASONS.get(error.verify_code)
        return known or f"its certificate is not accepted ({error.verify_message})"
    if getattr(error, "reason", "") in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"):
        return "it does not speak TLS there: does its address begin with http:// instead?"
    return f"TLS failed ({getattr(error, 'reason', None) or type(error).__name__})"
