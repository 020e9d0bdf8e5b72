"""Cluster workers on PostgreSQL: `benchmarks.cluster_workers` in an install that uses them."""

import subprocess
import sys

from benchmarks.databases import PostgreSQL, temporary


def main() -> None:
    with temporary(PostgreSQL) as variables:
        env = variables | {"STAGENT_EXECUTOR": "procrastinate"}
        subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], env=env, check=True)
        subprocess.run(
            [sys.executable, "-m", "benchmarks.cluster_workers", *sys.argv[1:]], env=env, check=True
        )


if __name__ == "__main__" and PostgreSQL.there():
    main()
