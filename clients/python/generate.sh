#!/usr/bin/env bash
# The messages from the proto files. Needs grpcio-tools 1.85.1.
set -euo pipefail
cd "$(dirname "$0")/../.."
python3 -m grpc_tools.protoc -Iproto --python_out=clients/python/src --pyi_out=clients/python/src \
  proto/will/v1/{api,durable,event,policy,registry,task,telemetry}.proto
