#!/usr/bin/env bash
# A stand-in for the base image where no registry of images is reached: minimal Debian, and the product's Node from npm.
# usage: base-image.sh IMAGE; needs debootstrap, podman and root.
set -euo pipefail
image=$1
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cache=${WILL_CLUSTER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/will-cluster}
export CONTAINERS_CONF=$here/containers.conf
podman image exists "$image" && exit 0
node=$(ls -d "$root"/.cache/tools-*/node_modules/node-linux-*/bin/node | head -1)
files=$cache/base-root
if [ ! -e "$files/.done" ]; then
  rm -rf "$files"
  debootstrap --variant=minbase --include=ca-certificates,libatomic1 bookworm "$files"
  install -m 755 "$node" "$files/usr/local/bin/node"
  npm install --global --prefix "$files/usr/local" --no-audit --no-fund npm@11
  cp /etc/ssl/certs/ca-certificates.crt "$files/etc/ssl/certs/ca-certificates.crt"
  echo 'node:x:1000:' >> "$files/etc/group"
  echo 'node:x:1000:1000::/home/node:/bin/sh' >> "$files/etc/passwd"
  mkdir -p "$files/home/node"; chown 1000:1000 "$files/home/node"
  rm -rf "$files"/var/cache/apt/* "$files"/var/lib/apt/lists/* "$files"/usr/share/doc "$files"/usr/share/man
  touch "$files/.done"
fi
# Node in a container does not read the system's authorities by itself.
tar -C "$files" -c . | podman import \
  --change 'ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt' \
  --change 'CMD ["node"]' - "$image"
