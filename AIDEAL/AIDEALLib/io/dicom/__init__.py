"""DICOM in: files, frames, vendor dialects, echoes, phase."""
