#!/usr/bin/env bash
# The cluster's authority and certificates. usage: certs.sh FOLDER NODE=IP…; the first node has the API server.
set -euo pipefail
mkdir -p "$1"; cd "$1"; shift
[ -e ca.crt ] && exit 0
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj /CN=will-cluster -keyout ca.key -out ca.crt 2>/dev/null
leaf() { # name subject [names]
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "$2" -keyout "$1.key" -out "$1.csr" 2>/dev/null
  { echo 'extendedKeyUsage=serverAuth,clientAuth'; [ -z "${3-}" ] || echo "subjectAltName=$3"; } > "$1.ext"
  openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 3650 -out "$1.crt" -extfile "$1.ext" 2>/dev/null
  rm "$1.csr" "$1.ext"
}
server=${1#*=}
leaf apiserver /CN=kube-apiserver "DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:localhost,IP:10.96.0.1,IP:$server,IP:127.0.0.1"
leaf admin /O=system:masters/CN=admin
leaf front-proxy /CN=front-proxy
for node in "$@"; do leaf "${node%=*}" "/O=system:nodes/CN=system:node:${node%=*}" "DNS:${node%=*},IP:${node#*=}"; done
openssl genrsa -out sa.key 2048 2>/dev/null
openssl rsa -in sa.key -pubout -out sa.pub 2>/dev/null
for user in admin "${@%=*}"; do cat > "$user.kubeconfig" <<K
apiVersion: v1
kind: Config
clusters: [{ name: c, cluster: { server: "https://$server:6443", certificate-authority: $PWD/ca.crt } }]
users: [{ name: u, user: { client-certificate: $PWD/$user.crt, client-key: $PWD/$user.key } }]
contexts: [{ name: c, context: { cluster: c, user: u } }]
current-context: c
K
done
