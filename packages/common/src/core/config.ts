import { LeanOpsError } from './errors';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface ConfigFault {
  readonly name: string;
  readonly code: 'MISSING' | 'INVALID';
  readonly message: string;
}

/** Thrown for an environment that a Lambda cannot run with; it holds every fault at once. */
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

/**
 * One environment variable: its name, how its text is parsed, and the value that stands in for it when it is not set.
 */
export interface Variable<T> {
  readonly variable: string;
  readonly parse: (raw: string) => Parsed<T>;
  readonly fallback?: T;
  /** Whether messages and logs must not show the value. */
  readonly secret?: boolean;
}

/** The variables of a Lambda, by the names of the config's fields. */
export type ConfigSpec = Readonly<Record<string, Variable<unknown>>>;

/** The values that a spec gives. */
export type ConfigOf<S extends ConfigSpec> = {
  readonly [K in keyof S]: S[K] extends Variable<infer T> ? T : never;
};

interface TextOptions {
  readonly fallback?: string;
  readonly secret?: boolean;
  readonly pattern?: RegExp;
  /** A name for the texts that the pattern accepts, for messages: "an https URL". */
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

/** A variable that holds JSON. `read` gives undefined for a value that is not what `expected` says. */
function json<T>(
  name: string,
  { read, expected, fallback }: { read: (value: unknown) => T | undefined; expected: string; fallback?: NoInfer<T> },
): Variable<T> {
  return {
    variable: name,
    parse: (raw) => {
      try {
        const value = read(JSON.parse(raw));
        return value === undefined ? { ok: false, message: expected } : { ok: true, value };
      } catch {
        return { ok: false, message: expected };
      }
    },
    ...(fallback !== undefined && { fallback }),
  };
}

/**
 * The kinds of variables: `{ queueName: variable.text('DLQ_NAME'), concurrency: variable.integer('CONCURRENCY', { min: 1
 * }) }`.
 */
export const variable = { text, integer, flag, oneOf, json } as const;

/**
 * Reads the values that a spec names from an environment. An empty variable counts as absent, as Terraform writes null
 * so.
 *
 * @throws ConfigError with every fault; it never quotes a secret
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

/** The config with its secrets masked, fit for a log. */
export function maskedConfig<S extends ConfigSpec>(spec: S, config: ConfigOf<S>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [key, spec[key]?.secret === true ? '***' : value]),
  );
}
