"""Liver fat (PDFF) with an honest error bar from multi-echo MRI. Research use only, not for diagnosis."""

__version__ = "0.2.0"
