"""A cohort on workers: one table, failures with reasons, and a second call that does the rest only."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pydicom
import pytest
from cohort_scans import MANIFEST, write_cohort
from dicom_writer import DIALECTS, write_scan

from AIDEALLib.choices import Retry
from AIDEALLib.cohort import task as task_module
from AIDEALLib.cohort.ends import DISK_FULL
from AIDEALLib.cohort.engine import EngineOptions
from AIDEALLib.cohort.group.values import usable_values
from AIDEALLib.cohort.opened import open_cohort
from AIDEALLib.cohort.record import read_record
from AIDEALLib.cohort.results import Counts, all_done, write_tables
from AIDEALLib.cohort.rows import rows_of
from AIDEALLib.cohort.run import Watch, run_cohort
from AIDEALLib.cohort.task import Output, do, fail
from AIDEALLib.echoes import EchoSeries
from AIDEALLib.errors import Cancelled, InputError
from AIDEALLib.io.npz import write_npz
from AIDEALLib.io.output.results import read_table
from AIDEALLib.statistics.usability import without_numbers


def in_order(request: Any, count: int | None = None) -> Any:
    """Run the scans that are left in this process; what is left then."""
    request.out.mkdir(exist_ok=True)
    cohort = open_cohort(request)
    for planned in cohort.plan.todo[:count]:
        do(planned.task)
    cohort = open_cohort(request)
    write_tables(cohort)
    return cohort


def lines(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture
def source(tmp_path: Path, small_scan: EchoSeries) -> Path:
    """Two scans and a damaged one."""
    (tmp_path / "scans").mkdir()
    for name in ("one", "two", "bad"):
        write_npz(tmp_path / "scans" / f"{name}.npz", small_scan)
    (tmp_path / "scans" / "bad.npz").write_bytes(b"PK")
    return tmp_path / "scans"


def test_a_scan_is_done_when_its_results_are_complete(source: Path, request_of: Any, tmp_path: Path) -> None:
    request = request_of(source, tmp_path / "out", keep_names=True)
    cohort = in_order(request, 2)
    assert cohort.plan.done == ("one",) and [p.task.scan.id for p in cohort.plan.todo] == ["two"]
    assert "bad.npz could not be read" in cohort.plan.failed[0].failure["reason"]
    cohort = in_order(request)
    assert not cohort.plan.todo and len(cohort.plan.done) == 2
    (tmp_path / "out" / "scans" / "one" / "pdff.nrrd").unlink()
    assert [p.task.scan.id for p in open_cohort(request).plan.todo] == ["one"]


def test_changed_options_and_files_are_run_again(source: Path, request_of: Any, tmp_path: Path, small_scan: EchoSeries) -> None:
    request = request_of(source, tmp_path / "out", keep_names=True)
    in_order(request)
    other = request_of(source, tmp_path / "out", keep_names=True, method="magnitude", device="auto")
    changed = open_cohort(other)
    assert [p.why for p in changed.plan.changed] == ["method: was one-shot, now magnitude"] * 2
    with pytest.raises(InputError, match=r"2 finished scan\(s\) were made otherwise .*Request to redo"):
        run_cohort(changed, EngineOptions())
    assert len(open_cohort(replace(other, redo=True)).plan.todo) == 3, "the failed one may end otherwise"
    content = (source / "one.npz").read_bytes()
    (source / "one.npz").write_bytes(content)  # another time, the same content
    assert not open_cohort(request).plan.todo
    write_npz(source / "one.npz", replace(small_scan, echoes=2 * small_scan.echoes))
    assert [p.why for p in open_cohort(request).plan.todo] == ["its files changed"]


def test_failed_and_marked_scans_are_run_again_on_request(source: Path, request_of: Any, tmp_path: Path) -> None:
    request = request_of(source, tmp_path / "out", keep_names=True)
    in_order(request)
    (tmp_path / "out" / "marks.csv").write_text("scan,mark,note\none,redo,blurred\ntwo,accept,\n", encoding="utf-8")
    assert not open_cohort(request).plan.todo
    retried = open_cohort(replace(request, retry=frozenset((Retry.FAILED, Retry.MARKED)))).plan.todo
    assert [p.task.scan.id for p in retried] == ["bad", "one"]
    (tmp_path / "out" / "marks.csv").write_text("scan,mark,note\none,perhaps,\n", encoding="utf-8")
    with pytest.raises(InputError, match="'perhaps'"):
        open_cohort(request)


def test_a_region_without_a_number_is_in_the_table_the_list_and_the_exit_status(
    request_of: Any, tmp_path: Path, small_scan: EchoSeries
) -> None:
    from typer.testing import CliRunner

    from AIDEALLib.cli.main import app

    (tmp_path / "scans").mkdir()
    write_npz(tmp_path / "scans" / "one.npz", small_scan)
    request = request_of(tmp_path / "scans", tmp_path / "out", keep_names=True)
    cohort = in_order(request)
    assert all_done(cohort)
    call = ("cohort", tmp_path / "scans", "--out", tmp_path / "out", "--keep-names", "--method", "one-shot", "--device", "cpu")
    words = [*map(str, call), "--no-reports"]
    assert CliRunner().invoke(app, words).exit_code == 0
    path = tmp_path / "out" / "scans" / "one" / "record.json"
    record = read_record(path)
    assert record is not None
    row = replace(read_table(path.with_name("statistics.csv"))[0], name="Left lobe")
    withheld = without_numbers(row, "too noisy")
    card = {**record.card, "regions_withheld": {"Left lobe": "too noisy"}}
    replace(record, rows=tuple(rows_of([row, withheld])), card=card).save(path)
    assert not all_done(cohort)
    write_tables(cohort)
    stated = [r for r in lines(tmp_path / "out" / "cohort.csv") if r["statistic"] == "number_withheld"]
    assert [(r["region"], r["value"]) for r in stated] == [("Left lobe", "1.0")]
    (line,) = lines(tmp_path / "out" / "scans.csv")
    assert (line["status"], line["withheld"]) == ("withheld", "Left lobe: too noisy")
    assert len(usable_values([record], {})) == 1, "the main region has its number"
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 3 and "Not every scan has all its numbers" in done.output


def test_neutral_ids_and_the_table_that_links_them(source: Path, request_of: Any, tmp_path: Path) -> None:
    request = request_of(source, tmp_path / "out")
    request.out.mkdir()
    cohort = open_cohort(request)
    assert all(task.scan.id.startswith("scan-") for task in cohort.tasks)


def test_dicom_objects_of_every_scan(request_of: Any, tmp_path: Path, small_scan: EchoSeries) -> None:
    source = tmp_path / "scans"
    images = write_scan(source / "images", small_scan, next(iter(DIALECTS.values())))
    write_npz(source / "arrays.npz", small_scan)
    request = request_of(source, tmp_path / "out", keep_names=True)
    request = replace(request, template=replace(request.template, output=Output(reports=False, dicom=True)))
    cohort = in_order(request)
    assert len(cohort.plan.done) == 2 and not cohort.plan.todo
    folders = sorted((request.out / "dicom").iterdir())
    of = {folder.name: {pydicom.dcmread(file).PatientID for file in folder.iterdir()} for folder in folders}
    assert set(of) == set(cohort.plan.done) and of["arrays"] == {"arrays"}
    assert next(found for name, found in of.items() if name != "arrays") == {pydicom.dcmread(images[0]).PatientID}
    anonymous = replace(request.template, output=Output(reports=False, dicom=True, anonymous=True))
    assert [p.task.scan.id for p in open_cohort(replace(request, template=anonymous, redo=True)).plan.todo] == sorted(of)


def test_a_full_disk_is_no_failure_of_a_scan(
    source: Path, request_of: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = request_of(source, tmp_path / "out", keep_names=True)
    request.out.mkdir()
    task = open_cohort(request).tasks[1]
    monkeypatch.setattr(task_module, "LEAST_FREE_BYTES", 1 << 80)
    monkeypatch.setattr(task_module, "run_scan", lambda *_, **__: (_ for _ in ()).throw(RuntimeError("No space")))
    assert do(task)["kind"] == DISK_FULL
    assert not open_cohort(request).plan.failed, "the next call runs it"


def test_values_of_the_table(source: Path, request_of: Any, tmp_path: Path) -> None:
    request = request_of(source, tmp_path / "out", keep_names=True)
    in_order(request)
    table = pyarrow.parquet.read_table(tmp_path / "out" / "cohort.parquet").to_pydict()
    rows = lines(tmp_path / "out" / "cohort.csv")
    assert list(rows[0]) == list(table)
    np.testing.assert_array_equal(table["value"], [float(row["value"]) for row in rows])
    (pdff,) = (row for row in rows if row["scan"] == "one" and row["statistic"] == "pdff_median")
    stored = lines_without_comments(tmp_path / "out" / "scans" / "one" / "statistics.csv")
    assert (pdff["value"], pdff["unit"]) == (stored[0]["pdff_median_percent"], "%")
    scans = {line["scan"]: line for line in lines(tmp_path / "out" / "scans.csv")}
    assert (scans["one"]["status"], scans["bad"]["status"]) == ("done", "failed")
    assert "could not be read" in scans["bad"]["reason"]


def lines_without_comments(path: Path) -> list[dict[str, str]]:
    text = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return list(csv.DictReader(text))


def test_workers_give_the_table_of_a_serial_run(request_of: Any, tmp_path: Path) -> None:
    """One call that is cancelled, and one that does the rest."""
    faults = write_cohort(tmp_path / "in", 8, 2, seed=3)
    request = request_of(tmp_path / "in" / MANIFEST, tmp_path / "out")
    ended: list[str] = []

    def end(counts: Counts, what: dict[str, Any]) -> None:
        ended.append(what["id"])

    with pytest.raises(Cancelled):
        run_cohort(open_cohort(request), EngineOptions(2), Watch(ended=end, cancelled=lambda: len(ended) >= 2))
    first = len(ended)
    assert 2 <= first < 8
    counts = run_cohort(open_cohort(request), EngineOptions(1), Watch(ended=end))
    assert len(ended) == len({*ended}), "nothing twice; one that ended while the first call was cancelled is kept"
    assert counts.done + counts.failed == 8
    in_order(request_of(tmp_path / "in" / MANIFEST, tmp_path / "serial"))
    assert (tmp_path / "out" / "cohort.csv").read_bytes() == (tmp_path / "serial" / "cohort.csv").read_bytes()
    doubted = {s["scan"] for s in lines(tmp_path / "out" / "scans.csv") if s["status"] != "done" or "warn:" in s["findings"]}
    assert set(faults) <= doubted
    state = json.loads((tmp_path / "out" / "cohort.json").read_text(encoding="utf-8"))
    assert state["complete"] and state["done"] == counts.done and state["settings"]["options"]["method"] == "one-shot"


def test_a_second_call_at_the_same_time_is_refused(source: Path, request_of: Any, tmp_path: Path) -> None:
    from filelock import FileLock

    request = request_of(source, tmp_path / "out", keep_names=True)
    request.out.mkdir()
    with FileLock(request.out / ".cohort.lock"), pytest.raises(InputError, match="Another 'aideal cohort'"):
        run_cohort(open_cohort(request), EngineOptions(1))


def test_a_failure_of_unreadable_files_is_recorded(source: Path, request_of: Any, tmp_path: Path) -> None:
    request = request_of(source, tmp_path / "out", keep_names=True)
    request.out.mkdir()
    task = open_cohort(request).tasks[1]
    (source / "one.npz").unlink()
    assert fail(task, "input", "gone")["recorded"]
    from AIDEALLib.cohort.record import failure_file, read_record

    record = read_record(failure_file(request.out, "one"))
    assert record is not None and record.state == "" and record.failure["reason"] == "gone"
