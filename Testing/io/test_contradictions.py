"""What a scan states twice and differently is refused, with both values and what to do."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from image_files import TE_S, bids, write

from AIDEALLib.errors import InputError
from AIDEALLib.io.load import load_series
from AIDEALLib.io.naming import parse_name
from AIDEALLib.options import Overrides


def edit(folder: Path, pattern: str, **values: object) -> None:
    """Change fields of the sidecars whose name matches."""
    found = list(folder.glob(pattern))
    assert found
    for path in found:
        path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.mark.parametrize(
    ("pattern", "values", "message"),
    [
        ("*echo-2*", {"FlipAngle": 20}, "different values of the flip angle"),
        ("*part-mag*", {"MagneticFieldStrength": 1.5}, "field strength"),
        ("*echo-3*", {"MagneticFieldStrength": 1.5}, "different values of the field strength"),
        ("*echo-1*", {"RepetitionTimeExcitation": 0.1}, "different values of the repetition time"),
        ("*", {"ImagingFrequency": 63.87}, "imaging frequency of 63.87 MHz is that of 1.50 T"),
        ("*part-phase*", {"Units": "rad"}, "states phase in rad, but its values span"),
    ],
)
def test_sidecars_that_differ(
    tmp_path: Path, echoes: npt.NDArray[np.complex64], pattern: str, values: dict[str, object], message: str
) -> None:
    bids(tmp_path, echoes)
    edit(tmp_path, "*.json", FlipAngle=3, RepetitionTimeExcitation=0.012, ImagingFrequency=127.7)
    assert load_series(tmp_path).n_echoes == 4
    if "Units" in values:
        for path in tmp_path.glob("*part-phase*.nii.gz"):
            number = int(path.name.split("echo-")[1][0]) - 1
            write(
                path, np.angle(echoes[number]) * 1000, sidecar=json.loads(path.with_suffix("").with_suffix(".json").read_text())
            )
    edit(tmp_path, f"{pattern}.json", **values)
    with pytest.raises(InputError, match=message):
        load_series(tmp_path)


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({"RepetitionTime": 12.0}, "repetition time is stated as 12 s"),
        ({"RepetitionTime": 1.2e-5}, "more than the last echo time"),
        ({"FlipAngle": 400}, "flip angle is stated as 400 degrees"),
        ({"FlipAngle": 0.05}, "may be in radians"),
    ],
)
def test_excitations_that_no_scanner_makes(
    tmp_path: Path, echoes: npt.NDArray[np.complex64], stated: dict[str, float], message: str
) -> None:
    bids(tmp_path, echoes)
    edit(tmp_path, "*.json", **stated)
    with pytest.raises(InputError, match=message):
        load_series(tmp_path)
    right = Overrides(flip_angle_deg=5.0, repetition_time_s=0.03)
    assert load_series(tmp_path, right).repetition_time_s == 0.03


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"StudyInstanceUID": "1.2.9"}, "studies"),
        ({"PatientName": "Roe^Jane"}, "patients"),
        ({"PatientBirthDate": "19500102"}, "patients"),
        ({"DeviceSerialNumber": "2"}, "scanners"),
        ({"ScanningSequence": ["SE"]}, "sequences"),
        ({"ReceiveCoilName": "head", "PatientPosition": "FFS"}, "positions of the patient and coils"),
    ],
)
def test_parts_of_another_scan(
    tmp_path: Path, echoes: npt.NDArray[np.complex64], values: dict[str, object], named: str
) -> None:
    bids(tmp_path, echoes)
    own = {"StudyInstanceUID": "1.2.3", "PatientName": "DOE^JANE", "PatientBirthDate": "19500101", "DeviceSerialNumber": "1"}
    edit(tmp_path, "*.json", **own, ScanningSequence="GR", ReceiveCoilName="body", PatientPosition="HFS")
    edit(tmp_path, "*part-phase*.json", PatientName="Doe, Jane")
    assert load_series(tmp_path).n_echoes == 4
    edit(tmp_path, "*part-phase*.json", **values)
    with pytest.raises(InputError, match=f"The sidecars state different {named};"):
        load_series(tmp_path)


def test_parts_of_another_acquisition(tmp_path: Path, echoes: npt.NDArray[np.complex64]) -> None:
    bids(tmp_path, echoes)
    edit(tmp_path, "*part-mag*.json", AcquisitionNumber=1, AcquisitionTime="10:10:30.0")
    edit(tmp_path, "*part-phase*.json", AcquisitionNumber=2, AcquisitionTime="10:10:30.0")
    assert load_series(tmp_path).n_echoes == 4
    edit(tmp_path, "*part-phase*.json", AcquisitionTime="10:20:30.0")
    with pytest.raises(InputError, match="are of different acquisitions"):
        load_series(tmp_path)
    edit(tmp_path, "*part-phase*.json", AcquisitionNumber=1)  # a repeat has a number of its own on some scanners only
    with pytest.raises(InputError, match="are of different acquisitions"):
        load_series(tmp_path)
    edit(tmp_path, "*part-phase*.json", SeriesNumber=6, AcquisitionTime="101034.5")  # slices in turn, read in another order
    assert load_series(tmp_path).n_echoes == 4
    edit(tmp_path, "*.json", AcquisitionTime="")
    edit(tmp_path, "*part-phase*.json", AcquisitionNumber=2)
    with pytest.raises(InputError, match="are of different acquisitions"):
        load_series(tmp_path)


def test_numbers_of_sidecars_come_before_those_of_names(tmp_path: Path, echoes: npt.NDArray[np.complex64]) -> None:
    bids(tmp_path, echoes)
    for number, acquired in enumerate((1, 2, 4, 5), start=1):
        edit(tmp_path, f"*echo-{number}*.json", EchoNumber=acquired)
    assert load_series(tmp_path).echo_numbers == (1, 2, 4, 5)


def test_descriptions_of_contrast_agents(tmp_path: Path, echoes: npt.NDArray[np.complex64]) -> None:
    bids(tmp_path, echoes)
    assert load_series(tmp_path).contrast_agent is None
    edit(tmp_path, "*.json", SeriesDescription="q-Dixon hepatobiliary")
    assert load_series(tmp_path).contrast_agent is True


def test_the_user_decides(tmp_path: Path, echoes: npt.NDArray[np.complex64]) -> None:
    bids(tmp_path, echoes)
    edit(tmp_path, "*echo-2*.json", FlipAngle=20)
    edit(tmp_path, "*echo-1*.json", FlipAngle=3)
    assert load_series(tmp_path, Overrides(flip_angle_deg=3)).flip_angle_deg == 3


def test_only_dicom_has_studies(tmp_path: Path, echoes: npt.NDArray[np.complex64]) -> None:
    bids(tmp_path, echoes)
    with pytest.raises(InputError, match="the input is no DICOM"):
        load_series(tmp_path, Overrides(series="5"))


def test_echo_numbers_against_echo_times(tmp_path: Path, echoes: npt.NDArray[np.complex64]) -> None:
    bids(tmp_path, echoes)
    edit(tmp_path, "*echo-2*.json", EchoTime=TE_S[2])
    edit(tmp_path, "*echo-3*.json", EchoTime=TE_S[1])
    with pytest.raises(InputError, match="Echo numbers and echo times contradict each other"):
        load_series(tmp_path)


def test_parts_of_two_subjects_are_no_scan(tmp_path: Path, echoes: npt.NDArray[np.complex64]) -> None:
    for number, (te, echo) in enumerate(zip(TE_S, echoes, strict=True), start=1):
        for subject, part, values in (("01", "mag", np.abs(echo)), ("02", "phase", np.angle(echo))):
            name = tmp_path / f"sub-{subject}_echo-{number}_part-{part}_MEGRE.nii.gz"
            write(name, values, sidecar={"EchoTime": te, "MagneticFieldStrength": 3})
    with pytest.raises(InputError, match="their names differ in 'sub-'"):
        load_series(tmp_path)


@pytest.mark.parametrize("name", ["sub-01_run-2_part-mag_MEGRE.nii.gz", "sub-3_mag.nii", "sub-01_ses-4_phase.nii"])
def test_numbers_of_runs_are_no_echoes(name: str) -> None:
    assert parse_name(Path(name)).echo is None
