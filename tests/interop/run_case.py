#!/usr/bin/env python3
"""Runs one case, or all cases, of one file of interop tests.

    run_case.py --programs DIR --certificates DIR [--examples DIR] [--node-ws DIR] [--openssl COMMAND] test_curl
                [test_tls_1_2]

Ends with 77 if everything was skipped, so that ctest can tell a skip from a success.
"""
import argparse
import importlib
import pathlib
import sys
import unittest

sys.dont_write_bytecode = True  # nothing is written into the source folder
import harness  # noqa: E402

SKIPPED = 77


def cases_of(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from cases_of(item)
        else:
            yield item


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=pathlib.Path, required=True)
    parser.add_argument("--certificates", type=pathlib.Path, required=True)
    parser.add_argument("--examples", type=pathlib.Path)
    parser.add_argument("--node-ws", type=pathlib.Path)
    parser.add_argument("--openssl", default="openssl")
    parser.add_argument("file")
    parser.add_argument("case", nargs="?")
    arguments = parser.parse_args()
    harness.programs = arguments.programs
    harness.certificates = arguments.certificates
    harness.examples = arguments.examples
    harness.node_ws = arguments.node_ws
    harness.openssl_command = arguments.openssl

    module = importlib.import_module(arguments.file)
    cases = list(cases_of(unittest.defaultTestLoader.loadTestsFromModule(module)))
    chosen = [case for case in cases if arguments.case in (None, case.id().rsplit(".", 1)[1])]
    if not chosen:
        sys.exit(f"{arguments.file} has no case {arguments.case}")

    result = unittest.TextTestRunner(verbosity=2).run(unittest.TestSuite(chosen))
    if not result.wasSuccessful():
        sys.exit(1)
    for _, why in result.skipped:
        print("skipped:", why)
    if len(result.skipped) == len(chosen):
        sys.exit(SKIPPED)


if __name__ == "__main__":
    main()
