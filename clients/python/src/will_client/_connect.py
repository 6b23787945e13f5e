from __future__ import annotations

from ._api import TaskClient


async def connect(
    url: str = "nats://127.0.0.1:4222",
    *,
    client: str = "default",
    seed_file: str | None = None,
    tls_ca: str | None = None,
    tls_cert: str | None = None,
    tls_key: str | None = None,
    api_key: str | None = None,
) -> TaskClient:
    """Connects to NATS (`nats://…`) or to a gateway's gRPC port (`grpc://…`, with TLS `grpcs://…`).

    `client`: slug of the client that asks. `seed_file` and `tls_…`: files of a user of the bus. `api_key`: where the
    gateway asks for keys.
    """
    if url.startswith(("grpc://", "grpcs://")):
        from ._grpc import GrpcClient

        return GrpcClient(url, client, api_key, tls_ca)
    from ._nats import connect_nats

    return await connect_nats(url, client, seed_file, tls_ca, tls_cert, tls_key)
