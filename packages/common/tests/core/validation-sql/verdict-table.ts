import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { JsonObject } from '../../../src/core/json/value';

/**
 * One case of the table to which tests hold both ajv and the Spark job; tests/conformance/README.md explains its
 * fields.
 */
export interface VerdictCase {
  /** JSON text of the field `v`; a case that is about more than that has `payload` instead. */
  readonly value?: string;
  readonly payload?: string;
  readonly json_schema: string;
  readonly pipeline?: string;
  readonly because?: string;
}

/** The cases of one topic schema. */
export interface VerdictGroup {
  readonly name: string;
  readonly properties: JsonObject;
  readonly required?: readonly string[];
  /** Other members of the root: its assertions, `$defs`, `x-undeclared`. */
  readonly root?: JsonObject;
  /** It is of the normal form, of which checkSchema does not take all yet. */
  readonly normal_form?: true;
  /** The assertions of its objects reject the row. Else the row is noted. */
  readonly rejects?: true;
  /** The code under which such a schema is refused today. */
  readonly refused_now?: string;
  readonly cases: readonly VerdictCase[];
}

/** A reason for which the pipeline's verdict differs from JSON Schema's. */
export interface Difference {
  readonly code: string;
  readonly what: string;
  readonly why: string;
}

const FOLDER = path.resolve(__dirname, '../../../../../tests/conformance/verdicts');
const DIFFERENCES = 'differences.json';

function read(file: string): unknown {
  return JSON.parse(readFileSync(path.join(FOLDER, file), 'utf8'));
}

export const groups: readonly VerdictGroup[] = readdirSync(FOLDER)
  .filter((file) => file !== DIFFERENCES)
  .sort()
  .flatMap((file) => read(file) as VerdictGroup[]);

export const differences = read(DIFFERENCES) as readonly Difference[];

export function payloadOf({ value, payload }: VerdictCase): string {
  return payload ?? `{"v":${value ?? ''}}`;
}

/** The topic schema of a group, as its file would be. */
export function schemaText({ properties, required, root }: VerdictGroup): string {
  return JSON.stringify({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    'x-topic': 'verdicts',
    'x-version': 1,
    ...(required ? { required } : {}),
    properties,
    ...root,
  });
}
