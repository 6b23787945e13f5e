#!/usr/bin/env bash
# Stops the whole node and leaves nothing of it: pods, processes, mounts, namespaces, control groups. Ends only what up.sh started.
. "$(dirname "$0")/common.sh"
stop() { for name in "$@"; do [ -e "$run/$name.pid" ] && kill "$(cat "$run/$name.pid")" 2>/dev/null; done; }
ctr() { command ctr -a "$run/containerd.sock" -n k8s.io "$@" 2>/dev/null; }
stop kubelet proxy scheduler manager keda-operator keda-metrics targets prometheus coredns mongodb model; sleep 1
for task in $(ctr task ls -q); do ctr task kill -s KILL "$task" >/dev/null; done; sleep 2
for task in $(ctr task ls -q); do ctr task rm -f "$task" >/dev/null; done
stop etcd
# Its graceful end waits a minute.
[ -e "$run/apiserver.pid" ] && kill -9 "$(cat "$run/apiserver.pid")" 2>/dev/null
stop containerd; sleep 1
for place in $(awk -v below="$run/" 'index($2, below) == 1 { print $2 }' /proc/mounts | sort -r); do umount -l "$place"; done
for name in $(ls /run/netns 2>/dev/null | grep ^cni-); do ip netns del "$name"; done
ip netns del $space 2>/dev/null
for group in /sys/fs/cgroup/*/kubepods /sys/fs/cgroup/*/k8s.io; do [ -d "$group" ] && find "$group" -depth -type d -exec rmdir {} \; 2>/dev/null; done
rm -rf "$run"
