#!/usr/bin/env bash
# KEDA's operator and its metrics server beside the API server, as processes. Needs `node programs.ts`.
set -euo pipefail
. "$(dirname "$0")/common.sh"
definitions=$(cd "$root" && node -e 'import("./test/cluster/programs.ts").then((m) => console.log(m.kedaDefinitions()))')
mkdir -p "$run/keda"
if [ ! -e "$run/keda/tls.crt" ]; then
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=keda -keyout "$run/keda/tls.key" -out "$run/keda/tls.csr" 2>/dev/null
  printf 'extendedKeyUsage=serverAuth,clientAuth\nsubjectAltName=DNS:localhost,DNS:keda-metrics-apiserver.keda.svc\n' > "$run/keda/names"
  openssl x509 -req -in "$run/keda/tls.csr" -CA "$pki/ca.crt" -CAkey "$pki/ca.key" -CAcreateserial -days 30 -out "$run/keda/tls.crt" -extfile "$run/keda/names" 2>/dev/null
  cp "$pki/ca.crt" "$run/keda/"
fi
kubectl create namespace keda --dry-run=client -o yaml | kubectl apply -f - >/dev/null
kubectl apply --server-side -f "$definitions" >/dev/null
await_condition 60 --for=condition=Established crd/scaledobjects.keda.sh
kubectl apply -f - >/dev/null <<Y
apiVersion: v1
kind: Service
metadata: { name: keda-metrics-apiserver, namespace: keda }
spec: { ports: [{ name: https, port: 443, targetPort: 6444 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: keda-metrics-apiserver, namespace: keda, labels: { kubernetes.io/service-name: keda-metrics-apiserver } }
addressType: IPv4
ports: [{ name: https, port: 6444, protocol: TCP }]
endpoints: [{ addresses: [$node_ip] }]
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: { name: v1beta1.external.metrics.k8s.io }
spec:
  service: { name: keda-metrics-apiserver, namespace: keda }
  caBundle: $(base64 -w0 "$pki/ca.crt")
  group: external.metrics.k8s.io
  version: v1beta1
  groupPriorityMinimum: 100
  versionPriority: 100
Y
known=(env "KUBECONFIG=$pki/admin.kubeconfig" POD_NAMESPACE=keda KEDA_CLUSTER_OBJECT_NAMESPACE=keda WATCH_NAMESPACE=)
start keda-operator "${known[@]}" "$bin/keda-operator" --cert-dir="$run/keda" --metrics-bind-address=127.0.0.1:8180 \
  --health-probe-bind-address=127.0.0.1:8183 --metrics-service-bind-address=127.0.0.1:9666
start keda-adapter "${known[@]}" "$bin/keda-adapter" --secure-port=6444 --port=8182 --cert-dir="$run/keda" --tls-cert-file="$run/keda/tls.crt" \
  --tls-private-key-file="$run/keda/tls.key" --client-ca-file="$run/keda/ca.crt" --metrics-service-address=localhost:9666 \
  --lister-kubeconfig="$pki/admin.kubeconfig" --authentication-kubeconfig="$pki/admin.kubeconfig" --authorization-kubeconfig="$pki/admin.kubeconfig"
await_condition 120 --for=condition=Available apiservice/v1beta1.external.metrics.k8s.io
