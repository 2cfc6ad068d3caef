"""X-Twilio-Signature: that a request comes from Twilio, and was not changed on the way.

https://www.twilio.com/docs/usage/security#validating-requests
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from typing import TypeAlias
from urllib.parse import SplitResult, urlsplit

HEADER = "X-Twilio-Signature"

Parameters: TypeAlias = Iterable[tuple[str, str]]
"""As they were posted, decoded; a name may come several times."""

_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


def signature(token: str, url: str, parameters: Parameters = ()) -> str:
    """The signature of a request to `url` with: each parameter once, sorted by name and value."""
    signed = url + "".join(name + value for name, value in sorted(set(parameters)))
    digest = hmac.new(token.encode(), signed.encode("utf-8", "surrogatepass"), hashlib.sha1)
    return base64.b64encode(digest.digest()).decode()


def is_signed(token: str, url: str, given: str, parameters: Parameters = ()) -> bool:
    """`url` is the public one; Twilio may have written its port, or left it out."""
    parameters = list(parameters)
    forms = _with_and_without_port(url)
    expected = [signature(token, form, parameters).encode() for form in forms]
    shown = given.encode("utf-8", "surrogatepass")
    return any(hmac.compare_digest(one, shown) for one in expected)


def _with_and_without_port(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    host = parts.netloc.removesuffix(f":{parts.port}") if parts.port else parts.netloc
    port = parts.port or _PORTS.get(parts.scheme, 443)
    return _at(url, parts, host), _at(url, parts, f"{host}:{port}")


def _at(url: str, parts: SplitResult, authority: str) -> str:
    """The URL with another authority, and not a byte of it changed else."""
    return url.replace(f"//{parts.netloc}", f"//{authority}", 1)
