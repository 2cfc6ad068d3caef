"""A certificate for loopback, made on the spot."""

import ssl
import subprocess
from pathlib import Path

from bot.wiring.serving import Certificate


def make_certificate(folder: Path, days: int = 2) -> Certificate:
    """Signed by itself, for localhost and 127.0.0.1. Needs openssl."""
    made = Certificate(folder / "cert.pem", folder / "key.pem")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", str(days), "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
            *("-out", str(made.chain), "-keyout", str(made.key)),
        ],
        check=True,
        capture_output=True,
    )
    return made


def trusting(certificate: Certificate) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate.chain))
