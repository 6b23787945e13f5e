#!/usr/bin/env bash
# KEDA scales a model's workers: from zero for a durable task, up and down with the load, and back to zero. Writes what it
# saw each 2 s (docs/images/kubernetes-scaling.svg is drawn from it by curves.mjs).
set -euo pipefail
. "$(dirname "$0")/common.sh"
"$here/keda.sh"
seen=$log/scaling.seen; : > "$seen"
began=$(date +%s)
told() { echo "$(($(date +%s) - began)) s: $*"; }
gateway=http://$(kubectl -n will get service gateway -o jsonpath='{.spec.clusterIP}')
# Values from files: --set keeps the rest of a list only beside them. What changes.sh scaled by hand is the chart's again.
helm upgrade will "$root/deploy/helm/will" --namespace will --values "$root/deploy/helm/will/values-small.yaml" --values "$here/values.yaml" \
  --set workers[1].autoscaling.kind=keda --force-conflicts --wait --timeout 5m >/dev/null
await_condition 60 -n will --for=condition=Ready scaledobject/worker-burst
query=$(kubectl -n will get scaledobject worker-burst -o jsonpath='{.spec.triggers[0].metadata.query}')
ready() { local n; n=$(kubectl -n will get deployment worker-burst -o jsonpath='{.status.readyReplicas}'); echo "${n:-0}"; }
until_ready() { # at-least|at-most count seconds
  local until=$(($(date +%s) + $3))
  while [ "$(date +%s)" -lt $until ]; do
    case $1 in at-least) [ "$(ready)" -lt "$2" ] || return 0 ;; at-most) [ "$(ready)" -gt "$2" ] || return 0 ;; esac
    sleep 1
  done
  told "not $1 $2 workers within $3 s"; return 1
}
watch() {
  while :; do
    demand=$(in_node curl -sG "http://$node_ip:9090/api/v1/query" --data-urlencode "query=$query" | node -e 'let t="";process.stdin.on("data",(d)=>(t+=d)).on("end",()=>console.log(JSON.parse(t).data.result[0]?.value[1]??""))')
    echo "$(($(date +%s) - began)) ${demand:-0} $(kubectl -n will get deployment worker-burst -o jsonpath='{.spec.replicas}') $(ready)" >> "$seen"
    sleep 2
  done
}
until_ready at-most 0 120; told no worker
began=$(date +%s)
watch & watching=$!
trap 'kill $watching 2>/dev/null' EXIT

asked=$(in_node curl -sS "$gateway/v1/tasks" -H 'host: gateway.will.svc' -H "authorization: Bearer $(cat "$run/key")" -H 'content-type: application/json' -d '{"type":"text_gen","model":"burst","input":"Hello"}')
task=$(node -p 'JSON.parse(process.argv[1]).task_id' "$asked"); told "submitted a durable task: $task"
until_ready at-least 1 60; told one worker, from zero
for _ in $(seq 12); do
  state=$(in_node curl -sS "$gateway/v1/tasks/$task?wait_ms=10000" -H 'host: gateway.will.svc' -H "authorization: Bearer $(cat "$run/key")" | node -e 'let t="";process.stdin.on("data",(d)=>(t+=d)).on("end",()=>console.log(JSON.parse(t).state))')
  [ "$state" != succeeded ] || break
done
told "the durable task: $state"; [ "$state" = succeeded ]
load() { in_node node "$here/load.mjs" "{\"url\":\"$gateway\",\"key\":\"$(cat "$run/key")\",\"model\":\"burst\",\"perSecond\":$1,\"seconds\":$2,\"durableShare\":0}"; }
load 28 75 > "$log/scaling.json" & loading=$!
told 28 tasks a second
until_ready at-least 4 60; told four workers
wait $loading || told "tasks failed"; cat "$log/scaling.json"
told the load ended
# The demand is the highest of two minutes, and KEDA waits for its cooldown.
until_ready at-most 1 240; told one worker
until_ready at-most 0 150
# One that ends still answers what it has.
kubectl -n will wait --for=delete pod -l app.kubernetes.io/name=worker-burst --timeout=150s >/dev/null; told no worker
load 1 3; told interactive tasks were held until a worker had started, from zero
until_ready at-most 0 200
