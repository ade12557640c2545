"""The module in 3D Slicer: scans, maps, views, regions, statistics and panels. Needs `slicer`; never imports torch."""
