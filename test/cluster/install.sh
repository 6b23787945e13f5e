#!/usr/bin/env bash
# Installs the chart as docs/guides/kubernetes.md says, makes a key, and runs the first task.
set -euo pipefail
. "$(dirname "$0")/common.sh"
began=$(date +%s)
told() { echo "$(($(date +%s) - began)) s: $*"; }

for name in will models mongodb; do kubectl create namespace $name; done
kubectl label namespace will pod-security.kubernetes.io/enforce=restricted
mkdir -p "$run/bus"; chown 1000:1000 "$run/bus"
podman run --rm --volume "$run/bus:/bus" localhost/will:0.1.0 \
  willm bus config --folder /bus --kubernetes --nats-namespace will > "$run/secrets.yaml"
kubectl apply -f "$run/secrets.yaml" >/dev/null
kubectl -n will create secret generic will-mongodb --from-literal=WILL_MONGODB_URI='mongodb://mongodb.mongodb:27017/will'
# Volumes of a node, as local ones are: what they hold stays there, and so do its pods.
for volume in nats registry; do
  mkdir -p "$run/volumes/$volume"; chown 1000:1000 "$run/volumes/$volume"
  kubectl apply -f - >/dev/null <<Y
apiVersion: v1
kind: PersistentVolume
metadata: { name: $volume }
spec:
  capacity: { storage: 20Gi }
  accessModes: [ReadWriteOnce]
  hostPath: { path: $run/volumes/$volume }
  claimRef: { namespace: will, name: $([ $volume = nats ] && echo data-nats-0 || echo registry) }
  nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: kubernetes.io/hostname, operator: In, values: [node0] }] }] } }
Y
done
kubectl -n models create configmap model-server --from-file="$here/model-server.mjs" >/dev/null
kubectl apply -f "$here/objects.yaml" >/dev/null
told prepared

helm install will "$root/deploy/helm/will" --namespace will --values "$root/deploy/helm/will/values-small.yaml" --values "$here/values.yaml" --wait --timeout 5m
told chart installed, documents applied
kubectl -n models wait --for=condition=Available deployment/model --timeout=120s
kubectl -n will wait --for=condition=Available deployment/ops --timeout=120s
kubectl -n will exec deploy/ops -- willm keys create --client default 2>/dev/null | grep -oE 'sk-will-[^ "]+' | head -1 > "$run/key"
kubectl -n will create secret generic will-test-key --from-literal=WILL_API_KEY="$(cat "$run/key")" >/dev/null
helm test will --namespace will
told first task answered
kubectl -n will get pods -o wide
