#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Outcomes, plans and JUnit files are what their schemas say.

usage: report_schema_test.py BLACKSTART REPORT_DOCUMENTS FOLDER JUNIT_XSD EXPERIMENT...

A document is also spoiled, one key at a time: the schema must notice, or it says nothing.
"""
import copy
import json
import pathlib
import subprocess
import sys

import jsonschema
from lxml import etree


def printed(*command):
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def undescribed(document, schema, path=""):
    """Keys the schema does not know: it lets them pass, but what ships must be described."""
    if isinstance(document, dict):
        known = schema.get("properties")
        rest = schema.get("additionalProperties")
        for key, value in document.items():
            if known is not None and key in known:
                yield from undescribed(value, known[key], f"{path}/{key}")
            elif isinstance(rest, dict):
                yield from undescribed(value, rest, f"{path}/*")
            else:
                yield f"{path}/{key}"
    elif isinstance(document, list):
        for value in document:
            yield from undescribed(value, schema.get("items", {}), f"{path}/0")


def spoiled(document, path=""):
    """The document without one of its fixed keys, or with a strange value there."""
    if isinstance(document, dict) and document:
        for key in document:
            less = copy.deepcopy(document)
            del less[key]
            yield f"without {path}/{key}", less
            more = copy.deepcopy(document)
            more[key] = {"strange": object.__name__}
            yield f"strange {path}/{key}", more


def main():
    blackstart, writer, folder, xsd, *experiments = sys.argv[1:]
    folder = pathlib.Path(folder)
    subprocess.run([writer, str(folder)], check=True)
    problems, checked = [], 0

    documents = {"Outcome": [(file.name, json.loads(file.read_text())) for file in sorted(folder.glob("*.json"))],
                 "Plan": [(file, printed(blackstart, "plan", file, "--output", "json")) for file in experiments]}
    for kind, all_of_kind in documents.items():
        schema = printed(blackstart, "schema", kind)
        jsonschema.Draft202012Validator.check_schema(schema)
        validator = jsonschema.Draft202012Validator(schema)
        for name, document in all_of_kind:
            checked += 1
            problems += [f"{name}: {error.json_path}: {error.message}" for error in validator.iter_errors(document)]
            problems += [f"{name}: no schema describes {key}" for key in undescribed(document, schema)]
        for what, bad in spoiled(all_of_kind[0][1]):
            # Named things and free text are the only ones that take anything of their type.
            if validator.is_valid(bad) and what.split(" /")[1] not in ("services", "probes", "versions"):
                problems.append(f"{kind}: the schema accepts a document {what}")

    suite = etree.XMLSchema(etree.parse(xsd))
    for file in sorted(folder.glob("*.xml")):
        checked += 1
        document = etree.parse(str(file))
        if not suite.validate(document):
            problems.append(f"{file.name}: {suite.error_log}")
        one = document.getroot()[0]
        for counter, element in (("tests", "testcase"), ("failures", "failure"), ("errors", "error"),
                                 ("skipped", "skipped")):
            if int(one.get(counter)) != len(one.findall(f".//{element}")):
                problems.append(f"{file.name}: {counter} is not the number of {element}")
    nameless = etree.fromstring("<testsuites><testsuite name='x' tests='1' failures='0' errors='0'><testcase/>"
                                "</testsuite></testsuites>")
    if suite.validate(nameless):
        problems.append("the JUnit schema accepts a case without a name")

    print("\n".join(problems))
    print(f"{checked} documents, {len(problems)} problems")
    return 1 if problems or checked < 9 else 0


if __name__ == "__main__":
    sys.exit(main())
