import { type Metadata, type ServerInterceptor, ServerInterceptingCall, status } from '@grpc/grpc-js';

/** The size that a caller's metadata may have; the library itself takes far more. */
export const maxMetadataBytes = 8 * 1024;

/** Refuses calls whose metadata is too large, before their handler sees them. */
export const limitMetadata: ServerInterceptor = (_method, call) => {
  let isRefused = false;
  return new ServerInterceptingCall(call, {
    start: (next) =>
      next({
        onReceiveMetadata(metadata, forward) {
          const bytes = sizeOf(metadata);
          if (bytes <= maxMetadataBytes) return forward(metadata);
          isRefused = true;
          call.sendStatus({
            code: status.RESOURCE_EXHAUSTED,
            details: `metadata of ${bytes} bytes exceeds ${maxMetadataBytes}`,
          });
        },
        onReceiveMessage: (message, forward) => {
          if (!isRefused) forward(message);
        },
        onReceiveHalfClose: (forward) => {
          if (!isRefused) forward();
        },
        onCancel: () => {},
      }),
  });
};

const sizeOf = (metadata: Metadata): number => {
  let bytes = 0;
  for (const [name, values] of Object.entries(metadata.toHttp2Headers()))
    for (const value of [values ?? []].flat()) bytes += name.length + String(value).length;
  return bytes;
};
