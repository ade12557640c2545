"""A stand-in for the Slicer application, for tests: the real MRML scene of slicer-core, and as little as possible around it.

This is not Slicer. What passes here was seen on the scene, the logics and the displayable managers of Slicer's own libraries
(`scene`, `views`), or on Qt widgets that behave like Slicer's by imitation (`qt_widgets`); the application itself is tested by
Testing/Slicer/run.py.
"""

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
