import { type ServerInterceptor, ServerInterceptingCall, status } from '@grpc/grpc-js';
import { accessTo, grpcAccess } from '../../auth/keys/access.ts';
import type { Guard } from '../../auth/keys/guard.ts';
import { statusOf } from './grpc-error.ts';
import { keysIn } from './serve-methods.ts';

/** Refuses calls of every kind, of our services and of libraries' alike, before a message of theirs is read. */
export const guardCalls =
  (guard: Guard): ServerInterceptor =>
  (method, call) => {
    const what = method.path.slice(1);
    let isRefused = false;
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata(metadata, forward) {
            try {
              guard.check(what, accessTo(grpcAccess, what), keysIn(metadata));
            } catch (error) {
              isRefused = true;
              return call.sendStatus({ code: status.UNAUTHENTICATED, details: '', metadata: null, ...statusOf(error) });
            }
            forward(metadata);
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
