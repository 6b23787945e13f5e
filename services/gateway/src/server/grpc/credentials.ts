import { ServerCredentials } from '@grpc/grpc-js';
import type { ServerCertificate, TlsContext } from '../tls.ts';

/** Credentials of a gRPC server whose certificate may be renewed while it serves. */
class RenewedCredentials extends ServerCredentials {
  constructor(certificate: ServerCertificate) {
    super({ minVersion: 'TLSv1.2' }, contextOf(certificate.current));
    certificate.onChange((context) => this.updateSecureContextOptions(contextOf(context)));
  }

  _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

const contextOf = ({ cert, key, minVersion }: TlsContext) => ({ cert, key, minVersion });

/** Without a certificate the server speaks no TLS. */
export const credentialsOf = (certificate: ServerCertificate | undefined): ServerCredentials =>
  certificate ? new RenewedCredentials(certificate) : ServerCredentials.createInsecure();
