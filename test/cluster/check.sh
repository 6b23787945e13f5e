#!/usr/bin/env bash
# Installs the chart on the nodes that up.sh started, and looks whether it does what it promises. Prints what it saw; its
# exit code says whether all of it held. What needs KEDA is passed over where that was not built.
set -uo pipefail
. "$(dirname "$0")/common.sh"
cd "$root"
faults=0
step() { echo "== $*"; "$@" || { echo "FAILED: $*"; faults=$((faults + 1)); }; }
step "$here/images.sh"
step "$here/install.sh"
[ $faults = 0 ] || exit 1
step "$here/clients.sh"
step "$here/changes.sh" planned
step "$here/changes.sh" unplanned
step "$here/capacity.sh"
if [ -x "$bin/keda-operator" ]; then step "$here/scaling.sh"; else echo "== passed over: KEDA is not built"; fi
exit $faults
