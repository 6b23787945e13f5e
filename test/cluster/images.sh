#!/usr/bin/env bash
# Brings the images to the nodes, as a pull would.
set -euo pipefail
. "$(dirname "$0")/common.sh"
"$here/stand-ins.sh" pause nats mongo
for image in pause:1 nats:2.15.1 mongo:8 will:0.1.0; do
  podman save --quiet --format docker-archive --output "$run/image.tar" "localhost/$image"
  for node in "${nodes[@]%=*}"; do ctr -a "$run/$node/containerd.sock" -n k8s.io images import "$run/image.tar" >/dev/null; done
  rm "$run/image.tar"
done
