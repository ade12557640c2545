"""Read a DICOM scan, estimate it, and write PDFF and R2* of the segments of a label map as CSV.

    python docs/examples/dicom_table.py FOLDER SEGMENTS.nrrd TABLE.csv

The label map, or Slicer's .seg.nrrd, lies on the grid of the scan.
"""

import sys

from AIDEALLib import load_series, run
from AIDEALLib.io.output.tables import save_table
from AIDEALLib.io.segmentation import load_segmentation
from AIDEALLib.statistics import Measuring, RunErrors, interval_text, segment_statistics, with_groups


def main(folder: str, segments: str, table: str) -> None:
    """Measure the segments of SEGMENTS in the scan of FOLDER."""
    series = load_series(folder)
    print(f"{series.n_echoes} echoes, {series.field_strength_t:g} T, {series.source}")
    for note in series.notes:
        print(note)

    segmentation = load_segmentation(segments, series.geometry, series.shape)
    maps = run(series).maps
    rows = segment_statistics(
        maps,
        with_groups(segmentation.segments, maps.mask),
        Measuring(series.geometry.voxel_volume_ml, errors=RunErrors.of(maps.provenance.as_dict())),
    )
    for row in rows:
        interval = interval_text(row.reported, row.reported_low, row.reported_high, "%")
        print(f"{row.name}: PDFF {interval}, {row.low_confidence_percent:.0f} % of low confidence")
    save_table(rows, table, {"version": maps.provenance.version, "method": maps.provenance.method})


if __name__ == "__main__":
    main(*sys.argv[1:])
