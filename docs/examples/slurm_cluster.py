"""Workers for `aideal cohort --scheduler` as jobs of Slurm, as in `python slurm_cluster.py --jobs 20`.

Needs dask-jobqueue (pip install dask-jobqueue). Runs until Ctrl-C, which ends the jobs.
"""

import argparse
import time

from dask_jobqueue import SLURMCluster


def cluster(partition: str, gpu: bool, walltime: str) -> SLURMCluster:
    """A cluster without jobs yet: one worker a job, one scan and one core each."""
    return SLURMCluster(
        queue=partition,
        cores=1,
        processes=1,
        memory="4GB",
        walltime=walltime,
        job_extra_directives=["--gres=gpu:1"] if gpu else [],
        worker_extra_args=["--resources", "GPU=1"] if gpu else [],
        job_script_prologue=["export OMP_NUM_THREADS=1"],
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=10, help="jobs at a time; lost ones are replaced")
    parser.add_argument("--partition", default=None)
    parser.add_argument("--gpu", action="store_true", help="one GPU a job, for --device cuda")
    parser.add_argument("--walltime", default="04:00:00")
    parser.add_argument("--print", action="store_true", help="print the script of a job, and end")
    chosen = parser.parse_args()
    with cluster(chosen.partition, chosen.gpu, chosen.walltime) as workers:
        if chosen.print:
            print(workers.job_script())
        else:
            workers.adapt(minimum_jobs=chosen.jobs, maximum_jobs=chosen.jobs)
            print(f"aideal cohort SOURCE --out DIR --scheduler {workers.scheduler_address}", flush=True)
            while True:
                time.sleep(60)
