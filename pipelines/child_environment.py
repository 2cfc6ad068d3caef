"""The environment of a child process: all that is here, without what is secret."""

import os
from collections.abc import Mapping

from pipelines.addresses import printable_in

_SECRET = frozenset(
    {
        *("KEY", "KEYS", "APIKEY", "TOKEN", "TOKENS", "SECRET", "SECRETS", "PASSWORD", "PASSWD"),
        *("PASS", "PASSPHRASE", "PWD", "CREDENTIAL", "CREDENTIALS", "AUTH", "COOKIE", "DSN"),
    }
)
"""Words of a name whose value is nobody else's."""
_PLAIN = frozenset({"PWD", "OLDPWD"})
"""Names that look like it: the working folder's."""


def child_environment(
    more: Mapping[str, str] | None = None, *, reaches_out: bool = False
) -> dict[str, str]:
    """`more` goes over all that is here.

    `reaches_out`: the child downloads, and may need the password of a proxy.
    """
    return without_secrets(os.environ, reaches_out=reaches_out) | dict(more or {})  # noqa: TID251


def without_secrets(given: Mapping[str, str], *, reaches_out: bool = False) -> dict[str, str]:
    """Without secrets by their names, and without addresses that have a password or a query."""
    return {
        name: value
        for name, value in given.items()
        if not _is_secret(name)
        and (printable_in(value) == value or (reaches_out and name.upper().endswith("_PROXY")))
    }


def _is_secret(name: str) -> bool:
    return name not in _PLAIN and not _SECRET.isdisjoint(name.upper().split("_"))
