# What the scripts of the test cluster share.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
cache=${WILL_CLUSTER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/will-cluster}
bin=$cache/bin run=$cache/run log=$cache/log pki=$cache/run/pki
space=will-cluster node_ip=10.99.0.1
# Two nodes on one machine: what one is drained of, the other takes.
nodes=(node0=10.99.0.1 node1=10.99.0.2)
export CONTAINERS_CONF=$here/containers.conf
in_node() { nsenter --net=/run/netns/$space "$@"; }
kubectl() { in_node "$bin/hyperkube" kubectl --kubeconfig "$pki/admin.kubeconfig" "$@"; }
start() { # name command…
  local name=$1; shift
  if [ -e "$run/$name.pid" ] && kill -0 "$(cat "$run/$name.pid")" 2>/dev/null; then return; fi
  setsid nohup nsenter --net=/run/netns/$space "$@" > "$log/$name.log" 2>&1 < /dev/null &
  echo $! > "$run/$name.pid"
}
helm() { in_node "$(cd "$root" && node -e 'import("./scripts/helm.ts").then(async (m) => console.log(await m.bringHelm()))')" --kubeconfig "$pki/admin.kubeconfig" "$@"; }
# An object that was just made has no conditions yet, and `kubectl wait` fails at once.
await_condition() { # seconds, arguments of kubectl wait…
  local until=$(($(date +%s) + $1)); shift
  until kubectl wait --timeout=10s "$@" >/dev/null 2>&1; do [ "$(date +%s)" -lt $until ] || { echo "not in time: $*"; return 1; }; sleep 1; done
}
