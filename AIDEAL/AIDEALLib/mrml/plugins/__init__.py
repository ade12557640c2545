"""What is registered with other modules of Slicer: DICOM browser, Segment Statistics, Sample Data."""
