#!/usr/bin/env bash
# Starts every service out of an image as the manifests do (read-only root, user 1000, no capabilities), on this machine's
# loopback, and runs a task through them. usage: image.sh IMAGE NATS_SERVER
set -euo pipefail
image=$1 nats=$2
here=$(cd "$(dirname "$0")" && pwd)
export CONTAINERS_CONF=$here/containers.conf
folder=$(mktemp -d); chmod 711 "$folder"
mkdir -m 700 "$folder/data"; chown 1000:1000 "$folder/data"
port() { node -e 's=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})'; }
natsport=$(port) http=$(port) grpc=$(port) model=$(port)
names=()
stop() { podman stop -t 20 "${names[@]}" >/dev/null 2>&1 || true; kill "$natspid" "$modelpid" 2>/dev/null || true; rm -rf "$folder"; }
trap stop EXIT
"$nats" -js -sd "$folder/nats" -a 127.0.0.1 -p "$natsport" >"$folder/nats.log" 2>&1 & natspid=$!
MS=50 PORT=$model node "$here/model-server.mjs" & modelpid=$!
start() { # service environment…
  local service=$1; shift
  local name=will-image-$service-$$
  podman run --detach --rm --name "$name" --network host --read-only --cap-drop ALL --security-opt no-new-privileges \
    --memory 768m --tmpfs /tmp --volume "$folder/data:/data" --env NATS_URL=nats://127.0.0.1:$natsport \
    --env WILL_DATA_DIR=/data --env WILL_METRICS_PORT=0 "$@" \
    "$image" node --disable-sigusr1 "programs/$service.mjs" >/dev/null
  names+=("$name")
}
began=$(date +%s)
for service in registry policy telemetry router tasks provider-worker; do start $service; done
start gateway --env WILL_HTTP_PORT=$http --env WILL_GRPC_PORT=$grpc
cat > "$folder/documents.yaml" <<Y
kind: settings
default_data_class: open
---
kind: model
name: Mock
tags: [text_gen]
call_method: Local
endpoint: http://127.0.0.1:$model/v1
provider_model: mock
Y
chmod 644 "$folder/documents.yaml"
willm() { podman run --rm --network host --read-only --cap-drop ALL --tmpfs /tmp --tmpfs /data --env NATS_URL=nats://127.0.0.1:$natsport --volume "$folder/documents.yaml:/documents.yaml:ro" "$image" willm "$@"; }
until willm apply -f /documents.yaml; do sleep 1; [ $(($(date +%s) - began)) -lt 400 ]; done
willm status
body='{"model":"text_gen","messages":[{"role":"user","content":"Hello"}]}'
until curl -fsS -m 20 "http://127.0.0.1:$http/v1/chat/completions" -H 'content-type: application/json' -d "$body"; do sleep 1; [ $(($(date +%s) - began)) -lt 400 ]; done
echo; echo "a task was answered after $(($(date +%s) - began)) s"
podman stats --no-stream --format '{{.Name}} {{.MemUsage}}' "${names[@]}"
