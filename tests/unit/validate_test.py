#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The commands `validate` and `schema` as a user meets them.  usage: validate_test.py BLACKSTART SUPPORT_FOLDER"""
import json
import subprocess
import sys
import tempfile
import unittest

import yaml

PROGRAM, SUPPORT = sys.argv[1:3]
LAB = SUPPORT + "/examples/messenger-lab.yaml"
DRILL = SUPPORT + "/examples/pangyo-blackhole.yaml"
OPERATIONS = SUPPORT + "/../../experiments/labs/operations.yaml"
MISTAKES = SUPPORT + "/mistakes/topology.yaml"


def blackstart(*arguments, text=""):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, input=text, check=False)


class Validate(unittest.TestCase):
    def test_ok(self):
        done = blackstart("validate", LAB)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, f"{LAB}: ok (Topology messenger-lab)\n", ""))
        done = blackstart("validate", "--output", "json", LAB)
        self.assertEqual((done.returncode, json.loads(done.stdout)), (0, []))

    def test_every_file_is_reported(self):
        done = blackstart("validate", LAB, MISTAKES, "/nonexistent.yaml", "--output", "json")
        self.assertEqual(done.returncode, 4)
        problems = json.loads(done.stdout)
        self.assertEqual(len(problems), 46)
        self.assertEqual({problem["file"] for problem in problems}, {MISTAKES, "/nonexistent.yaml"})
        self.assertEqual(set(problems[0]), {"file", "line", "column", "message", "hint"})

    def test_what_is_not_available_exits_5(self):
        done = blackstart("validate", DRILL, "--topology", LAB)
        self.assertEqual(done.returncode, 5)
        self.assertEqual(done.stderr.count("not available in this version"), 1)

    def test_what_is_refused_exits_6(self):
        experiment = ("{apiVersion: blackstart/v1, kind: Experiment, metadata: {name: e}, spec: "
                      "{timeline: [{fault: site-blackhole, site: %s, for: 1s}]}}")
        self.assertEqual(blackstart("validate", "/dev/stdin", "--topology", LAB, text=experiment % "users").returncode, 6)
        self.assertEqual(blackstart("validate", "/dev/stdin", "--topology", LAB, text=experiment % "pangyo").returncode, 0)

    def test_a_misspelt_kind_is_told(self):
        for written, meant in (("Experimnt", "Experiment"), ("toplogy", "Topology")):
            text = "{apiVersion: blackstart/v1, kind: %s, metadata: {name: e}}" % written
            done = blackstart("validate", "/dev/stdin", text=text)
            self.assertEqual(done.returncode, 4)
            self.assertIn(f'did you mean "{meant}"?', done.stderr)

    def test_usage(self):
        self.assertEqual(blackstart("validate").returncode, 4)
        self.assertEqual(blackstart("schema", "Toplogy").returncode, 4)
        self.assertIn('did you mean "Topology"?', blackstart("schema", "Toplogy").stderr)
        self.assertEqual(blackstart("valdate").returncode, 4)
        self.assertIn('unknown command valdate; did you mean "validate"?', blackstart("valdate").stderr)
        self.assertNotIn("did you mean", blackstart("frobnicate").stderr)


class Kill(unittest.TestCase):
    """An ad-hoc drill is the experiment it prints."""

    def printed(self, *arguments):
        done = blackstart("kill", *arguments, "--for", "30s", "--topology", LAB, "--print")
        self.assertEqual((done.returncode, done.stderr), (0, ""), arguments)
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(done.stdout)
            file.flush()
            self.assertEqual(blackstart("validate", file.name).returncode, 0, done.stdout)
            return yaml.safe_load(done.stdout)["spec"]["timeline"][0]

    def test_every_option_is_a_field(self):
        self.assertEqual(self.printed("login"), {"at": "0s", "fault": "service-kill", "service": "login", "for": "30s"})
        self.assertEqual(
            self.printed("--role", "ops", "--site", "pangyo", "--hold-down", "--signal", "TERM", "--restore", "command",
                         "--command", "/sbin/start", "--command", 'a "b"'),
            {"at": "0s", "fault": "service-kill", "role": "ops", "site": "pangyo", "holdDown": True, "signal": "TERM",
             "restore": "command", "command": ["/sbin/start", 'a "b"'], "for": "30s"})
        process = {"exe": "/usr/bin/x", "comm": "x", "cmdline": "x --.*", "unit": "x.service", "port": 80,
                   "cgroup": "system.slice", "user": "nobody"}
        options = [word for key, value in process.items() for word in ("--" + key, str(value))]
        self.assertEqual(self.printed("--freeze", "--host", "pangyo-app-1", *options),
                         {"at": "0s", "fault": "service-freeze", "host": "pangyo-app-1", "process": process, "for": "30s"})

    def test_what_is_protected_can_be_named(self):
        arguments = ["bastion", "--for", "1s", "--topology", OPERATIONS]
        refused = blackstart("kill", *arguments)
        self.assertEqual(refused.returncode, 6, refused.stderr)
        self.assertIn("say --unprotect bastion", refused.stderr)
        self.assertIn("(what --print shows):", refused.stderr)
        printed = blackstart("kill", *arguments, "--unprotect", "bastion", "--unprotect", "22", "--print")
        self.assertEqual(yaml.safe_load(printed.stdout)["spec"]["unprotect"], ["bastion", "22"])

    def test_what_it_cannot_mean_is_refused(self):
        for arguments in (["--for", "1s"], ["login"], ["login", "photo", "--for", "1s"], ["--exe", "/x", "--for", "1s"],
                          ["login", "--freeze", "--hold-down", "--for", "1s"], ["logn", "--for", "1s"],
                          ["login", "--signal", "STOP", "--for", "1s"]):
            self.assertEqual(blackstart("kill", *arguments, "--topology", LAB).returncode, 4, arguments)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
