import { integer, parseSettings, type SettingParser, SettingsError, text, webAccessSettings } from '@will/runtime';

type Environment = Readonly<Record<string, string | undefined>>;

const samplers = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;

const portOrNone: SettingParser<number | undefined> = (raw, name) =>
  raw === undefined ? undefined : integer(0, 0, 65_535)(raw, name);

const sampler: SettingParser<(typeof samplers)[number]> = (raw, name) => {
  const known = samplers.find((one) => one === (raw ?? 'parentbased_always_on'));
  if (!known) throw new SettingsError(`${name} ${JSON.stringify(raw)} must be one of ${samplers.join(', ')}`);
  return known;
};

const share: SettingParser<number> = (raw, name) => {
  const value = Number(raw ?? '1');
  if (!(value >= 0 && value <= 1)) throw new SettingsError(`${name} ${JSON.stringify(raw)} must be from 0 to 1`);
  return value;
};

const releases = ['0.1.0', '1.45.0'] as const;

const conventions: SettingParser<(typeof releases)[number]> = (raw, name) => {
  const known = releases.find((one) => one === (raw ?? '0.1.0'));
  if (!known) throw new SettingsError(`${name} ${JSON.stringify(raw)} must be one of ${releases.join(', ')}`);
  return known;
};

/** Reads what is observed, and where it goes. @throws {SettingsError} */
export function parseObserveSettings(env: Environment) {
  const own = parseSettings(env, {
    ...webAccessSettings,
    /** Where `/metrics`, `/livez` and `/readyz` are asked; 0: any free port; absent: nowhere. */
    port: ['WILL_METRICS_PORT', portOrNone],
    host: ['WILL_METRICS_HOST', text('127.0.0.1')],
    sampler: ['OTEL_TRACES_SAMPLER', sampler],
    samplerShare: ['OTEL_TRACES_SAMPLER_ARG', share],
    metricIntervalMs: ['OTEL_METRIC_EXPORT_INTERVAL', integer(60_000, 100, 3_600_000)],
    /** Release of the conventions that name metrics of calls; the second is the one before, for one release. */
    genAiMetrics: ['WILL_GENAI_METRICS', conventions],
    /** How long finished spans wait for company. */
    spanDelayMs: ['OTEL_BSP_SCHEDULE_DELAY', integer(5_000, 10, 600_000)],
  });
  return { ...own, sendsTraces: sends(env, 'TRACES'), sendsMetrics: sends(env, 'METRICS') };
}

/** By the standard variables; without any of them nothing is sent anywhere, whatever their own defaults say. */
function sends(env: Environment, signal: 'TRACES' | 'METRICS'): boolean {
  if (env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true') return false;
  const exporter = env[`OTEL_${signal}_EXPORTER`];
  if (exporter === 'none') return false;
  if (exporter !== undefined && exporter !== '' && exporter !== 'otlp')
    throw new SettingsError(`OTEL_${signal}_EXPORTER ${JSON.stringify(exporter)} must be otlp or none`);
  const protocol = env[`OTEL_EXPORTER_OTLP_${signal}_PROTOCOL`] || env['OTEL_EXPORTER_OTLP_PROTOCOL'];
  const endpoint = env[`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`] || env['OTEL_EXPORTER_OTLP_ENDPOINT'];
  const isOn = exporter === 'otlp' || Boolean(endpoint);
  if (isOn && protocol && protocol !== 'http/protobuf')
    throw new SettingsError(`OTEL_EXPORTER_OTLP_PROTOCOL ${JSON.stringify(protocol)} must be http/protobuf`);
  return isOn;
}
