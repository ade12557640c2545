"""Scans from, and results to, an archive that speaks DICOMweb (PS3.18)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..errors import InputError

if TYPE_CHECKING:
    from dicomweb_client.web import DICOMwebClient

TOKEN, USER, PASSWORD, CA_BUNDLE = (f"AIDEAL_DICOMWEB_{name}" for name in ("TOKEN", "USER", "PASSWORD", "CA_BUNDLE"))
"""Environment variables with the credentials of the archive, and with the certificates that it is checked against."""
CONNECT_TIMEOUT_S, READ_TIMEOUT_S = 10.0, 60.0
INSTALL = "pip install 'aideal[dicom]'"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Sent:
    """Result of sending.

    Attributes
    ----------
    stored : int
        Objects that the archive has confirmed.
    present : int
        Objects that it had already.
    """

    stored: int
    present: int


class Archive:
    """A DICOMweb server.

    Parameters
    ----------
    url : str
        Root of the service, such as https://archive.example/dicom-web.
    environment : Mapping of str to str, optional
        Where the credentials are; `os.environ` when None.
    timeout_s : float
        Longest wait for an answer.

    Raises
    ------
    InputError
        The URL is not one, holds credentials, would send credentials without encryption, or dicomweb-client is not installed.
    """

    def __init__(self, url: str, environment: Mapping[str, str] | None = None, timeout_s: float = READ_TIMEOUT_S) -> None:
        environment = os.environ if environment is None else environment
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InputError(f"'{url}' is no address of an archive; http(s)://host/path was expected.")
        if parts.username or parts.password:
            raise InputError(
                "The address of the archive holds credentials; they belong into the environment "
                f"({USER} and {PASSWORD}, or {TOKEN})."
            )
        self.host = parts.hostname
        token, user = environment.get(TOKEN), environment.get(USER)
        if (token or user) and parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise InputError(f"Credentials would go to {parts.hostname} without encryption; an https address was expected.")
        self._client = _client(url, token, user, environment, timeout_s)

    def retrieve(self, study_uid: str, folder: Path) -> list[Path]:
        """Write the MR images of a study into a folder.

        Parameters
        ----------
        study_uid : str
            Study Instance UID.
        folder : Path
            Where to write; it must exist.

        Returns
        -------
        list of Path
            The files.

        Raises
        ------
        InputError
            The archive has no such study or no MR images of it, does not answer, or refuses.
        """
        with self._guarded("retrieving the study"):
            found = self._client.search_for_series(study_instance_uid=study_uid)
        series = [_value(s, "0020000E") for s in found if _value(s, "00080060") == "MR"]
        if not series:
            others = ", ".join(sorted({_value(s, "00080060") for s in found})) or "nothing"
            raise InputError(f"The archive has no MR images of study {study_uid} ({others}); check the UID and the address.")
        paths: list[Path] = []
        for uid in series:
            with self._guarded("retrieving the study"):
                datasets = self._client.retrieve_series(study_uid, uid)
            for dataset in datasets:
                path = folder / f"{len(paths):06d}.dcm"
                dataset.save_as(path, enforce_file_format=True)
                paths.append(path)
        return paths

    def send(self, paths: Sequence[Path], progress: Callable[[int, int], None] | None = None) -> Sent:
        """Store objects, one request each; those that the archive already has are left out, so that a second try resumes.

        Parameters
        ----------
        paths : sequence of Path
            Files of the objects.
        progress : callable, optional
            Receives the number of objects done and of all.

        Returns
        -------
        Sent
            Only what the archive has confirmed counts as stored.

        Raises
        ------
        InputError
            The archive does not answer, refuses, or has no room; the message states how many objects it has confirmed.
        """
        import pydicom

        stored = present = 0
        known: dict[str, set[str]] = {}
        for number, path in enumerate(paths, start=1):
            dataset = pydicom.dcmread(path)
            study = str(dataset.StudyInstanceUID)
            with self._guarded(f"sending ({stored + present} of {len(paths)} objects are confirmed; send again for the rest)"):
                if study not in known:
                    known[study] = self._instances(study)
                if str(dataset.SOPInstanceUID) in known[study]:
                    present += 1
                else:
                    _confirm(self._client.store_instances([dataset]), str(dataset.SOPInstanceUID))
                    stored += 1
            if progress:
                progress(number, len(paths))
        return Sent(stored, present)

    def _instances(self, study_uid: str) -> set[str]:
        found = self._client.search_for_instances(study_instance_uid=study_uid, fields=["SOPInstanceUID"])
        return {_value(instance, "00080018") for instance in found}

    @contextmanager
    def _guarded(self, doing: str) -> Iterator[None]:
        """Whatever the network raises as an error that states what happened and what was done by then."""
        import requests

        try:
            yield
        except requests.HTTPError as error:
            status = error.response.status_code if error.response is not None else 0
            raise InputError(
                f"The archive at {self.host} refused {doing}: {_STATUS.get(status, f'HTTP status {status}')}."
            ) from error
        except requests.Timeout as error:
            raise InputError(f"The archive at {self.host} did not answer in time while {doing}.") from error
        except (requests.RequestException, OSError) as error:
            raise InputError(
                f"The connection to the archive at {self.host} failed while {doing} ({_reason(error)})."
            ) from error
        except _NotStored as error:
            raise InputError(f"The archive at {self.host} did not store an object while {doing}: {error}.") from error


_STATUS = {
    400: "it does not accept the object (400)",
    401: f"credentials are missing or wrong (401); set {TOKEN}, or {USER} and {PASSWORD}",
    403: "these credentials do not allow it (403)",
    404: "there is no such study or service (404); check the address and the UID",
    409: "it does not accept the object (409)",
    413: "the object is too large for it (413)",
    500: "it failed (500); its log states why",
    503: "it is overloaded (503)",
    507: "it has no room left (507)",
}
_FAILURES = {0xA700: "out of resources (A700H)", 0xA701: "out of resources (A701H)", 0x0110: "processing failure (0110H)"}


class _NotStored(Exception):
    """The answer does not confirm the object."""


def _confirm(answer: Any, instance_uid: str) -> None:
    """Compare the answer to STOW-RS with what was sent (PS3.18, table 10.5.3-1)."""
    for item in answer.get("FailedSOPSequence", []):
        reason = int(item.get("FailureReason", 0))
        raise _NotStored(_FAILURES.get(reason, f"failure reason {reason:04X}H"))
    confirmed = {str(item.ReferencedSOPInstanceUID) for item in answer.get("ReferencedSOPSequence", [])}
    if instance_uid not in confirmed:
        raise _NotStored("the answer does not name it")


def _client(url: str, token: str | None, user: str | None, environment: Mapping[str, str], timeout_s: float) -> DICOMwebClient:
    try:
        from dicomweb_client.session_utils import create_session, create_session_from_user_pass
        from dicomweb_client.web import DICOMwebClient
    except ImportError as error:
        raise InputError(f"Archives are reached with dicomweb-client, which is not installed ({error}). {INSTALL}") from error
    session = create_session_from_user_pass(user, environment.get(PASSWORD, "")) if user and not token else create_session()
    if token:
        session.headers["Authorization"] = f"Bearer {token}"
    if bundle := environment.get(CA_BUNDLE):
        session.verify = bundle
    client = DICOMwebClient(url.rstrip("/"), session=session, timeout=(CONNECT_TIMEOUT_S, timeout_s), chunk_size=1 << 30)
    client.set_http_retry_params(retry=False)
    return client


def _value(found: Mapping[str, Any], tag: str) -> str:
    values = found.get(tag, {}).get("Value") or [""]
    return str(values[0])


def _reason(error: BaseException) -> str:
    """The innermost cause in one line."""
    while error.__context__ is not None:
        error = error.__context__
    return " ".join(str(error).split())[:160] or type(error).__name__
