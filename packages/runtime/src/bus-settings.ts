import { optionalText, SettingsError, text } from './settings.ts';

/** Settings that every program needs to reach the bus. */
export const busSettings = {
  natsUrl: ['NATS_URL', text('nats://127.0.0.1:4222')],
  /** Seed of this service's user; absent: the bus has no users. */
  natsSeedFile: ['NATS_SEED_FILE', optionalText],
  /** Files, PEM; all three or none: the bus speaks no TLS. */
  natsTlsCa: ['WILL_NATS_TLS_CA', optionalText],
  natsTlsCert: ['WILL_NATS_TLS_CERT', optionalText],
  natsTlsKey: ['WILL_NATS_TLS_KEY', optionalText],
} as const;

interface BusSettings {
  readonly natsUrl: string;
  readonly natsSeedFile: string | undefined;
  readonly natsTlsCa: string | undefined;
  readonly natsTlsCert: string | undefined;
  readonly natsTlsKey: string | undefined;
}

/**
 * The address of the bus and our identity there, as a connection takes it. @throws {SettingsError} when files of TLS
 * are missing.
 */
export function busAddressOf({ natsUrl, natsSeedFile, natsTlsCa, natsTlsCert, natsTlsKey }: BusSettings): {
  readonly servers: string;
  readonly seedFile: string | undefined;
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string } | undefined;
} {
  const address = { servers: natsUrl, seedFile: natsSeedFile };
  if (natsTlsCa === undefined && natsTlsCert === undefined && natsTlsKey === undefined)
    return { ...address, tls: undefined };
  if (natsTlsCa === undefined || natsTlsCert === undefined || natsTlsKey === undefined)
    throw new SettingsError('WILL_NATS_TLS_CA, WILL_NATS_TLS_CERT and WILL_NATS_TLS_KEY must be set together');
  return { ...address, tls: { ca: natsTlsCa, cert: natsTlsCert, key: natsTlsKey } };
}
