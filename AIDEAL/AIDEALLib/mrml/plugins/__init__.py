"""Plug-ins of other modules of Slicer: DICOM browser, Segment Statistics, Sample Data."""
