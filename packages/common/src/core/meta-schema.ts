import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import metaSchema from '../../../../schemas/meta-schema.json';
import { pointerTo } from './json-value';
import { insteadOf, type SchemaProblem } from './schema-problem';

let compiled: ValidateFunction | undefined;

/** Compiling takes some 20 ms: once, at the first schema, so that a Lambda that checks none does not pay. */
function validator(): ValidateFunction {
  compiled ??= new Ajv2020({
    allErrors: true,
    strict: true,
    strictTypes: false,
    strictRequired: false,
    verbose: true,
  }).compile(metaSchema);
  return compiled;
}

/** The keyword an error is about: the last segment of its path. */
function keywordAt(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

type Advice = Pick<SchemaProblem, 'code' | 'hint'>;

/** Advice by the keyword of the topic schema whose value is wrong. */
const ADVICE: ReadonlyMap<string, Advice> = new Map([
  ['$schema', { code: 'UNSUPPORTED_DIALECT', hint: 'write "$schema": "https://json-schema.org/draft/2020-12/schema"' }],
  [
    'type',
    {
      code: 'UNSUPPORTED_TYPE',
      hint: 'one of string, integer, number, boolean, object, array; null is always allowed where x-cde is not set',
    },
  ],
  [
    'format',
    {
      code: 'UNSUPPORTED_FORMAT',
      hint: 'date-time and date are enforced; for other forms use pattern, or leave format out',
    },
  ],
  [
    'x-type',
    {
      code: 'UNSUPPORTED_X_TYPE',
      hint: 'integer: int (default bigint); number: float or decimal(p,s) with p from 1 to 38 (default double)',
    },
  ],
  ['x-topic', { code: 'INVALID_TOPIC', hint: "1 to 128 characters: a-z first, then a-z, 0-9, '.', '_' or '-'" }],
  ['additionalProperties', { code: 'UNENFORCED_KEYWORD', hint: insteadOf('additionalProperties') }],
]);

/** By the place in the meta-schema: a field may be called "type" too, so the place in the file does not tell. */
function adviceFor(schemaPath: string): Advice | undefined {
  if (schemaPath.endsWith('/$defs/open/const')) return ADVICE.get('additionalProperties');
  const keyword = /\/properties\/([^/]+)\/\w+$/.exec(schemaPath)?.[1];
  return keyword === undefined ? undefined : ADVICE.get(decodeURIComponent(keyword));
}

function describe({
  keyword,
  instancePath,
  schemaPath,
  params,
  message,
  parentSchema,
  data,
}: ErrorObject): SchemaProblem {
  const at = keywordAt(instancePath);
  switch (keyword) {
    case 'additionalProperties': {
      const name = String((params as { additionalProperty: unknown }).additionalProperty);
      return {
        code: 'UNKNOWN_KEYWORD',
        path: pointerTo(instancePath, name),
        message: `"${name}" is not enforced here`,
        hint: insteadOf(name),
      };
    }
    case 'false schema':
      return {
        code: 'KEYWORD_NOT_FOR_TYPE',
        path: instancePath,
        message: `"${at}" does not go with this type of field`,
        hint: 'take it out, or change "type" (see the type table in the documentation)',
      };
    case 'required': {
      const name = String((params as { missingProperty: unknown }).missingProperty);
      return {
        code: 'MISSING_KEYWORD',
        path: instancePath,
        message: `"${name}" is missing`,
        hint: `add "${name}"`,
      };
    }
    default: {
      const advice = adviceFor(schemaPath);
      const wanted = (parentSchema as { description?: unknown } | undefined)?.description;
      return {
        code: advice?.code ?? 'INVALID_VALUE',
        path: instancePath,
        message: `${shown(data)} ${message ?? 'is not allowed'}`,
        hint: advice?.hint ?? (typeof wanted === 'string' ? wanted : `mend the value of "${at}"`),
      };
    }
  }
}

/** Every way in which a parsed schema file departs from schemas/meta-schema.json. Wants bounded depth and size. */
export function metaSchemaProblems(document: unknown): SchemaProblem[] {
  const validate = validator();
  if (validate(document)) return [];
  // `if` only repeats that its `then` failed.
  return (validate.errors ?? []).filter(({ keyword }) => keyword !== 'if').map(describe);
}
