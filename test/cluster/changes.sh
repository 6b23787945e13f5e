#!/usr/bin/env bash
# What changes in a cluster, under a constant load. usage: changes.sh planned|unplanned. Prints what became of each task.
# WILL_CLUSTER_RATE: tasks a second (default 30), every tenth of them durable. WILL_CLUSTER_SECONDS: all planned changes one
# after the other within one stretch of so long, and all unplanned ones within another; by default each has its own.
set -euo pipefail
. "$(dirname "$0")/common.sh"
rate=${WILL_CLUSTER_RATE:-30}
gateway=http://$(kubectl -n will get service gateway -o jsonpath='{.spec.clusterIP}')
began=0
told() { echo "$(($(date +%s) - began)) s: $*"; }
rolled() { local name; for name in "$@"; do kubectl -n will rollout status "deployment/$name" --timeout=240s >/dev/null; done; }
services=(gateway router policy tasks telemetry registry console worker-mock)

under_load() { # name seconds
  local name=$1 seconds=$2
  began=$(date +%s)
  in_node node "$here/load.mjs" "{\"url\":\"$gateway\",\"key\":\"$(cat "$run/key")\",\"model\":\"mock\",\"perSecond\":$rate,\"seconds\":$seconds,\"out\":\"$log/$name.seconds\"}" > "$log/$name.json" &
  sleep 5
  "$name"
  told "$name done"
  wait $! || failed=1
  cat "$log/$name.json"
}

scaling() {
  kubectl -n will scale deployment/worker-mock --replicas=4; rolled worker-mock; told four workers
  sleep 10
  kubectl -n will scale deployment/worker-mock --replicas=1; sleep 15; told one worker
}
upgrade() {
  helm upgrade will "$root/deploy/helm/will" --namespace will --reuse-values --set-string settings.WILL_LOG_LEVEL=warn --wait --timeout 6m >/dev/null
  rolled "${services[@]}"; told every service rolled
}
drain() {
  # Two of each, on both nodes; what node1 had runs on node0 when it is drained.
  kubectl -n will scale deployment/worker-mock --replicas=2; rolled worker-mock
  kubectl drain node1 --ignore-daemonsets --delete-emptydir-data --timeout=300s | tail -1; told node1 drained
  kubectl uncordon node1; kubectl -n will scale deployment/worker-mock --replicas=1
}
kills() {
  local name pod until=$((began + ${WILL_CLUSTER_SECONDS:-230} - 90))
  # Each 20 s a pod of another service dies without notice; two of each run, so that one is left.
  while :; do
    for name in worker-mock router gateway policy tasks telemetry; do
      sleep 20
      [ "$(date +%s)" -lt $until ] || return 0
      pod=$(kubectl -n will get pods -l app.kubernetes.io/name=$name --field-selector=status.phase=Running -o name | shuf -n 1)
      kubectl -n will delete "$pod" --grace-period=0 --force >/dev/null 2>&1; told "killed $pod"
    done
  done
}
restart_nats() { kubectl -n will delete pod nats-0 >/dev/null; kubectl -n will wait --for=condition=Ready pod/nats-0 --timeout=120s >/dev/null; told nats-0 is back; sleep 20; }

planned_changes() { scaling; upgrade; drain; }
unplanned_changes() { kills; restart_nats; }

failed=0
case $1 in
planned)
  if [ -n "${WILL_CLUSTER_SECONDS:-}" ]; then under_load planned_changes "$WILL_CLUSTER_SECONDS"; else
    under_load scaling 75
    under_load upgrade 180
    under_load drain 90
  fi ;;
unplanned)
  kubectl -n will scale deployment/worker-mock --replicas=2 >/dev/null; rolled worker-mock
  names="kills restart_nats"
  if [ -n "${WILL_CLUSTER_SECONDS:-}" ]; then
    names=unplanned_changes
    under_load unplanned_changes "$WILL_CLUSTER_SECONDS"
  else
    under_load kills 150
    under_load restart_nats 60
  fi
  # Figures, not a verdict: what is lost without notice fails, where its answer was under way.
  failed=0
  for name in $names; do node -e 'const { durable } = JSON.parse(require("fs").readFileSync(process.argv[1])); process.exit(durable.accepted === durable.succeeded ? 0 : 1)' "$log/$name.json" || failed=1; done ;;
esac
exit $failed
