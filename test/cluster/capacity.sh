#!/usr/bin/env bash
# Processor time and memory of each service under a constant load. WILL_CLUSTER_RATE: tasks a second (default 30).
set -euo pipefail
. "$(dirname "$0")/common.sh"
rate=${WILL_CLUSTER_RATE:-30}
gateway=http://$(kubectl -n will get service gateway -o jsonpath='{.spec.clusterIP}')
in_node node "$here/load.mjs" "{\"url\":\"$gateway\",\"key\":\"$(cat "$run/key")\",\"model\":\"mock\",\"perSecond\":$rate,\"seconds\":90}" & loading=$!
sleep 20
in_node node "$here/capacity.mjs" "$bin/hyperkube" "$pki/admin.kubeconfig" will 60 "$rate"
wait $loading
