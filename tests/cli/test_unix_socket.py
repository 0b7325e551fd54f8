"""A server on a Unix socket, which the permissions of its file close to other users."""

from __future__ import annotations

import http.client
import socket
import stat
from pathlib import Path

import pytest

from tests.support.serving import run_tracer, serving
from tracer.config import Config, SocketFile
from tracer.errors import ConfigError

OTLP = {"Content-Type": "application/json"}


def ask(path: Path, method: str, url: str, body: bytes | None = None) -> tuple[int, bytes]:
    client = http.client.HTTPConnection("localhost")
    client.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.sock.connect(str(path))
    client.request(method, url, body, OTLP)
    response = client.getresponse()
    answer = response.status, response.read()
    client.close()
    return answer


def test_a_server_listens_on_a_socket_with_permissions(data_dir: Path) -> None:
    path = data_dir.with_suffix(".sock")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as killed:
        killed.bind(str(path))
    host = f"unix:{path}?mode=660"
    with serving("--host", host, data_dir=data_dir) as serve:
        assert stat.filemode(path.stat().st_mode) == "srw-rw----"
        assert ask(path, "GET", "/project/default/traces")[0] == 200
        assert ask(path, "POST", "/v1/traces", b"{}") == (200, b"{}")
        where = ["--data-dir", str(data_dir)]
        assert f"{path}, mode 660" in serve.printed()
        doctor = run_tracer("doctor", *where)
        assert host in doctor.stdout
        assert "Tracer answers" in doctor.stdout
        other = run_tracer("serve", "--host", host, "--data-dir", f"{data_dir}2")
        assert "another program listens on" in other.stderr
        assert "forward a port" in run_tracer("demo", TRACER_HOST=host).stderr
        assert serve.stop() == 0
    assert not path.exists()
    assert "Traceback" not in serve.output()


def test_no_login_is_asked_for_on_a_socket_and_only_its_owner_may_connect_by_default() -> None:
    config = Config(host="unix:/run/tracer/tracer.sock")
    assert config.socket_file == SocketFile(Path("/run/tracer/tracer.sock"), 0o600)
    assert not config.needs_login


@pytest.mark.parametrize(
    "text", ["unix:", "unix:tracer.sock", "unix:/a/", "unix:/a?mode=999", "unix:/" + "a" * 110]
)
def test_what_names_no_socket_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="TRACER_HOST"):
        Config.from_env({"TRACER_HOST": text})


def test_a_file_in_the_way_stays(data_dir: Path) -> None:
    data_dir.mkdir()
    path = data_dir / "kept.sock"
    path.write_text("precious")
    done = run_tracer("serve", "--host", f"unix:{path}", DATABASE_URL="postgresql:///none")
    assert "no socket" in done.stderr
    assert path.read_text() == "precious"
