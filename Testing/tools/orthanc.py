"""A real archive on the loopback for tests: Debian's Orthanc with its DICOMweb plugin, in a temporary folder."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PLUGIN = "libOrthancDicomWeb.so"
PLUGIN_FOLDERS = ("/usr/share/orthanc/plugins", "/usr/lib/orthanc", "/usr/local/share/orthanc/plugins")
USER, PASSWORD = "radiology", "only-for-tests"
START_S = 300.0


@dataclass(frozen=True)
class Orthanc:
    """A running server.

    Attributes
    ----------
    http_port, dicom_port : int
        Its ports on the loopback.
    """

    http_port: int
    dicom_port: int

    @property
    def url(self) -> str:
        """Root of its DICOMweb service."""
        return f"http://127.0.0.1:{self.http_port}/dicom-web"

    def get(self, path: str) -> bytes:
        """Answer of Orthanc's own interface."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.http_port}{path}", headers={"Accept": "*/*"})
        manager = urllib.request.HTTPPasswordMgrWithPriorAuth()
        manager.add_password(None, request.full_url, USER, PASSWORD, is_authenticated=True)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPBasicAuthHandler(manager))
        with opener.open(request, timeout=30) as answer:
            return bytes(answer.read())

    def json(self, path: str) -> Any:
        """The same, parsed."""
        return json.loads(self.get(path))


def plugin() -> Path | None:
    """The DICOMweb plugin, None where Orthanc or the plugin is not installed."""
    if shutil.which("Orthanc") is None:
        return None
    return next((path for folder in PLUGIN_FOLDERS if (path := Path(folder) / PLUGIN).exists()), None)


def free_port() -> int:
    """A port of the loopback that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(folder: Path, **more: Any) -> Iterator[Orthanc]:
    """Start a server and stop it at the end.

    Parameters
    ----------
    folder : Path
        Empty folder for its storage.
    **more : Any
        Settings of Orthanc that override the ones here.

    Yields
    ------
    Orthanc
    """
    server = Orthanc(free_port(), free_port())
    settings = {
        "Name": "test",
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "storage"),
        "Plugins": [str(plugin())],
        "HttpPort": server.http_port,
        "DicomPort": server.dicom_port,
        "RemoteAccessAllowed": False,
        "DicomAlwaysAllowStore": True,
        "UnknownSopClassAccepted": True,
        "AuthenticationEnabled": True,
        "RegisteredUsers": {USER: PASSWORD},
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
        **more,
    }
    (folder / "orthanc.json").write_text(json.dumps(settings), encoding="utf-8")
    log = folder / "orthanc.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(["Orthanc", str(folder / "orthanc.json")], stdout=stream, stderr=stream, cwd=folder)
        try:
            _wait(server, process, log)
            yield server
        finally:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(server: Orthanc, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            server.get("/system")
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError(f"Orthanc did not start:\n{log.read_text(encoding='utf-8', errors='replace')[-2000:]}")
