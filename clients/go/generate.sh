#!/usr/bin/env bash
# The messages and services from the proto files. Needs protoc (that of grpcio-tools does), protoc-gen-go 1.36.11 and
# protoc-gen-go-grpc 1.6.0 on PATH.
set -euo pipefail
cd "$(dirname "$0")/../.."
map=
for name in api durable event policy registry task telemetry; do map="$map,Mwill/v1/$name.proto=will/clients/go/willv1;willv1"; done
python3 -m grpc_tools.protoc -Iproto \
  --go_out=clients/go --go_opt="module=will/clients/go$map" \
  --go-grpc_out=clients/go --go-grpc_opt="module=will/clients/go$map" \
  proto/will/v1/{api,durable,event,policy,registry,task,telemetry}.proto
