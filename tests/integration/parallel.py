"""Tests of a script side by side, each in a process of its own: what they wait for is seldom a
processor. With names of tests given they run here, one after the other.
"""
import concurrent.futures
import os
import subprocess
import sys
import time
import unittest


def ids(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from ids(test)
        else:
            yield test.id().partition(".")[2]


def run_one(name, arguments):
    began = time.monotonic()
    result = subprocess.run([sys.executable, "-B", sys.argv[0], *arguments, name],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return result.returncode, time.monotonic() - began, result.stdout


def run_all(names, arguments):
    """The exit status. arguments: of the script, before the name of a test."""
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        work = {pool.submit(run_one, name, arguments): name for name in names}
        for done in concurrent.futures.as_completed(work):
            status, seconds, said = done.result()
            failed += status != 0
            print(f"{work[done]}: {'FAILED' if status else 'ok'}, {seconds:.1f} s", flush=True)
            if status:
                print(said, flush=True)
    print(f"{len(names)} tests, {failed} failed")
    return 1 if failed or not names else 0


def main(arguments, first=()):
    """first: the tests that take the longest."""
    if len(sys.argv) > 1:
        unittest.main(verbosity=2)
    names = sorted(ids(unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])),
                   key=lambda name: name.rpartition(".")[2] not in first)
    sys.exit(run_all(names, arguments))
