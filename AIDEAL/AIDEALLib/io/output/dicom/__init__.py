"""Results as DICOM objects: parametric maps, classic series, segmentation, structured report, encapsulated PDF."""
