"""The scene side: scans in, maps out, display, regions, numbers, panels. Needs `slicer`; never imports torch."""
