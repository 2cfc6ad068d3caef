"""Addresses as people and browsers write them: origins, bases with a path, hosts."""

import re
from ipaddress import ip_address
from urllib.parse import quote, unquote, urlsplit

DEFAULT_PORTS = {"http": ":80", "https": ":443"}
_AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?", re.ASCII)
_PATH = re.compile(r"(?:/(?:[\w.~!$()*+,:=@-]|%[0-9A-Fa-f]{2})+)*", re.ASCII)


def origin_of(url: str) -> str:
    """As a browser writes it: scheme and host, and the port if it is not the scheme's own.

    Raises ValueError for what is no http(s) address or has more to it.
    """
    scheme, _, rest = url.strip().lower().partition("://")
    authority = rest.removesuffix("/")
    if scheme not in DEFAULT_PORTS or split_authority(authority) is None:
        raise ValueError("should be like https://voice.example, without a path")
    return f"{scheme}://{authority.removesuffix(DEFAULT_PORTS[scheme])}"


def base_of(url: str) -> str:
    """An origin with a path before everything: https://shop.example/voice; no slash at its end.

    Raises ValueError for what is no http(s) address, or has a query or a fragment.
    """
    scheme, separator, rest = url.strip().partition("://")
    authority, slash, path = rest.partition("/")
    wanted = "should be like https://voice.example or https://shop.example/voice"
    try:
        origin = origin_of(f"{scheme}{separator}{authority}")
    except ValueError:
        raise ValueError(wanted) from None
    path = "".join(one if one.isascii() else quote(one) for one in slash + path).rstrip("/")
    steps = unquote(path).split("/")
    if not _PATH.fullmatch(path) or {".", ".."} & {*steps} or len(steps) != path.count("/") + 1:
        raise ValueError(f"{wanted}, without a query or a fragment")
    return origin + path


def split_base(base: str) -> tuple[str, str]:
    """Origin and path ("" or "/voice") of what `base_of` has made."""
    scheme, _, rest = base.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}://{authority}", slash + path


def split_endpoint(endpoint: str) -> tuple[str, str]:
    """Model ("" if none is named) and URL of model@http://host/v1; the URL may have an @ too."""
    if endpoint.startswith(("http://", "https://")):
        return "", endpoint
    before, separator, rest = endpoint.partition("://")
    model, _, scheme = before.rpartition("@")
    return model, f"{scheme}{separator}{rest}"


def is_reachable(url: str) -> bool:
    """True if a URL has a host, and no port that is none."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def is_address(host: str) -> bool:
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def split_authority(authority: str) -> tuple[str, str] | None:
    """Host and port (":7860" or ""), None if it is no authority."""
    found = _AUTHORITY.fullmatch(authority.lower())
    return (found[1], found[2] or "") if found else None
