#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Takes Pangyo away from the messenger, before and after its bridge was finished, and shows both runs
# side by side. `./dev drill` calls it with the programs in PATH; everything it makes is gone afterwards
# but the two run records in the folder it is given.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
records=${1:?usage: drill.sh FOLDER}
experiment=$here/site/pangyo-blackhole-ci.yaml

bold=$([ ! -t 2 ] || printf '\033[1m') plain=$([ ! -t 2 ] || printf '\033[0m')
say() { printf '\n%s\n' "$bold== $*$plain" >&2; }

lab=
trap '[ -z "$lab" ] || blackstart lab down "$lab"' EXIT

# rehearse TOPOLOGY EXPECTED-EXIT-CODE: the run's id goes to $records/NAME.run
rehearse() {
  local name=$1 expected=$2 code=0
  say "$name: starting the lab"
  lab=$name
  blackstart lab up "$here/labs/$name.yaml"
  say "$name: losing Pangyo"
  blackstart run "$experiment" --topology "$here/labs/$name.yaml" --yes --state "$records" \
    --report "$records/$name.json" || code=$?
  blackstart lab down "$name"
  lab=
  [ "$code" = "$expected" ] || { echo "drill: $name ended with exit code $code, expected $expected" >&2; exit 1; }
}

mkdir -p "$records"
rehearse messenger 1
rehearse messenger-bridged 0

run_of() { sed -n 's/^  "run": "\(.*\)",*$/\1/p' "$records/$1.json"; }
say "the same cut, before and after the bridge was finished"
blackstart report "$(run_of messenger)" --compare "$(run_of messenger-bridged)" --state "$records"
