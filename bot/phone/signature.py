"""X-Twilio-Signature: that a request comes from Twilio, and was not changed on the way.

https://www.twilio.com/docs/usage/security#validating-requests
"""

import re
from collections.abc import Iterable
from typing import TypeAlias
from urllib.parse import urlsplit

from twilio.request_validator import RequestValidator

HEADER = "X-Twilio-Signature"

Parameters: TypeAlias = Iterable[tuple[str, str]]
"""As they were posted, decoded; a name may come several times."""


_SIGNATURE = re.compile(r"[A-Za-z0-9+/]{27}=")
"""SHA-1's 20 bytes in base64."""


def may_be_signature(given: str) -> bool:
    """True for what has a signature's form. It takes no look at what is to be signed."""
    return _SIGNATURE.fullmatch(given) is not None


class _Form(dict[str, list[str]]):
    """A form as the validator takes it."""

    def __init__(self, parameters: Parameters) -> None:
        super().__init__()
        for name, value in parameters:
            self.setdefault(name, []).append(value)

    getall = dict.__getitem__


def signature(token: str, url: str, parameters: Parameters = ()) -> str:
    """The signature of a request to `url`: each parameter once, sorted by name and value."""
    return str(RequestValidator(token).compute_signature(url, _Form(parameters)))


def is_signed(token: str, url: str, given: str, parameters: Parameters = ()) -> bool:
    """`url` is the public one; Twilio may have written its port, or left it out."""
    parts = urlsplit(url)
    if parts.scheme == "wss" and parts.port is None:  # the validator knows https alone
        url = url.replace(parts.netloc, f"{parts.netloc}:443", 1)
    return bool(RequestValidator(token).validate(url, _Form(parameters), given))
