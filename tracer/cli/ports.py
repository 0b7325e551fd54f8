"""Finds the process that listens on a local TCP port."""

from __future__ import annotations

import psutil


def listener_on(port: int) -> str:
    """Return the name and id of the process that listens on ``port``, if it is visible."""
    try:
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.pid is not None
            if listens and connection.laddr[1:2] == (port,):
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    except psutil.Error:
        pass  # an ordinary user may not see other users' sockets
    return "another program"
