"""Addresses of servers: whether they are on this machine, and how they may be shown. Pure."""

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

_IN_TEXT = re.compile(r"[A-Za-z0-9+.@_/-]{0,256}://[^\s\"<>]+")
"""An address in a sentence, with the model that may stand before it."""
_AFTER = ".,;:!?)]}'"
"""Punctuation that belongs to the sentence around an address."""


def host_of(url: str) -> str:
    """In small letters, without brackets; "" where there is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:  # half an IPv6 address
        return ""


def is_loopback(address: str) -> bool:
    """True if a host, or the host of a URL, is this machine itself."""
    host = host_of(address) if "://" in address else address.strip("[]").lower()
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def printable(address: str) -> str:
    """A URL without its user, password, query and fragment, for logs, pages and recordings.

    It takes what is no proper URL too (a slip of the pen is shown to its author): a password may
    hold any character there, and the scheme may be missing. A model before the URL is kept, as in
    model@http://host/v1.
    """
    scheme, separator, rest = address.partition("://")
    if not separator:
        scheme, rest = "", address
    authority = rest.split("/")[0].split("?")[0].split("#")[0]
    if "@" in rest and not (separator and "@" not in authority and _names_a_host(authority)):
        rest = rest.rpartition("@")[2]
    elif not _names_a_host(authority):
        rest = "..."
    return scheme + separator + rest.partition("?")[0].partition("#")[0]


def printable_in(text: str) -> str:
    """A text whose addresses are each as `printable` has them; the rest as it is."""
    return _IN_TEXT.sub(_printed, text) if "://" in text else text


def _printed(found: re.Match[str]) -> str:
    address = found[0].rstrip(_AFTER)
    return printable(address) + found[0][len(address) :]


def place_of(url: str) -> str:
    """Host and port, as in a name for the metrics: "engine:8000"."""
    return printable(url).partition("://")[2].partition("/")[0]


def _names_a_host(authority: str) -> bool:
    """A host, and perhaps a port; not a user and the first part of a password."""
    _, colon, port = authority.rpartition(":")
    return not colon or port.isdecimal() or authority.endswith("]")
