#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs every fuzz target of a build folder for some seconds, as many at once as there are processors, and
says what each has seen.

usage: run.py BUILD SECONDS [TARGET…]

What a target learns stays in BUILD/corpus/TARGET for the next time. An input that crashes it, or takes
too long or too much memory, is left in BUILD/found and ends the run with 1: it belongs into
tests/fuzz/corpus/TARGET together with what repairs it.
"""
import os
import pathlib
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

HERE = pathlib.Path(__file__).resolve().parent
LIMITS = ["-rss_limit_mb=512", "-malloc_limit_mb=256", "-timeout=10", "-max_len=65536"]
# The memory limit is the input's. The sanitizer's own would break it on a fast machine: it holds freed
# memory back, and keeps every distinct allocation stack for good, of which libraries without frame
# pointers make new ones all the time.
SANITIZER = "quarantine_size_mb=64:malloc_context_size=3"


def run(program, seconds):
    """(executions, coverage, what was found)"""
    build = program.parent.parent.parent
    name = program.name.removeprefix("fuzz_")
    learned, found = build / "corpus" / name, build / "found"
    learned.mkdir(parents=True, exist_ok=True)
    found.mkdir(exist_ok=True)
    before = set(found.glob(f"{name}-*"))
    seeds = (program.parent / f"{program.name}.inputs").read_text().split(";")
    words = [program, f"-max_total_time={seconds}", "-print_final_stats=1", f"-artifact_prefix={found}/{name}-", *LIMITS]
    if (HERE / f"{name}.dict").exists():
        words.append(f"-dict={HERE / f'{name}.dict'}")
    log = build / f"fuzz_{name}.log"
    with open(log, "w") as out:
        environment = {**os.environ, "ASAN_OPTIONS": f"{SANITIZER}:{os.environ.get('ASAN_OPTIONS', '')}"}
        code = subprocess.run([*words, learned, *seeds], stdout=out, stderr=subprocess.STDOUT,
                              env=environment).returncode
    text = log.read_text(errors="replace")
    executions = re.findall(r"stat::number_of_executed_units: (\d+)", text) or ["0"]
    coverage = re.findall(r"\bcov: (\d+)", text) or ["0"]
    problems = sorted(set(found.glob(f"{name}-*")) - before)
    if code != 0 and not problems:
        problems = [log]
    return int(executions[-1]), int(coverage[-1]), problems


def main():
    if len(sys.argv) < 3 or not sys.argv[2].isdigit():
        sys.exit(__doc__)
    build, seconds, only = pathlib.Path(sys.argv[1]).resolve(), int(sys.argv[2]), sys.argv[3:]
    programs = [p for p in sorted((build / "tests" / "fuzz").glob("fuzz_*"))
                if p.is_file() and p.suffix == "" and (not only or p.name.removeprefix("fuzz_") in only)]
    if not programs:
        sys.exit(f"no fuzz targets in {build}")
    print(f"{'target':<12} {'executions':>12} {'edges':>7}  found", flush=True)
    broken = False
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda program: run(program, seconds), programs)
        for program, (executions, edges, problems) in zip(programs, results):
            # A target that ran nothing has shown nothing.
            broken = broken or bool(problems) or executions == 0
            print(f"{program.name.removeprefix('fuzz_'):<12} {executions:>12} {edges:>7}  "
                  f"{' '.join(map(str, problems)) or 'nothing'}", flush=True)
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
