"""Runs the day's TPC-B transactions, each of them once, however often it is started.

A lock is held over all of it: looking how many are done, which the history tells, and running the
rest. Each transaction has a seed of its own, so that a run that goes on where another ended draws
the same numbers.
"""

import subprocess
import sys

import psycopg

TRANSACTIONS = 4
LOCK = "SELECT pg_advisory_lock(1122)"


def pgbench(transactions, seed):
    """Runs this many transactions on one connection; one that the server rolls back is made again."""
    command = ["pgbench", "-n", "-c", "1", "-t", str(transactions), "-f", "tpcb.sql"]
    subprocess.run([*command, "--max-tries=10", f"--random-seed={seed}"], check=True)


def main():
    with psycopg.connect("", autocommit=True) as connection:
        connection.execute(LOCK)  # lock
        (done,) = connection.execute("SELECT count(*) FROM pgbench_history").fetchone()
        for number in range(done, TRANSACTIONS):
            pgbench(1, seed=42 + number)


if sys.argv[1:] == ["bare"]:
    pgbench(TRANSACTIONS, seed=42)
else:
    main()
