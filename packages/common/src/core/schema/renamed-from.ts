import { pointerTo } from '../json/value';
import { shown, type SchemaProblem } from '../problem';
import { columnName, MAX_COLUMN_NAME, MAX_DEPTH, MAX_PATH_TEXT, pathSegments, pathText } from './columns';
import { isFlattened, type FieldVisit } from './model';

const KEYWORD = 'x-renamed-from';

/** One name that a field had, and where the schema says so. */
interface StatedName {
  readonly visit: FieldVisit;
  readonly pointer: string;
  readonly text: string;
  readonly path: readonly string[];
  readonly column: string;
}

function statedNames(visit: FieldVisit): StatedName[] {
  const stated = visit.field[KEYWORD];
  const place = pointerTo(visit.pointer, KEYWORD);
  const named = Array.isArray(stated)
    ? stated.map((text: unknown, index) => [text, pointerTo(place, index)] as const)
    : [[stated, place] as const];
  return named.flatMap(([text, pointer]) => {
    if (typeof text !== 'string' || text === '') return [];
    const path = pathSegments(text);
    return [{ visit, pointer, text, path, column: columnName(path) }];
  });
}

/**
 * Checks that each name that `x-renamed-from` states had a column in older events, which is neither one of the schema
 * nor one that another field claims. A schema without these problems has no cycles: what was renamed has no field.
 * The meta-schema refuses a value that is no path at all.
 *
 * @param fields every field of the schema, objects too
 */
export function renamedFromProblems(fields: readonly FieldVisit[]): SchemaProblem[] {
  const owners = new Map(fields.map((visit) => [columnName(visit.path), visit]));
  const claimed = new Map<string, StatedName>();
  return fields
    .filter(({ field }) => !isFlattened(field))
    .flatMap((visit) =>
      statedNames(visit).flatMap((one) => {
        const before = claimed.get(one.column);
        if (before === undefined) claimed.set(one.column, one);
        return problemOf(one, owners.get(one.column), before) ?? [];
      }),
    );
}

function problemOf(
  { visit, pointer, text, path, column }: StatedName,
  owner: FieldVisit | undefined,
  before: StatedName | undefined,
): SchemaProblem | undefined {
  const problem = (code: string, message: string, hint: string) => ({ code, path: pointer, message, hint });
  if (owner === visit) {
    return problem(
      'RENAMED_FROM_ITSELF',
      `${shown(text)} has the column ${column}, as the field has now`,
      'take it out: case, punctuation and nesting alone do not make another column',
    );
  }
  if (owner !== undefined) {
    return problem(
      'RENAMED_FROM_FIELD',
      `${shown(text)} is a field of this schema: its column ${column} is that of ${owner.pointer}`,
      `take that field out of "properties", as this one has its values now; or take ${shown(text)} out here`,
    );
  }
  if (before !== undefined) {
    return problem(
      'RENAMED_FROM_TWICE',
      `${shown(text)} has the column ${column}, which ${before.pointer} names already`,
      'name it once: its value goes to one field',
    );
  }
  const hasColumn =
    path.length <= MAX_DEPTH && column.length <= MAX_COLUMN_NAME && Array.from(pathText(path)).length <= MAX_PATH_TEXT;
  if (!hasColumn || !/[a-z0-9]/.test(column)) {
    return problem(
      'RENAMED_FROM_NO_COLUMN',
      `${shown(text)} is no path that events can have had a column for`,
      'write the path that the field had, from the root of the payload on: "temperature", "meta.temperature"',
    );
  }
  return undefined;
}
