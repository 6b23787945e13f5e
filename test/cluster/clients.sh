#!/usr/bin/env bash
# Services outside this repository, in TypeScript, Python and Go: each runs, streams and submits a task by a gateway's
# gRPC server. usage: clients.sh [prepare]; prepare installs what they need, from npm, PyPI and the Go module proxy.
set -euo pipefail
. "$(dirname "$0")/common.sh"
outside=$cache/clients
if [ ! -e "$outside/.done" ]; then
  rm -rf "$outside"; mkdir -p "$outside"
  cp -r "$root/examples/client-ts" "$root/examples/client-python" "$outside/"
  node "$root/scripts/pack.ts" --out "$outside/packed"
  (cd "$outside/client-ts" && npm install --no-audit --no-fund "$outside"/packed/will-client-*.tgz && npx tsc)
  python3 -m venv "$outside/venv" && "$outside/venv/bin/pip" install --quiet "$root/clients/python"
  (cd "$root/examples/client-go" && go build -buildvcs=false -o "$outside/client-go" .)
  touch "$outside/.done"
fi
[ "${1-}" != prepare ] || exit 0
gateway=$(kubectl -n will get service gateway -o jsonpath='{.spec.clusterIP}'):50051
asked() { # name url command…
  echo "-- $1"
  (cd "$outside" && in_node env "WILL_API_KEY=$(cat "$run/key")" "WILL_URL=$2" "${@:3}") | tee "$log/client"
  [ "$(wc -l < "$log/client")" = 3 ] && ! grep -qi false "$log/client"
}
asked TypeScript "grpc://$gateway" node client-ts/dist/main.js
asked Python "grpc://$gateway" venv/bin/python client-python/main.py
asked Go "$gateway" ./client-go
