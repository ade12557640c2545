"""Many scans: found, estimated on the workers of dask.distributed, resumable, with one table and a gallery."""
