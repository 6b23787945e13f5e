# What the scripts of the test cluster share.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
cache=${WILL_CLUSTER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/will-cluster}
bin=$cache/bin run=$cache/run log=$cache/log pki=$cache/run/pki
space=will-cluster node_ip=10.99.0.1
export CONTAINERS_CONF=$here/containers.conf
in_node() { nsenter --net=/run/netns/$space "$@"; }
kubectl() { in_node "$bin/hyperkube" kubectl --kubeconfig "$pki/admin.kubeconfig" "$@"; }
