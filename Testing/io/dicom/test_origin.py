"""Images of different patients, studies or excitations are never joined to one scan."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pydicom
import pytest
from dicom_writer import DIALECTS, write_scan

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.errors import InputError
from AIDEALLib.io.load import load_series
from AIDEALLib.options import Overrides
from AIDEALLib.simulation.demo import demo_liver

SIEMENS = DIALECTS["siemens classic"]


@pytest.fixture(scope="module")
def liver() -> EchoSeries:
    return demo_liver(matrix=(3, 64, 64))[0]


def changed(paths: list[Path], which: Callable[[Any], bool], **values: Any) -> None:
    """Set elements of the images that `which` selects."""
    for path in paths:
        image = pydicom.dcmread(path)
        if which(image):
            for name, content in values.items():
                setattr(image, name, content)
            image.save_as(path)


def is_phase(image: Any) -> bool:
    return "P" in image.ImageType


def test_one_scan_is_still_one(liver: EchoSeries, tmp_path: Path) -> None:
    paths = write_scan(tmp_path, liver, SIEMENS)
    changed(paths, lambda _: True, PatientID="1", StudyInstanceUID="1.2.3", FrameOfReferenceUID="1.2.4")
    assert load_series(tmp_path).n_echoes == 6


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"PatientID": "2"}, "patients"),
        ({"StudyInstanceUID": "1.2.9"}, "studies"),
        ({"FrameOfReferenceUID": "1.2.9"}, "positions of the patient"),
        ({"FlipAngle": 20.0}, "flip angles"),
        ({"PatientID": "2", "StudyInstanceUID": "1.2.9"}, "patients and studies"),
        ({"PatientName": "Roe^Jane"}, "patients"),
        ({"PatientBirthDate": "19500102"}, "patients"),
        ({"PatientSex": "M"}, "patients"),
        ({"PatientPosition": "HFP"}, "positions of the patient"),
        ({"DeviceSerialNumber": "2"}, "scanners"),
        ({"ScanningSequence": "SE"}, "sequences"),
        ({"RepetitionTime": 30.0}, "repetition times"),
        ({"ReceiveCoilName": "head"}, "coils"),
    ],
)
def test_magnitudes_of_one_with_phases_of_another(
    liver: EchoSeries, tmp_path: Path, values: dict[str, Any], named: str
) -> None:
    paths = write_scan(tmp_path, liver, SIEMENS)
    own = {"PatientID": "1", "StudyInstanceUID": "1.2.3", "FrameOfReferenceUID": "1.2.4", "FlipAngle": 3.0}
    own |= {"PatientName": "Doe^Jane", "PatientBirthDate": "19500101", "PatientSex": "F", "PatientPosition": "HFS"}
    changed(paths, lambda _: True, **own, DeviceSerialNumber="1", ScanningSequence="GR", ReceiveCoilName="body")
    changed(paths, is_phase, PatientName="DOE^JANE ")  # written otherwise, and the same
    assert load_series(tmp_path).n_echoes == 6
    changed(paths, is_phase, **values)
    with pytest.raises(InputError, match=f"of different {named}:"):
        load_series(tmp_path)


def test_a_repeat_of_another_study_is_no_scan_of_twelve_echoes(liver: EchoSeries, tmp_path: Path) -> None:
    later = replace(liver, te_s=liver.te_s + 2e-4)
    for number, (series, name) in enumerate(((liver, "a"), (later, "b"))):
        paths = write_scan(tmp_path / name, series, SIEMENS)
        changed(paths, lambda _: True, PatientID="1", StudyInstanceUID=f"1.2.{number}")
    with pytest.raises(InputError, match="2 multi-echo scans of different studies"):
        load_series(tmp_path)
    assert load_series(tmp_path / "b").n_echoes == 6


def test_the_advice_names_study_and_series_of_each_scan(liver: EchoSeries, tmp_path: Path) -> None:
    scans = [liver, replace(liver, te_s=liver.te_s + 2e-4), replace(liver, te_s=liver.te_s + 4e-4)]
    for number, series in enumerate(scans):
        paths = write_scan(tmp_path / str(number), series, SIEMENS)
        study = f"1.2.{number // 2}"
        changed(paths, lambda _: True, PatientID="1", StudyInstanceUID=study, SeriesNumber=10 + number, FlipAngle=3.0 + number)
    with pytest.raises(InputError, match="3 multi-echo scans") as caught:
        load_series(tmp_path)
    assert caught.value.advice is not None
    values = [setting.value for setting in caught.value.advice.settings]
    found = [
        load_series(tmp_path, Overrides(study=a, series=b)).te_s[0] for a, b in zip(values[::2], values[1::2], strict=True)
    ]
    assert sorted(found) == pytest.approx([series.te_s[0] for series in scans], abs=1e-6)


def test_scans_of_one_series_are_not_offered_by_its_number(liver: EchoSeries, tmp_path: Path) -> None:
    for number in range(2):
        paths = write_scan(tmp_path / str(number), liver, SIEMENS)
        changed(paths, lambda _: True, StudyInstanceUID="1.2.3", SeriesNumber=4, FlipAngle=3.0 + number)
    with pytest.raises(InputError, match="2 multi-echo scans") as caught:
        load_series(tmp_path)
    assert caught.value.advice is not None and {setting.value for setting in caught.value.advice.settings} == {""}


def test_slices_of_two_studies_are_no_volume(liver: EchoSeries, tmp_path: Path) -> None:
    paths = write_scan(tmp_path, liver, SIEMENS)
    depths = sorted({float(pydicom.dcmread(path).ImagePositionPatient[2]) for path in paths})
    changed(paths, lambda image: float(image.ImagePositionPatient[2]) == depths[-1], StudyInstanceUID="1.2.9", PatientID="2")
    with pytest.raises(InputError, match="of different"):
        load_series(tmp_path)


def test_headers_that_state_no_origin_are_joined(liver: EchoSeries, tmp_path: Path) -> None:
    paths = write_scan(tmp_path, liver, SIEMENS)
    changed(paths, is_phase, PatientID="", FlipAngle=None)
    assert load_series(tmp_path).n_echoes == 6


def repeated(liver: EchoSeries, folder: Path, later_s: float, **second: Any) -> tuple[list[Path], list[Path]]:
    """A scan and its repeat in one study, the repeat with other elements, and echo times that may be later."""
    both = (
        write_scan(folder / "a", liver, SIEMENS),
        write_scan(folder / "b", replace(liver, te_s=liver.te_s + later_s, echoes=1.1 * liver.echoes), SIEMENS),
    )
    for paths, own in zip(both, ({}, second), strict=True):
        same = {"StudyInstanceUID": "1.2.3", "FrameOfReferenceUID": "1.2.4", "AcquisitionNumber": 1, "RepetitionTime": 20.0}
        changed(paths, lambda _: True, **{**same, **own})
    return both


@pytest.mark.parametrize("later_s", [0.0, 2e-4])
def test_a_repeat_in_the_same_study_is_refused_and_can_be_chosen(liver: EchoSeries, tmp_path: Path, later_s: float) -> None:
    _, again = repeated(liver, tmp_path, later_s)
    for path in again:
        image = pydicom.dcmread(path)
        changed([path], lambda _: True, SeriesNumber=int(image.SeriesNumber) + 10)
    with pytest.raises(InputError, match=r"Several series hold the same slices: .*series 15, acquisition 1: magnitude, 6"):
        load_series(tmp_path)
    assert load_series(tmp_path, Overrides(series="15,16")).te_s[0] == pytest.approx(0.0013 + later_s)


def test_acquisitions_of_one_series_are_no_scan_of_twelve_echoes(liver: EchoSeries, tmp_path: Path) -> None:
    first, again = repeated(liver, tmp_path, 2e-4, AcquisitionNumber=2)
    for paths, uid in ((first, "1.2.5"), (again, "1.2.5")):
        changed(paths, lambda _: True, SeriesInstanceUID=uid)
        changed(paths, is_phase, SeriesInstanceUID="1.2.6")
    with pytest.raises(InputError, match="Several acquisitions hold the same slices: .*acquisition 1: magnitude"):
        load_series(tmp_path)


def test_acquisition_numbers_of_single_echoes_slices_or_parts_are_no_repeats(liver: EchoSeries, tmp_path: Path) -> None:
    """Some scanners number echoes or slices so; magnitude and phase of one time are of one excitation."""
    paths = write_scan(tmp_path, liver, SIEMENS)
    for element in ("EchoNumbers", "InstanceNumber"):
        for path in paths:
            image = pydicom.dcmread(path)
            changed([path], lambda _: True, AcquisitionNumber=int(image.get(element) or 1))
        assert load_series(tmp_path).n_echoes == 6
    changed(paths, lambda _: True, AcquisitionNumber=1, AcquisitionTime="101500.25")
    changed(paths, is_phase, AcquisitionNumber=2)
    assert load_series(tmp_path).n_echoes == 6
    changed(paths, is_phase, AcquisitionTime="102000.50")
    different = r"magnitude \(series 5, acquisition 1\) and phase \(series 6, acquisition {}\) are of different acquisitions"
    with pytest.raises(InputError, match=different.format(2) + ", 300 s apart"):
        load_series(tmp_path)
    changed(paths, is_phase, AcquisitionNumber=1)  # a repeat has a number of its own on some scanners only
    with pytest.raises(InputError, match=different.format(1)):
        load_series(tmp_path)
    assert load_series(tmp_path, Overrides(series="5,6")).n_echoes == 6, "the user has chosen both"
    changed(paths, lambda _: True, AcquisitionTime="")
    changed(paths, is_phase, AcquisitionNumber=2)
    with pytest.raises(InputError, match=different.format(2) + ";"):
        load_series(tmp_path)


@pytest.mark.parametrize(("values", "named"), [({"FlipAngle": 20.0}, "flip angles"), ({"RepetitionTime": 30.0}, "repetition")])
def test_one_echo_of_a_series_made_otherwise(liver: EchoSeries, tmp_path: Path, values: dict[str, Any], named: str) -> None:
    paths = write_scan(tmp_path, liver, SIEMENS)
    changed(paths, lambda image: abs(float(image.EchoTime) - 1000 * liver.te_s[2]) < 0.01, **values)
    with pytest.raises(InputError, match=rf"\(echo time 5.5 ms\) are of other {named}"):
        load_series(tmp_path)


def test_one_echo_of_a_series_with_another_matrix(liver: EchoSeries, tmp_path: Path) -> None:
    for path in write_scan(tmp_path, liver, SIEMENS):
        image = pydicom.dcmread(path)
        if abs(float(image.EchoTime) - 1000 * liver.te_s[2]) < 0.01:
            image.PixelData = image.pixel_array[::2, ::2].tobytes()
            image.Rows, image.Columns = image.Rows // 2, image.Columns // 2
            image.PixelSpacing = [2 * value for value in image.PixelSpacing]
            image.save_as(path)
    with pytest.raises(InputError, match=r"\(echo time 5.5 ms\) are of other matrices or pixel sizes"):
        load_series(tmp_path)


@pytest.mark.parametrize(("factor", "unit"), [(1000.0, "microseconds"), (0.001, "seconds")])
def test_echo_times_of_another_unit(liver: EchoSeries, tmp_path: Path, factor: float, unit: str) -> None:
    for path in write_scan(tmp_path, liver, SIEMENS):
        changed([path], lambda _: True, EchoTime=factor * float(pydicom.dcmread(path).EchoTime))
    series = load_series(tmp_path)
    assert series.te_s == pytest.approx(liver.te_s)
    assert any(f"can only be {unit}" in note for note in series.notes)


def test_other_images_in_the_folder_are_left_out(liver: EchoSeries, tmp_path: Path) -> None:
    """A mosaic, a map of the scanner without a place, water images of another series, and a localiser."""
    paths = write_scan(tmp_path, liver, SIEMENS)
    kinds = (
        ["ORIGINAL", "PRIMARY", "M", "MOSAIC"],
        ["DERIVED", "PRIMARY", "FF"],
        ["ORIGINAL", "PRIMARY", "M", "DIXON", "WATER"],
    )
    for number, kind in enumerate(kinds, start=1):
        image = pydicom.dcmread(paths[0])
        image.ImageType, image.SeriesInstanceUID, image.SOPInstanceUID = kind, f"1.2.{number}", f"1.2.3.{number}"
        if number == 2:
            del image.ImagePositionPatient
        image.save_as(tmp_path / f"other{number}.dcm")
    image = pydicom.dcmread(paths[0])
    image.ImageOrientationPatient, image.SeriesInstanceUID, image.SOPInstanceUID = [0, 1, 0, 0, 0, -1], "1.2.4", "1.2.3.4"
    image.save_as(tmp_path / "localiser.dcm")
    series = load_series(tmp_path)
    assert series.n_echoes == 6 and series.shape == liver.shape
    assert sum("left out" in note for note in series.notes) == 3


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        ("t1_dixon_hepatobiliary_20min", True),
        ("q-Dixon post Gd", True),
        ("IDEAL IQ nach KM", True),
        ("t1 vibe +C", True),
        ("q-Dixon pre contrast", False),
        ("q-Dixon w/o gado", False),
        ("Dixon post contrast without fat saturation", True),
        ("q-Dixon ohne Gadovist", False),
        ("posterior coil test", False),
    ],
)
def test_contrast_agents_of_descriptions(liver: EchoSeries, tmp_path: Path, description: str, expected: bool) -> None:
    changed(write_scan(tmp_path, liver, SIEMENS), lambda _: True, SeriesDescription=description)
    assert load_series(tmp_path).contrast_agent is expected


def test_parts_that_no_header_states(liver: EchoSeries, tmp_path: Path) -> None:
    paths = write_scan(tmp_path, liver, DIALECTS["philips classic real/imaginary"])
    changed(paths, lambda _: True, ImageType=["ORIGINAL", "PRIMARY"])
    with pytest.raises(InputError, match="no header states whether an image is magnitude or phase, real or imaginary"):
        load_series(tmp_path)


def test_echo_numbers_that_share_an_echo_time(liver: EchoSeries, tmp_path: Path) -> None:
    paths = write_scan(tmp_path, liver, SIEMENS)
    for path in paths:
        image = pydicom.dcmread(path)
        number = 1 + min(range(6), key=lambda n: abs(1000 * liver.te_s[n] - float(image.EchoTime)))
        image.EchoNumbers, image.EchoTime = number, image.EchoTime if number != 2 else 1000 * liver.te_s[0]
        image.save_as(path)
    with pytest.raises(InputError, match=r"Echo numbers [12] and [12] share echo time 1\.3 ms"):
        load_series(tmp_path)


def test_files_of_one_name_are_distinguished_by_folder_and_series(liver: EchoSeries, tmp_path: Path) -> None:
    for name in ("Doe_1", "Doe_2"):
        paths = write_scan(tmp_path / name, liver, SIEMENS)
        same = {"StudyInstanceUID": "1.2.3", "FrameOfReferenceUID": "1.2.4", "SeriesInstanceUID": "1.2.5"}
        changed(paths, lambda _: True, **same, SeriesNumber=int(name[-1]))
        changed(paths, is_phase, SeriesInstanceUID="1.2.6")
    with pytest.raises(InputError, match=r"file \d+ in folder 1 \(series 1\) and file \d+ in folder 2 \(series 2\)") as found:
        load_series(tmp_path)
    assert "Doe" not in found.value.message


@pytest.fixture
def two_studies(liver: EchoSeries, tmp_path: Path) -> Path:
    for number, name in enumerate(("a", "b"), start=1):
        series = replace(liver, echoes=liver.echoes * number, te_s=liver.te_s + 1e-4 * number)
        paths = write_scan(tmp_path / name, series, SIEMENS)
        values = {"StudyInstanceUID": f"1.2.{number}", "StudyDescription": f"visit {name}", "SeriesNumber": 10 * number}
        changed(paths, lambda _: True, PatientID="1", **values)
        changed(paths, is_phase, SeriesNumber=10 * number + 1, SeriesDescription="Dixon phase")
    return tmp_path


def test_what_is_there_is_listed(two_studies: Path) -> None:
    with pytest.raises(InputError) as found:
        load_series(two_studies)
    listed = r"\(1\) study \d, series \d0, \d1: magnitude \+ phase, 6 echo\(es\), 3 slice\(s\) of 64 x 64; \(2\) study"
    assert re.search(listed, found.value.message), found.value.message
    assert found.value.advice is not None and {s.option for s in found.value.advice.settings} == {"study", "series"}


@pytest.mark.parametrize(
    ("choice", "number"),
    [
        ({"study": "1.2.2"}, 2),
        ({"study": "visit A"}, 1),
        ({"series": "20,21"}, 2),
        ({"study": "visit", "series": "10, 11"}, 1),
    ],
)
def test_one_of_several_is_chosen(two_studies: Path, liver: EchoSeries, choice: dict[str, str], number: int) -> None:
    series = load_series(two_studies, Overrides(**choice))
    assert series.te_s[0] == pytest.approx(liver.te_s[0] + 1e-4 * number)
    assert any("than those chosen were left out" in note for note in series.notes)


def test_a_choice_that_is_not_there(two_studies: Path) -> None:
    with pytest.raises(
        InputError, match="No image is of study 'any' and series '7'; there are 2 studies with the series 10, 11"
    ):
        load_series(two_studies, Overrides(series="7"))
    assert {load_series(two_studies, Overrides(study=number)).te_s[0] for number in "12"} == {0.0014, 0.0015}


def test_headers_that_contradict_themselves(liver: EchoSeries, tmp_path: Path) -> None:
    paths = write_scan(tmp_path, liver, SIEMENS)
    changed(paths, lambda _: True, ImagingFrequency=123.2)
    with pytest.raises(InputError, match="stated as 1.5 T, but the imaging frequency of 123.2 MHz is that of 2.89 T"):
        load_series(tmp_path)
    assert load_series(tmp_path, Overrides(field_strength_t=2.89)).field_strength_t == 2.89
    changed(paths, lambda _: True, ImagingFrequency=63.6)
    for path in paths:
        image = pydicom.dcmread(path)
        image.EchoNumbers = 6 - min(range(6), key=lambda n: abs(1000 * liver.te_s[n] - float(image.EchoTime)))
        image.save_as(path)
    with pytest.raises(InputError, match="Echo numbers and echo times of the magnitude images contradict each other"):
        load_series(tmp_path)
