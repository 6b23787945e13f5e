#!/usr/bin/env bash
# Stops the whole cluster and leaves nothing of it: pods, processes, mounts, namespaces, control groups. Ends only what up.sh started.
. "$(dirname "$0")/common.sh"
pid() { cat "$run/$1.pid" 2>/dev/null; }
stop() { for name in "$@"; do [ -z "$(pid "$name")" ] || kill "$(pid "$name")" 2>/dev/null; done; }
ctr() { command ctr -a "$run/$1/containerd.sock" -n k8s.io "${@:2}" 2>/dev/null; }
names=("${nodes[@]%=*}")
stop "${names[@]/#/kubelet-}" proxy scheduler manager keda-operator keda-adapter targets prometheus coredns; sleep 1
for node in "${names[@]}"; do for task in $(ctr "$node" task ls -q); do ctr "$node" task kill -s KILL "$task" >/dev/null; done; done; sleep 2
for node in "${names[@]}"; do for task in $(ctr "$node" task ls -q); do ctr "$node" task rm -f "$task" >/dev/null; done; done
stop etcd
# Its graceful end waits a minute.
[ -z "$(pid apiserver)" ] || kill -9 "$(pid apiserver)" 2>/dev/null
stop "${names[@]/#/containerd-}"; sleep 1
for place in $(awk -v below="$run/" 'index($2, below) == 1 { print $2 }' /proc/mounts | sort -r); do umount -l "$place"; done
for name in $(ls /run/netns 2>/dev/null | grep ^cni-); do ip netns del "$name"; done
ip netns del $space 2>/dev/null
for group in /sys/fs/cgroup/*/k8s.io /sys/fs/cgroup/*/will-node*; do [ -d "$group" ] && find "$group" -depth -type d -exec rmdir {} \; 2>/dev/null; done
rm -rf "$run"
