#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""attest.py, on a made-up build folder; and that every promise this version makes has a test."""
import os
import pathlib
import tempfile
import unittest

import attest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCES = '''
TEST(Plain, Works) {
  proves("S1,S3");
}
TEST_P(Each, Kind) {
  proves("S1");
}
TEST(Plain, SaysNothing) {}
TEST_F(Other, NeverRun) { proves("S2"); }
'''
RESULTS = '''<testsuites><testsuite name="Plain">
<testcase name="Works" classname="Plain" status="run" time="0.5">{failure}</testcase></testsuite>
<testsuite name="All/Each">
<testcase name="Kind/a" classname="All/Each" status="run" time="1"/>
<testcase name="Kind/b" classname="All/Each" status="run" time="0"><skipped message="x_test.cpp:3&#10;no tcx"/></testcase>
</testsuite></testsuites>'''


class Attest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name)
        for name in "tests/unit", "build/tests/unit", "build/results", "build/Testing/Temporary":
            (self.root / name).mkdir(parents=True)
        (self.root / "tests/unit/x_test.cpp").write_text(SOURCES)
        (self.root / "build/tests/unit/x_test").write_text("")
        self.results = self.root / "build/results/x_test.xml"
        self.results.write_text(RESULTS.format(failure=""))

    def cases(self):
        results = attest.Results(self.root / "build")
        return {proof.name: results.of(proof) for proof in attest.proofs(self.root / "tests")}

    def test_finds_what_says_it_proves_something(self):
        found = {proof.name: proof.promises for proof in attest.proofs(self.root / "tests")}
        self.assertEqual(found, {"Works": ["S1", "S3"], "Kind": ["S1"], "NeverRun": ["S2"]})

    def test_says_what_became_of_it(self):
        cases = self.cases()
        self.assertEqual(cases["Works"].text(), "pass 0.5 s")
        self.assertEqual(cases["Kind"].text(), "pass 1.0 s (1 of 2 skipped: no tcx)")
        self.assertEqual(cases["NeverRun"].text(), "not run")

    def test_a_failure_is_one(self):
        self.results.write_text(RESULTS.format(failure='<failure message="x_test.cpp:9&#10;no"/>'))
        self.assertEqual(self.cases()["Works"].outcome, attest.FAIL)

    def test_results_of_another_build_are_stale(self):
        os.utime(self.results, (1, 1))
        self.assertEqual(self.cases()["Works"].outcome, attest.STALE)

    def test_a_program_that_crashed_wrote_no_results(self):
        log = self.root / "build/Testing/Temporary/LastTestsFailed.log"
        log.write_text("3:x_test\n")
        written = self.results.stat().st_mtime
        os.utime(log, (written + 1, written + 1))
        self.assertEqual(self.cases()["Works"].outcome, attest.FAIL)
        os.utime(log, (written - 1, written - 1))  # an earlier run
        self.assertEqual(self.cases()["Works"].outcome, attest.PASS)

    def test_torn_results_are_none(self):
        self.results.write_text("<testsuites><testsuite")
        self.assertEqual(self.cases()["Works"].outcome, attest.NOT_RUN)

    def test_a_promise_is_as_good_as_its_worst_test(self):
        case = attest.Case
        self.assertEqual(attest.verdict([]), attest.NONE)
        self.assertEqual(attest.verdict([case(attest.PASS), case(attest.FAIL)]), attest.FAIL)
        self.assertEqual(attest.verdict([case(attest.PASS), case(attest.SKIPPED)]), attest.PASS)
        self.assertEqual(attest.verdict([case(attest.SKIPPED)]), attest.SKIPPED)
        self.assertEqual(attest.verdict([case(attest.PASS), case(attest.NOT_RUN)]), attest.NOT_RUN)

    def test_every_test_proves_a_promise_that_is_made(self):
        made = [number for number, _ in attest.promises((ROOT / "docs/safety.md").read_text())]
        self.assertEqual(made, [f"S{n}" for n in range(1, 16)])
        for proof in attest.proofs(ROOT / "tests"):
            self.assertLessEqual(set(proof.promises), set(made), proof.text())


if __name__ == "__main__":
    unittest.main()
