"""Archives: a real one (Orthanc) with everything sent and retrieved, and broken ones."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import orthanc
import pydicom
import pytest
import SimpleITK as sitk
from dicom_writer import DIALECTS, write_scan
from orthanc import Orthanc
from typer.testing import CliRunner
from waiting import LONG_S

from AIDEALLib.cli.main import app
from AIDEALLib.errors import InputError
from AIDEALLib.io.dicomweb import CA_BUNDLE, PASSWORD, TOKEN, USER, Archive, Sent
from AIDEALLib.io.output.dicom.quantities import QUANTITIES
from AIDEALLib.parameter_maps import MAP_INFO
from AIDEALLib.simulation.demo import demo_liver

pytest.importorskip("highdicom")
pytest.importorskip("dicomweb_client")
CREDENTIALS = {USER: orthanc.USER, PASSWORD: orthanc.PASSWORD}


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    if orthanc.plugin() is None:
        pytest.skip("Orthanc is not installed (.ci/apt-packages.txt names its packages)")
    with orthanc.running(tmp_path_factory.mktemp("orthanc")) as server:
        yield server


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scan") / "images"
    series, _ = demo_liver(matrix=(2, 48, 48))
    write_scan(folder, series, DIALECTS["siemens classic"])
    return folder


@pytest.fixture(scope="module")
def exported(scan: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with its objects in `dicom`."""
    folder = tmp_path_factory.mktemp("run")
    words = ["run", str(scan), "--out", str(folder / "out"), "--method", "magnitude", "--dicom", str(folder / "dicom")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    return folder


def study_of(folder: Path) -> str:
    return str(pydicom.dcmread(next(folder.iterdir()), stop_before_pixels=True).StudyInstanceUID)


def stored(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def test_scan_from_the_archive_gives_the_same_maps_and_sends_them_there(
    archive: Orthanc, scan: Path, exported: Path, tmp_path: Path
) -> None:
    Archive(archive.url, CREDENTIALS).send(stored(scan))
    words = ["run", "--from", archive.url, "--study", study_of(scan), "--out", str(tmp_path / "out"), "--method", "magnitude"]
    done = CliRunner().invoke(app, [*words, "--send", archive.url], env=CREDENTIALS)
    assert done.exit_code == 0, done.output
    for name in MAP_INFO:
        files = [folder / "out" / f"{name}.nrrd" for folder in (exported, tmp_path)]
        first, second = (sitk.GetArrayFromImage(sitk.ReadImage(str(path))) for path in files)
        assert first.tobytes() == second.tobytes(), name
    count = len(stored(exported / "dicom"))
    assert f"{count} objects stored" in done.output
    text = (tmp_path / "out" / "provenance.json").read_text(encoding="utf-8")
    assert orthanc.PASSWORD not in text and "127.0.0.1" not in text
    again = CliRunner().invoke(
        app, ["export", str(tmp_path / "out"), "--source", str(scan), "--send", archive.url], env=CREDENTIALS
    )
    assert f"0 objects stored, {count} were there" in " ".join(again.output.split())


def test_stow_in_wado_out_value_for_value(archive: Orthanc, exported: Path) -> None:
    from dicomweb_client.session_utils import create_session_from_user_pass
    from dicomweb_client.web import DICOMwebClient

    files = stored(exported / "dicom")
    Archive(archive.url, CREDENTIALS).send(files)
    client = DICOMwebClient(archive.url, session=create_session_from_user_pass(orthanc.USER, orthanc.PASSWORD))
    found = client.search_for_instances(study_instance_uid=study_of(exported / "dicom"))
    uids = {instance["00080018"]["Value"][0] for instance in found}
    for path in files:
        sent = pydicom.dcmread(path)
        assert sent.SOPInstanceUID in uids
        back = client.retrieve_instance(sent.StudyInstanceUID, sent.SeriesInstanceUID, sent.SOPInstanceUID)
        for element in sent:
            assert back[element.tag].value == element.value, (path.name, element.keyword)
    descriptions = {s.get("0008103E", {}).get("Value", [""])[0] for s in client.search_for_series(study_of(exported / "dicom"))}
    assert {f"AIDEAL {q.label} (research use only)" for q in QUANTITIES.values()} <= descriptions


def test_c_store_in_and_pictures_out(archive: Orthanc, exported: Path) -> None:
    pynetdicom = pytest.importorskip("pynetdicom")
    files = [pydicom.dcmread(path) for path in stored(exported / "dicom")]
    entity = pynetdicom.AE()
    for uid in {dataset.SOPClassUID for dataset in files}:
        entity.add_requested_context(uid, "1.2.840.10008.1.2.1")
    association = entity.associate("127.0.0.1", archive.dicom_port)
    assert association.is_established
    try:
        assert {association.send_c_store(dataset).Status for dataset in files} == {0}
    finally:
        association.release()
    for instance in archive.json("/instances?expand"):
        series = archive.json(f"/series/{instance['ParentSeries']}")["MainDicomTags"]
        if series["Modality"] == "MR" and "AIDEAL PDFF (" in series.get("SeriesDescription", ""):
            tags = archive.json(f"/instances/{instance['ID']}/simplified-tags")
            (sent,) = (d for d in files if d.SOPInstanceUID == tags["SOPInstanceUID"])
            picture = archive.get(f"/instances/{instance['ID']}/image-int16")
            path = exported / "picture.png"
            path.write_bytes(picture)
            shown = sitk.GetArrayFromImage(sitk.ReadImage(str(path), sitk.sitkUInt16)).astype(np.uint16).view(np.int16)
            assert np.array_equal(shown, sent.pixel_array)
            return
    raise AssertionError("no classic series of the PDFF in the archive")


Answer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def broken(*answers: Answer) -> Iterator[tuple[str, list[str]]]:
    """A server without instances that answers the n-th object with the given response; its address, and what it received."""
    requests: list[str] = []
    left = list(answers)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"

        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            requests.append(self.headers.get("Authorization", ""))
            self.send_response(204)
            self.end_headers()

        def do_POST(self) -> None:
            requests.append("POST")
            left.pop(0)(self)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/dicom-web", requests
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def status(code: int) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.rfile.read(int(handler.headers["Content-Length"]))
        handler.send_response(code)
        handler.end_headers()

    return answer


def as_json(content: dict[str, Any], code: int = 200) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.rfile.read(int(handler.headers["Content-Length"]))
        body = json.dumps(content).encode()
        handler.send_response(code)
        handler.send_header("Content-Type", "application/dicom+json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def confirming(uid: str) -> Answer:
    item = {"00081150": {"vr": "UI", "Value": ["1.2"]}, "00081155": {"vr": "UI", "Value": [uid]}}
    return as_json({"00081199": {"vr": "SQ", "Value": [item]}})


def drop(handler: BaseHTTPRequestHandler) -> None:
    handler.rfile.read(100)
    handler.connection.close()


def hang(handler: BaseHTTPRequestHandler) -> None:
    while handler.rfile.read(1 << 16):  # until the client gives up
        pass


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (status(401), r"refused .*1 of \d+ objects are confirmed; send again for the rest.*credentials are missing or wrong"),
        (status(507), "refused .*1 of .*no room left"),
        (status(409), "refused .*1 of .*does not accept"),
        (drop, "connection .* failed .*1 of .*send again for the rest"),
        (hang, "did not answer in time .*1 of"),
        (
            as_json({"00081198": {"vr": "SQ", "Value": [{"00081197": {"vr": "US", "Value": [0xA700]}}]}}, 202),
            "did not store .*1 of .*out of resources",
        ),
        (as_json({}), "did not store .*1 of .*does not name it"),
    ],
)
def test_broken_archive_states_what_is_confirmed(exported: Path, second: Answer, said: str) -> None:
    files = stored(exported / "dicom")
    first = str(pydicom.dcmread(files[0]).SOPInstanceUID)
    with broken(confirming(first), second) as (url, requests):
        with pytest.raises(InputError, match=said):
            Archive(url, {}, timeout_s=5.0 if second is hang else LONG_S).send(files)
        assert requests.count("POST") == 2, "nothing is sent after a failure, and nothing twice"


def test_archive_that_is_off(exported: Path) -> None:
    archive = Archive(f"http://127.0.0.1:{orthanc.free_port()}/dicom-web", {})
    with pytest.raises(InputError, match=r"connection to the archive at 127.0.0.1 failed .*0 of"):
        archive.send(stored(exported / "dicom"))
    with pytest.raises(InputError, match="failed while retrieving"):
        archive.retrieve("1.2.3", exported)


def test_interrupted_sending_resumes(archive: Orthanc, exported: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["export", str(exported / "out"), "--dicom", str(tmp_path / "d"), "--anonymous"])
    assert done.exit_code == 0, done.output
    files = stored(tmp_path / "d")
    to = Archive(archive.url, CREDENTIALS)
    assert to.send(files[:5]) == Sent(5, 0)
    assert to.send(files) == Sent(len(files) - 5, 5)


def test_wrong_study_and_wrong_password(archive: Orthanc, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no MR images of study 1.2.3 \(nothing\)"):
        Archive(archive.url, CREDENTIALS).retrieve("1.2.3", tmp_path)
    with pytest.raises(InputError, match="credentials are missing or wrong"):
        Archive(archive.url, {**CREDENTIALS, PASSWORD: "wrong"}).retrieve("1.2.3", tmp_path)


def test_token_goes_into_the_header() -> None:
    with broken() as (url, requests):
        with pytest.raises(InputError):
            Archive(url, {TOKEN: "abc"}).retrieve("1.2.3", Path())
        assert requests == ["Bearer abc"]


@pytest.mark.parametrize(
    ("url", "environment", "said"),
    [
        ("archive.example/dicom-web", {}, r"http\(s\)://host/path was expected"),
        ("https://me:secret@archive.example/dicom-web", {}, "belong into the environment"),
        ("http://archive.example/dicom-web", {TOKEN: "abc"}, "without encryption"),
    ],
)
def test_addresses_are_checked(url: str, environment: dict[str, str], said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        Archive(url, environment)
    assert "secret" not in str(caught.value)


def test_certificates_of_a_private_archive(tmp_path: Path) -> None:
    archive = Archive("https://archive.example/dicom-web", {CA_BUNDLE: str(tmp_path / "ca.pem"), TOKEN: "abc"})
    assert archive._client._session.verify == str(tmp_path / "ca.pem")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "--from", "http://x/dicom-web"], "--from and --study belong together"),
        (["run"], "A scan was expected"),
        (["run", "x.npz", "--anonymous"], "name their folder (--dicom DIR) as well"),
        (["run", "x.npz", "--dicom", "d", "--anonymous", "--sex", "F"], "one of both was expected"),
    ],
)
def test_options_that_do_not_go_together(tmp_path: Path, words: list[str], said: str) -> None:
    done = CliRunner().invoke(app, [*words, "--out", str(tmp_path / "out")])
    assert done.exit_code == 1
    assert said in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_export_afterwards_gives_the_objects_of_the_run(exported: Path, scan: Path, tmp_path: Path) -> None:
    words = ["export", str(exported / "out"), "--dicom", str(tmp_path / "d"), "--source", str(scan)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    for path in stored(exported / "dicom"):
        assert (tmp_path / "d" / path.name).read_bytes() == path.read_bytes(), path.name


def test_export_needs_a_target(exported: Path) -> None:
    done = CliRunner().invoke(app, ["export", str(exported / "out")])
    assert done.exit_code == 1 and "Nowhere to export to" in done.stderr
