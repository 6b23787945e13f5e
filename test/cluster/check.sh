#!/usr/bin/env bash
# Installs the chart on the node that up.sh started, and looks whether it does what it promises. Prints the seconds of each step.
set -euo pipefail
. "$(dirname "$0")/common.sh"
began=$(date +%s)
told() { echo "$(($(date +%s) - began)) s: $*"; }
helm() { in_node "$(node -e 'import("./scripts/helm.ts").then(async (m) => console.log(await m.bringHelm()))')" --kubeconfig "$pki/admin.kubeconfig" "$@"; }
cd "$root"

# Images: pause and nats-server are programs that this machine has.
for name in pause nats; do mkdir -p "$run/image-$name"; done
cp "$bin/pause" "$run/image-pause/pause"
printf 'FROM scratch\nCOPY pause /pause\nENTRYPOINT ["/pause"]\n' > "$run/image-pause/Dockerfile"
cp "$(find "$root/.cache/nats" -type f -name 'nats-server*' | head -1)" "$run/image-nats/nats-server"
printf 'FROM localhost/will-base:26\nCOPY nats-server /usr/local/bin/nats-server\nENTRYPOINT ["nats-server"]\n' > "$run/image-nats/Dockerfile"
podman build --quiet --tag localhost/pause:1 "$run/image-pause" >/dev/null
podman build --quiet --tag localhost/nats:2.15.0 "$run/image-nats" >/dev/null
for image in localhost/pause:1 localhost/nats:2.15.0 localhost/will:0.1.0; do
  podman save --format docker-archive $image 2>/dev/null | ctr -a "$run/containerd.sock" -n k8s.io images import - >/dev/null
done
told images loaded

for name in will models; do kubectl create namespace $name; done
kubectl label namespace will pod-security.kubernetes.io/enforce=restricted
mkdir -p "$run/bus"; chown 1000:1000 "$run/bus"
podman run --rm --volume "$run/bus:/bus" localhost/will:0.1.0 \
  willm bus config --folder /bus --kubernetes --host nats.will,nats.will.svc,nats.will.svc.cluster.local 2>/dev/null |
  sed 's/namespace: nats$/namespace: will/' > "$run/secrets.yaml"
kubectl apply -f "$run/secrets.yaml" >/dev/null
for volume in nats registry telemetry tasks; do
  mkdir -p "$run/volumes/$volume"; chown 1000:1000 "$run/volumes/$volume"
  kubectl apply -f - >/dev/null <<Y
apiVersion: v1
kind: PersistentVolume
metadata: { name: $volume }
spec: { capacity: { storage: 20Gi }, accessModes: [ReadWriteOnce], hostPath: { path: $run/volumes/$volume } }
Y
done
kubectl -n models create configmap model-server --from-file="$here/model-server.mjs" >/dev/null
told prepared

helm install will deploy/helm/will --namespace will --values deploy/helm/will/values-small.yaml --values "$here/values.yaml" --wait --timeout 5m
told chart installed, documents applied
kubectl apply -f "$here/objects.yaml" >/dev/null
kubectl -n models wait --for=condition=Available deployment/model --timeout=120s
kubectl -n will wait --for=condition=Ready pod/ops --timeout=120s
key=$(kubectl -n will exec ops -- willm keys create --client default 2>/dev/null | grep -oE 'sk-will-[^ "]+' | head -1)
kubectl -n will create secret generic will-test-key --from-literal=WILL_API_KEY="$key" >/dev/null
helm test will --namespace will
told first task answered

address=$(kubectl -n will get service gateway -o jsonpath='{.spec.clusterIP}')
in_node node "$here/load.mjs" "http://$address/v1/chat/completions" "$key" 4 60 & load=$!
sleep 5
for name in gateway router policy worker-mock; do
  kubectl -n will rollout restart "deployment/$name"
  kubectl -n will rollout status "deployment/$name" --timeout=180s
done
wait $load
told rolled out under load without a failed call
kubectl -n will scale deployment/worker-mock --replicas=0
kubectl -n will wait --for=delete pod -l app.kubernetes.io/name=worker-mock --timeout=180s
kubectl -n will get deployment gateway -o jsonpath='{.status.readyReplicas}' | grep -qx 1
(sleep 5; kubectl -n will scale deployment/worker-mock --replicas=1) &
in_node node "$here/load.mjs" "http://$address/v1/chat/completions" "$key" 1 10
told a task waited for a worker that was started
