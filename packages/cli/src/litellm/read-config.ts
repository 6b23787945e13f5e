import { parse } from 'yaml';

export type LitellmFields = Readonly<Record<string, unknown>>;

/** Environment variables by name, as LiteLLM would see them. */
export type LitellmEnvironment = Readonly<Record<string, string | undefined>>;

/** A file of LiteLLM settings with its merge keys applied. */
export interface LitellmConfig {
  readonly deployments: readonly unknown[];
  /** Everything beside `model_list`. */
  readonly others: LitellmFields;
  /** Values of `credential_list` by the name that deployments give: they hold addresses and keys. */
  readonly credentials: ReadonlyMap<string, LitellmFields>;
  /** `litellm_settings.api_base`: where every deployment without an address of its own is sent. */
  readonly defaultAddress: unknown;
  /** The process's own variables, and those that the file sets. */
  readonly environment: LitellmEnvironment;
}

/**
 * Reads the text of a `config.yaml` as LiteLLM does: merge keys (`<<`) and anchors count.
 * @throws {Error} the text is no YAML map.
 */
export function readConfig(text: string, environment: LitellmEnvironment): LitellmConfig {
  const config: unknown = parse(text, { merge: true });
  if (!isMap(config)) throw new Error('the file is no map of LiteLLM settings');
  const { model_list: list, ...others } = config;
  const all = { ...environment, ...variablesIn(others['environment_variables']) };
  const settings = others['litellm_settings'];
  const credentials = Array.isArray(others['credential_list']) ? (others['credential_list'] as readonly unknown[]) : [];
  return {
    deployments: Array.isArray(list) ? (list as readonly unknown[]) : [],
    others,
    credentials: new Map(credentials.filter(isMap).map((each) => [String(each['credential_name']), valuesOf(each)])),
    defaultAddress: isMap(settings) ? resolved(settings['api_base'], all) : undefined,
    environment: all,
  };
}

const valuesOf = ({ credential_values: values }: LitellmFields): LitellmFields => (isMap(values) ? values : {});

const variablesIn = (section: unknown): LitellmEnvironment =>
  isMap(section) ? Object.fromEntries(Object.entries(section).filter(isText)) : {};
const isText = (entry: [string, unknown]): entry is [string, string] => typeof entry[1] === 'string';

const reference = /^os\.environ\/([A-Za-z_][A-Za-z0-9_]*)$/;

/** The variable that a value names (`os.environ/NAME`); undefined: it names none. */
export const variableOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? reference.exec(value.trim())?.[1] : undefined;

/** A value with its reference followed; undefined where the variable is not set. */
export function resolved(value: unknown, environment: LitellmEnvironment): unknown {
  const variable = variableOf(value);
  return variable === undefined ? value : environment[variable];
}

export const isMap = (value: unknown): value is LitellmFields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
