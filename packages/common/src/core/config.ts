import { LeanOpsError } from './errors';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface ConfigFault {
  readonly name: string;
  readonly code: 'MISSING' | 'INVALID';
  readonly message: string;
}

/** Every fault of an environment at once. */
export class ConfigError extends LeanOpsError {
  override readonly name = 'ConfigError';
  readonly faults: readonly ConfigFault[];

  constructor(faults: readonly ConfigFault[]) {
    super('CONFIG', `configuration: ${faults.map((fault) => `${fault.name} ${fault.message}`).join('; ')}`, {
      data: { faults },
    });
    this.faults = faults;
  }
}

type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly message: string };

/** One variable: where it is read, how, and what stands in for it. */
export interface Variable<T> {
  readonly variable: string;
  readonly parse: (raw: string) => Parsed<T>;
  readonly fallback?: T;
  readonly secret?: boolean;
}

export type ConfigSpec = Readonly<Record<string, Variable<unknown>>>;

export type ConfigOf<S extends ConfigSpec> = {
  readonly [K in keyof S]: S[K] extends Variable<infer T> ? T : never;
};

interface TextOptions {
  readonly fallback?: string;
  readonly secret?: boolean;
  readonly pattern?: RegExp;
  /** What the pattern wants, for people: "an https URL". */
  readonly expected?: string;
}

function text(name: string, { pattern, expected = 'another form', ...rest }: TextOptions = {}): Variable<string> {
  return {
    variable: name,
    parse: (raw) => (!pattern || pattern.test(raw) ? { ok: true, value: raw } : { ok: false, message: expected }),
    ...rest,
  };
}

function integer(
  name: string,
  { min = 0, max = Number.MAX_SAFE_INTEGER, fallback }: { min?: number; max?: number; fallback?: number } = {},
): Variable<number> {
  return {
    variable: name,
    parse: (raw) => {
      const value = /^-?\d+$/.test(raw) ? Number(raw) : NaN;
      return value >= min && value <= max
        ? { ok: true, value }
        : { ok: false, message: `a whole number from ${min} to ${max}` };
    },
    ...(fallback !== undefined && { fallback }),
  };
}

function flag(name: string, { fallback }: { fallback?: boolean } = {}): Variable<boolean> {
  return {
    variable: name,
    parse: (raw) =>
      raw === 'true' || raw === 'false' ? { ok: true, value: raw === 'true' } : { ok: false, message: 'true or false' },
    ...(fallback !== undefined && { fallback }),
  };
}

function oneOf<const T extends string>(
  name: string,
  choices: readonly T[],
  { fallback }: { fallback?: NoInfer<T> } = {},
): Variable<T> {
  return {
    variable: name,
    parse: (raw) => {
      const value = choices.find((choice) => choice === raw);
      return value === undefined ? { ok: false, message: `one of ${choices.join(', ')}` } : { ok: true, value };
    },
    ...(fallback !== undefined && { fallback }),
  };
}

/** Kinds of variables: `{ queueUrl: variable.text('DLQ_URL'), concurrency: variable.integer('CONCURRENCY', { min: 1 }) }`. */
export const variable = { text, integer, flag, oneOf } as const;

/**
 * Reads an environment by a spec. An empty variable counts as absent (that is what Terraform makes of null).
 *
 * @throws ConfigError with every fault; it never quotes a secret.
 */
export function readConfig<const S extends ConfigSpec>(env: Environment, spec: S): ConfigOf<S> {
  const faults: ConfigFault[] = [];
  const entries = Object.entries(spec).map(([key, { variable: name, parse, secret, ...rest }]) => {
    const raw = env[name];
    if (raw === undefined || raw === '') {
      if (!('fallback' in rest)) faults.push({ name, code: 'MISSING', message: 'is not set' });
      return [key, rest.fallback];
    }
    const parsed = parse(raw);
    if (parsed.ok) return [key, parsed.value];
    const shown = secret ? 'its value (hidden)' : JSON.stringify(raw.slice(0, 200));
    faults.push({ name, code: 'INVALID', message: `must be ${parsed.message}, not ${shown}` });
    return [key, undefined];
  });
  if (faults.length > 0) throw new ConfigError(faults);
  return Object.fromEntries(entries) as ConfigOf<S>;
}

/** The config as it may be logged: secrets masked. */
export function maskedConfig<S extends ConfigSpec>(spec: S, config: ConfigOf<S>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [key, spec[key]?.secret === true ? '***' : value]),
  );
}
