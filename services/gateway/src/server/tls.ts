import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { contained, SettingsError } from '@will/runtime';

/** Files, PEM: a certificate, followed by those of its chain, and its private key. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

/** The certificate that the servers show to callers. */
export interface TlsContext {
  readonly cert: string;
  readonly key: string;
  readonly minVersion: 'TLSv1.2';
}

const pollIntervalMs = 5_000;

/** The certificate of the HTTP and gRPC servers, read anew when its files change. */
export class ServerCertificate {
  readonly #files: TlsFiles;
  readonly #onError: (what: string, error: unknown) => void;
  readonly #listeners: ((context: TlsContext) => void)[] = [];
  #current: TlsContext;
  #refused = '';
  readonly #timer: NodeJS.Timeout;

  /** @throws {SettingsError} naming the file and what is wrong with it */
  constructor(files: TlsFiles, onError: (what: string, error: unknown) => void) {
    this.#files = files;
    this.#onError = onError;
    this.#current = readContext(files, Date.now());
    this.#timer = setInterval(
      contained(() => this.reload()),
      pollIntervalMs,
    ).unref();
  }

  get current(): TlsContext {
    return this.#current;
  }

  onChange(listener: (context: TlsContext) => void): void {
    this.#listeners.push(listener);
  }

  /** Takes up what the files hold now. Files that cannot be used change nothing: the last ones stay, and it is told once. */
  reload(): void {
    try {
      const next = readContext(this.#files, Date.now());
      this.#refused = '';
      if (next.cert === this.#current.cert && next.key === this.#current.key) return;
      this.#current = next;
      for (const listener of this.#listeners) listener(next);
    } catch (error) {
      const { message } = error as Error;
      if (message !== this.#refused) this.#onError('the certificate is not taken up; the last one stays', error);
      this.#refused = message;
    }
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

/** The files that the settings name; undefined: the servers speak no TLS. @throws {SettingsError} only one is named */
export function tlsFilesOf({
  tlsCert: cert,
  tlsKey: key,
}: {
  readonly tlsCert: string | undefined;
  readonly tlsKey: string | undefined;
}): TlsFiles | undefined {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined)
    throw new SettingsError(
      'WILL_TLS_CERT and WILL_TLS_KEY must be set together: a certificate and its key, PEM files',
    );
  return { cert, key };
}

function readContext(files: TlsFiles, nowMs: number): TlsContext {
  const context = { cert: textOf('WILL_TLS_CERT', files.cert), key: textOf('WILL_TLS_KEY', files.key) };
  const certificate = parsed(
    `WILL_TLS_CERT ${files.cert} must hold a certificate in PEM`,
    () => new X509Certificate(context.cert),
  );
  const key = parsed(`WILL_TLS_KEY ${files.key} must hold a private key in PEM, without a password`, () =>
    createPrivateKey(context.key),
  );
  if (!certificate.checkPrivateKey(key))
    throw new SettingsError(`WILL_TLS_KEY ${files.key} is not the key of the certificate ${files.cert}`);
  if (Date.parse(certificate.validTo) <= nowMs)
    throw new SettingsError(`WILL_TLS_CERT ${files.cert} ended at ${certificate.validTo}: renew it`);
  parsed(`WILL_TLS_CERT ${files.cert} cannot be used`, () => createSecureContext(context));
  return { ...context, minVersion: 'TLSv1.2' };
}

function textOf(setting: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new SettingsError(`${setting} ${path} cannot be read (${code}): name a PEM file that this user may read`, {
      cause,
    });
  }
}

function parsed<T>(problem: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new SettingsError(problem, { cause });
  }
}
