#!/usr/bin/env bash
# Two nodes of Kubernetes in a network namespace of its own. What containers need by default and this kind of machine does
# not grant (raised limits, scores of the memory killer, huge pages) is switched off where it is asked for.
set -euo pipefail
. "$(dirname "$0")/common.sh"
mkdir -p "$run/cni" "$log"
"$here/certs.sh" "$pki" "${nodes[@]}"

if ! ip netns list | grep -qw $space; then
  ip netns add $space
  ip -n $space link set lo up
  ip -n $space link add node0 type veth peer name node0p
  ip -n $space link set node0p up
  for node in "${nodes[@]}"; do ip -n $space addr add "${node#*=}/24" dev node0; done
  ip -n $space link set node0 up
  ip -n $space route add default dev node0
fi
in_node sysctl -qw net.ipv4.ip_forward=1 || true

cat > "$run/cni/10-bridge.conflist" <<T
{ "cniVersion": "0.4.0", "name": "will", "plugins": [
  { "type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": true, "hairpinMode": true,
    "ipam": { "type": "host-local", "ranges": [[{ "subnet": "10.98.0.0/24" }]], "routes": [{ "dst": "0.0.0.0/0" }], "dataDir": "$run/cni-ipam" } },
  { "type": "portmap", "capabilities": { "portMappings": true } } ] }
T
echo "nameserver $node_ip" > "$run/resolv.conf"
# kube-proxy ends when its file changes.
[ -e "$run/proxy.yaml" ] || cat > "$run/proxy.yaml" <<T
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: iptables
clusterCIDR: 10.98.0.0/24
hostnameOverride: node0
clientConnection: { kubeconfig: $pki/admin.kubeconfig }
conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s }
T
cat > "$run/Corefile" <<T
.:53 {
  bind $node_ip
  errors
  ready 127.0.0.1:8181
  cache 5
  kubernetes cluster.local {
    kubeconfig $pki/admin.kubeconfig
  }
}
T
cat > "$run/prometheus.yml" <<T
global: { scrape_interval: 5s, evaluation_interval: 5s }
rule_files: [$root/deploy/helm/will/files/rules.yaml]
scrape_configs:
  - job_name: pods
    file_sd_configs: [{ files: [$run/targets.json], refresh_interval: 5s }]
T

# A node: containers of its own, and the kubelet, at an address of its own.
start_node() { # name address
  local here=$run/$1
  mkdir -p "$here/kubelet"
  for group in /sys/fs/cgroup/*/; do
    [ -e "$group/tasks" ] || continue
    mkdir -p "$group/will-$1"
    for file in cpuset.cpus cpuset.mems; do [ ! -e "$group/$file" ] || cat "$group/$file" > "$group/will-$1/$file"; done
    # All pods of a node share what one process outside of it has, the apiserver or kubectl: without more they starve.
    [ ! -e "$group/cpu.shares" ] || echo 10240 > "$group/will-$1/cpu.shares"
  done
  cat > "$here/containerd.toml" <<T
version = 2
root = "$here/containerd"
state = "$here/containerd-state"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.aufs", "io.containerd.internal.v1.opt"]
[grpc]
  address = "$here/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  restrict_oom_score_adj = true
  disable_apparmor = true
  disable_hugetlb_controller = true
  tolerate_missing_hugetlb_controller = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$run/cni"
T
  cat > "$here/kubelet.yaml" <<T
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $2
healthzBindAddress: $2
authentication: { anonymous: { enabled: false }, webhook: { enabled: false }, x509: { clientCAFile: $pki/ca.crt } }
authorization: { mode: AlwaysAllow }
cgroupDriver: cgroupfs
cgroupRoot: /will-$1
failCgroupV1: false
clusterDNS: [$node_ip]
clusterDomain: cluster.local
containerRuntimeEndpoint: unix://$here/containerd.sock
failSwapOn: false
oomScoreAdj: 0
resolvConf: $run/resolv.conf
podLogsDir: $here/pods
tlsCertFile: $pki/$1.crt
tlsPrivateKeyFile: $pki/$1.key
imageGCHighThresholdPercent: 100
evictionHard: { memory.available: 200Mi, nodefs.available: 1%, imagefs.available: 1% }
featureGates: { KubeletInUserNamespace: true }
T
  start "containerd-$1" containerd -c "$here/containerd.toml"
  start "kubelet-$1" "$bin/hyperkube" kubelet --config="$here/kubelet.yaml" --kubeconfig="$pki/$1.kubeconfig" --root-dir="$here/kubelet" --hostname-override="$1" --node-ip="$2"
}

etcd=http://127.0.0.1:2379
start etcd etcd --data-dir "$run/etcd" --listen-client-urls $etcd --advertise-client-urls $etcd --unsafe-no-fsync \
  --listen-peer-urls http://127.0.0.1:2380 --initial-advertise-peer-urls http://127.0.0.1:2380 --initial-cluster default=http://127.0.0.1:2380
start apiserver "$bin/hyperkube" kube-apiserver --etcd-servers=$etcd --advertise-address=$node_ip --bind-address=0.0.0.0 --secure-port=6443 \
  --service-cluster-ip-range=10.96.0.0/16 --client-ca-file="$pki/ca.crt" --tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key" \
  --kubelet-client-certificate="$pki/admin.crt" --kubelet-client-key="$pki/admin.key" --authorization-mode=Node,RBAC --allow-privileged=true \
  --service-account-issuer=https://kubernetes.default.svc --service-account-key-file="$pki/sa.pub" --service-account-signing-key-file="$pki/sa.key" \
  --requestheader-client-ca-file="$pki/ca.crt" --requestheader-allowed-names=front-proxy --requestheader-extra-headers-prefix=X-Remote-Extra- \
  --requestheader-group-headers=X-Remote-Group --requestheader-username-headers=X-Remote-User --proxy-client-cert-file="$pki/front-proxy.crt" \
  --proxy-client-key-file="$pki/front-proxy.key" --enable-aggregator-routing=true --enable-admission-plugins=NodeRestriction --kubelet-preferred-address-types=InternalIP
for _ in $(seq 120); do kubectl get --raw /readyz >/dev/null 2>&1 && break; sleep 1; done
kubectl get --raw /readyz; echo
admin="--kubeconfig=$pki/admin.kubeconfig --authentication-kubeconfig=$pki/admin.kubeconfig --authorization-kubeconfig=$pki/admin.kubeconfig --leader-elect=false"
start manager "$bin/hyperkube" kube-controller-manager $admin --service-account-private-key-file="$pki/sa.key" --root-ca-file="$pki/ca.crt" \
  --use-service-account-credentials=true --cluster-cidr=10.98.0.0/24 --allocate-node-cidrs=false \
  --cluster-signing-cert-file="$pki/ca.crt" --cluster-signing-key-file="$pki/ca.key"
start scheduler "$bin/hyperkube" kube-scheduler $admin
for node in "${nodes[@]}"; do start_node "${node%=*}" "${node#*=}"; done
start proxy "$bin/hyperkube" kube-proxy --config="$run/proxy.yaml"
start coredns "$bin/coredns" -conf "$run/Corefile"
start targets "$here/targets.sh"
start prometheus prometheus --config.file="$run/prometheus.yml" --storage.tsdb.path="$run/prometheus" --web.listen-address=$node_ip:9090
for node in "${nodes[@]}"; do until kubectl get "node/${node%=*}" >/dev/null 2>&1; do sleep 1; done; done
kubectl wait --for=condition=Ready node --all --timeout=120s
