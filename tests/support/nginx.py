"""A real nginx with the configuration of `deploy/nginx.conf`, on free ports in a directory."""

from __future__ import annotations

import datetime
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.http import free_port
from tests.support.paths import ROOT
from tests.support.waiting import wait_until

PROGRAM = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
NAME = "tracer.example.com"


@dataclass(frozen=True)
class Nginx:
    """A running nginx: its ports and its logs."""

    port: int
    plain_port: int
    log: Path
    errors: Path

    @property
    def url(self) -> str:
        """The HTTPS address."""
        return f"https://127.0.0.1:{self.port}"


@contextmanager
def nginx(directory: Path, servers: list[int], *, more: str = "") -> Iterator[Nginx]:
    """Run nginx in front of Tracer servers on these ports; `more` are further locations."""
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o755)
    _certificate(directory)
    running = Nginx(free_port(), free_port(), directory / "access.log", directory / "error.log")
    text = (ROOT / "deploy/nginx.conf").read_text()
    changes = {
        r"listen (\[::\]:)?443": rf"listen \g<1>{running.port}",
        r"listen (\[::\]:)?80;": rf"listen \g<1>{running.plain_port};",
        "/etc/ssl/": f"{directory}/",
        "/var/cache/nginx_tracer": f"{directory}/cache",
        "/var/log/nginx/tracer.log": str(running.log),
        r"server 127\.0\.0\.1:4318( .*;) +# adjust": "\n".join(
            rf"server 127.0.0.1:{port}\1" for port in servers
        ),
        r"\n    location / \{": f"\n{more}\n    location / {{",
    }
    for pattern, replacement in changes.items():
        text, count = re.subn(pattern, replacement, text)
        assert count, pattern
    paths = "".join(
        f"{name}_temp_path {directory}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (directory / "nginx.conf").write_text(
        f"daemon off; pid {directory}/pid; error_log {running.errors} warn;\n"
        f"events {{}}\nhttp {{ include /etc/nginx/mime.types;\n{paths}{text}\n}}\n"
    )
    assert PROGRAM is not None
    process = subprocess.Popen(
        [PROGRAM, "-p", str(directory), "-c", str(directory / "nginx.conf")],
        stderr=subprocess.PIPE,
    )
    try:
        wait_until(lambda: (directory / "pid").exists() or process.poll() is not None)
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        yield running
    finally:
        process.terminate()
        process.wait(30)
        if process.stderr:
            process.stderr.close()


def _certificate(directory: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (directory / "tracer.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (directory / "tracer.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
