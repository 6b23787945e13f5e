import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { dirname, isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import { integer, isLoopbackHost, optionalText, parseSettings, type SettingParser, SettingsError } from '@will/runtime';

/** The end of the audit log at an instant. */
export interface AnchoredHead {
  /** UTC milliseconds. */
  readonly atMs: number;
  readonly sequence: number;
  /** SHA-256 in hex of the last entry, which holds that of the one before it, and so on. */
  readonly digest: string;
}

/** A place outside the log's own, which the one that changes the log cannot change. */
export interface AuditAnchor {
  /** Resolves once the place has it. Gives up after 10 s. @throws when the place did not take it */
  write(head: AnchoredHead): Promise<void>;
}

export interface AnchorSettings {
  /** undefined: the log is anchored nowhere. */
  readonly anchor: AuditAnchor | undefined;
  readonly everyMs: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

const answerMs = 10_000;

/** The place and interval at which the end of the audit log is anchored. @throws {SettingsError} */
export function auditAnchorOf(env: Environment): AnchorSettings {
  const { place, minutes, secretFile } = parseSettings(env, {
    place: ['WILL_AUDIT_ANCHOR', placeOf],
    minutes: ['WILL_AUDIT_ANCHOR_MINUTES', integer(5, 1, 1_440)],
    secretFile: ['WILL_AUDIT_ANCHOR_SECRET_FILE', optionalText],
  });
  return { anchor: place && anchorAt(place, env, secretFile), everyMs: minutes * 60_000 };
}

type Place = { readonly file: string } | { readonly url: string } | 'otlp';

const placeOf: SettingParser<Place | undefined> = (raw, name) => {
  if (raw === undefined) return undefined;
  if (raw === 'otlp') return raw;
  const url = URL.canParse(raw) ? new URL(raw) : undefined;
  const mayBePlain = url !== undefined && isLoopbackHost(url.hostname.replace(/^\[|\]$/g, ''));
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && mayBePlain)) return { url: raw };
  const file = url?.protocol === 'file:' ? fileURLToPath(url) : raw;
  if (isAbsolute(file)) return { file };
  throw new SettingsError(
    `${name} ${JSON.stringify(raw.slice(0, 80))} must be an absolute path, an https:// address, or otlp`,
  );
};

function anchorAt(place: Place, env: Environment, secretFile: string | undefined): AuditAnchor {
  if (place === 'otlp') return otlpAnchor(env);
  return 'file' in place ? fileAnchor(place.file) : webhookAnchor(place.url, secretFile);
}

/** One line of JSON more for each head: the file may be one that can only be added to. */
const fileAnchor = (path: string): AuditAnchor => ({
  async write(head) {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(path, 'a', 0o600);
    try {
      await file.appendFile(`${JSON.stringify(head)}\n`);
      await file.datasync();
    } finally {
      await file.close();
    }
  },
});

/** With a secret the body is signed: `x-will-signature: sha256=<HMAC-SHA-256 of the body in hex>`. */
function webhookAnchor(url: string, secretFile: string | undefined): AuditAnchor {
  const secret = secretFile === undefined ? undefined : secretIn(secretFile);
  return {
    write(head) {
      const body = JSON.stringify({ kind: 'will.audit.head', ...head });
      const signature = secret && createHmac('sha256', secret).update(body).digest('hex');
      return post(url, body, signature === undefined ? {} : { 'x-will-signature': `sha256=${signature}` });
    },
  };
}

function secretIn(path: string): string {
  const refused = (why: string): SettingsError =>
    new SettingsError(`WILL_AUDIT_ANCHOR_SECRET_FILE ${path} ${why}: name a file with at least 16 characters`);
  let secret: string;
  try {
    secret = readFileSync(path, 'utf8').trim();
  } catch (cause) {
    throw refused(`cannot be read (${(cause as NodeJS.ErrnoException).code})`);
  }
  if (secret.length < 16) throw refused(`holds ${secret.length} characters`);
  return secret;
}

/** A log record by OTLP over HTTP, in its JSON form, to the collector that the standard variables name. */
function otlpAnchor(env: Environment): AuditAnchor {
  const base = env['OTEL_EXPORTER_OTLP_ENDPOINT'];
  const url = env['OTEL_EXPORTER_OTLP_LOGS_ENDPOINT'] || (base && `${base.replace(/\/$/, '')}/v1/logs`);
  if (!url || !URL.canParse(url))
    throw new SettingsError(
      'WILL_AUDIT_ANCHOR otlp needs a collector: set OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_LOGS_ENDPOINT',
    );
  const headers = headersIn(env['OTEL_EXPORTER_OTLP_LOGS_HEADERS'] || env['OTEL_EXPORTER_OTLP_HEADERS']);
  return { write: (head) => post(url, JSON.stringify(logRecordOf(head)), headers) };
}

/** `name=value,name=value`, percent-encoded, as the standard writes them. */
const headersIn = (stated = ''): Readonly<Record<string, string>> =>
  Object.fromEntries(
    stated
      .split(',')
      .map((pair) => pair.split('='))
      .filter(([name = '']) => name.trim() !== '')
      .map(([name = '', ...value]) => [name.trim().toLowerCase(), decodeURIComponent(value.join('=').trim())]),
  );

function logRecordOf({ atMs, sequence, digest }: AnchoredHead): object {
  const text = (key: string, stringValue: string): object => ({ key, value: { stringValue } });
  const record = {
    timeUnixNano: `${BigInt(atMs) * 1_000_000n}`,
    severityNumber: 9,
    severityText: 'INFO',
    eventName: 'will.audit.head',
    body: { stringValue: `the audit log ends at entry ${sequence}` },
    attributes: [
      { key: 'will.audit.sequence', value: { intValue: String(sequence) } },
      text('will.audit.digest', digest),
    ],
  };
  const resource = { attributes: [text('service.namespace', 'will'), text('service.name', 'will-registry')] };
  return { resourceLogs: [{ resource, scopeLogs: [{ scope: { name: 'will' }, logRecords: [record] }] }] };
}

async function post(url: string, body: string, headers: Readonly<Record<string, string>>): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
    redirect: 'error',
    signal: AbortSignal.timeout(answerMs),
  });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`${new URL(url).host} answered ${response.status}`);
}
