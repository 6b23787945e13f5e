#!/usr/bin/env bash
# Tells Prometheus which pods there are: Debian builds it without discovery of Kubernetes.
. "$(dirname "$0")/common.sh"
query='{range .items[?(@.metadata.annotations.prometheus\.io/scrape=="true")]}{.status.podIP}{" "}{.metadata.name}{" "}{.metadata.labels.app\.kubernetes\.io/name}{" "}{.metadata.namespace}{"\n"}{end}'
while :; do
  "$bin/hyperkube" kubectl --kubeconfig "$pki/admin.kubeconfig" get pods -A -o jsonpath="$query" 2>/dev/null |
    awk 'BEGIN { printf "[" } NF == 4 { printf "%s{\"targets\":[\"%s:9464\"],\"labels\":{\"pod\":\"%s\",\"app\":\"%s\",\"namespace\":\"%s\"}}", (n++ ? "," : ""), $1, $2, $3, $4 } END { print "]" }' > "$run/targets.tmp" &&
    mv "$run/targets.tmp" "$run/targets.json"
  sleep 5
done
