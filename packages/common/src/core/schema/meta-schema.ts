import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import metaSchema from '../../../../../schemas/meta-schema.json';
import { isObject, valueAt, type JsonObject } from '../json/value';
import { adviceFor } from './advice';
import { shown, type SchemaProblem } from '../problem';
import { formatProblem, notForType, typeProblem, xTypeProblem } from './type-advice';

let compiled: ValidateFunction | undefined;

/** The compiled meta-schema. Compiling takes some 20 ms, so it waits for the first schema: a Lambda may check none. */
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

function splitPointer(pointer: string): { parent: string; name: string } {
  const at = pointer.lastIndexOf('/');
  return { parent: pointer.slice(0, at), name: pointer.slice(at + 1) };
}

/**
 * The problems for which schemas/meta-schema.json refuses a parsed schema file.
 *
 * @param document of bounded depth and size
 */
export function metaSchemaProblems(document: JsonObject): SchemaProblem[] {
  const validate = validator();
  if (validate(document)) return [];
  // `if` only repeats that its `then` failed. semantics.ts finds repeated values, all of them and not only the first.
  const errors = (validate.errors ?? []).filter(({ keyword }) => keyword !== 'if' && keyword !== 'uniqueItems');
  const misplaced = new Set(errors.filter(isMisplaced).map(({ instancePath }) => instancePath));
  const problems = new Map<string, SchemaProblem>();
  for (const error of errors) {
    // A word that must be taken out need not be mended inside.
    if (!isMisplaced(error) && lineage(error.instancePath).some((path) => misplaced.has(path))) continue;
    const problem = describe(error, document);
    problems.set(`${problem.code} ${problem.path}`, problem);
  }
  return [...problems.values()];
}

/** A pointer and the pointers to everything around its place, from the root on. */
function lineage(pointer: string): string[] {
  const segments = pointer.split('/');
  return segments.map((_, index) => segments.slice(0, index + 1).join('/'));
}

function isMisplaced({ keyword }: ErrorObject): boolean {
  return keyword === 'false schema';
}

/**
 * Describes one of ajv's errors.
 */
function describe(error: ErrorObject, document: JsonObject): SchemaProblem {
  const { instancePath: path } = error;
  const { parent, name } = splitPointer(path);
  if (isMisplaced(error)) {
    const field = valueAt(document, parent);
    return { path, ...notForType(name, isObject(field) ? field : {}) };
  }
  return { path, ...describeValue(error, () => valueAt(document, `${parent}/type`)) };
}

function describeValue(error: ErrorObject, typeBeside: () => unknown): Omit<SchemaProblem, 'path'> {
  const { data, message, parentSchema } = error;
  const advice = adviceFor(error);
  switch (advice?.code ?? 'INVALID_VALUE') {
    case 'UNSUPPORTED_TYPE':
      return typeProblem(data);
    case 'UNSUPPORTED_FORMAT':
      return formatProblem(data);
    case 'UNSUPPORTED_X_TYPE':
      return xTypeProblem(data, typeBeside());
    default: {
      const wanted = (parentSchema as { description?: unknown } | undefined)?.description;
      const saying = advice?.saying ?? message ?? 'is not allowed';
      if (advice?.code === 'INVALID_FIELD' && Array.isArray(data)) {
        const tuple = 'write "prefixItems" for the first elements in turn, and "items" for those behind them';
        return { code: 'TUPLE_ITEMS', message: `${shown(data)} is a list, and describes no element`, hint: tuple };
      }
      const code = advice?.code ?? 'INVALID_VALUE';
      const hint = advice?.hint ?? (typeof wanted === 'string' ? wanted : 'see schemas/meta-schema.json');
      return { code, message: `${shown(data)} ${saying}`, hint };
    }
  }
}
