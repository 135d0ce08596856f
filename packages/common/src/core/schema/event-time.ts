import { pathText } from './columns';
import { nearestWord } from '../json/nearest-word';
import { athenaTypeOf, isFlattened, type FieldVisit } from './model';
import { shown, type SchemaProblem } from '../problem';

const PATH = '/x-event-time';
const TIME_TYPES: ReadonlySet<unknown> = new Set(['timestamp', 'date']);
/** Fields that a hint lists. */
const MAX_LISTED = 5;

function isTime({ field }: FieldVisit): boolean {
  return TIME_TYPES.has(athenaTypeOf(field));
}

function listed(fields: readonly FieldVisit[]): string {
  const times = fields.filter(isTime).map(({ path }) => pathText(path));
  if (times.length === 0) return 'leave it out: no field has "format": "date-time" or "date"';
  return `name one of: ${times.slice(0, MAX_LISTED).join(', ')}${times.length > MAX_LISTED ? ', …' : ''}`;
}

/**
 * Checks that `x-event-time` names a field that holds a time in every row of Curated. The meta-schema refuses a value
 * that is no path at all.
 *
 * @param stated the value of `x-event-time`; undefined where the schema has none
 * @param fields every field of the schema, objects too
 */
export function eventTimeProblems(stated: unknown, fields: readonly FieldVisit[]): SchemaProblem[] {
  if (typeof stated !== 'string' || stated === '') return [];
  const named = fields.find(({ path }) => pathText(path) === stated);
  if (named === undefined) return [unknown(stated, fields)];
  const { field, pointer } = named;
  if (isFlattened(field)) {
    return [
      {
        code: 'EVENT_TIME_IS_OBJECT',
        path: PATH,
        message: `${shown(stated)} is an object, which has no column`,
        hint: `name a field inside it, with a dot: ${shown(`${stated}.…`)}; ${listed(fields)}`,
      },
    ];
  }
  const problems: SchemaProblem[] = [];
  if (!isTime(named)) {
    problems.push({
      code: 'EVENT_TIME_TYPE',
      path: PATH,
      message: `${shown(stated)} is not a time: it needs "type": "string" and "format": "date-time" or "date"`,
      hint: field['type'] === 'string' ? `add the format to ${pointer}, or ${listed(fields)}` : listed(fields),
    });
  }
  if (field['x-cde'] !== true) {
    problems.push({
      code: 'EVENT_TIME_NOT_CRITICAL',
      path: PATH,
      message: `${shown(stated)} is not critical (x-cde), so rows could lack it`,
      hint: `add "x-cde": true to ${pointer}`,
    });
  }
  return problems;
}

function unknown(stated: string, fields: readonly FieldVisit[]): SchemaProblem {
  const problem = { code: 'EVENT_TIME_UNKNOWN', path: PATH, message: `no field is called ${shown(stated)}` };
  if (stated === 'event_time') {
    const hint =
      "leave it out: the envelope's event_time needs no keyword; set x-event-time-stable if corrections keep it";
    return { ...problem, hint };
  }
  const names = (visits: readonly FieldVisit[]) => visits.map(({ path }) => pathText(path));
  const near = nearestWord(stated, names(fields.filter(isTime))) ?? nearestWord(stated, names(fields));
  return { ...problem, hint: near === undefined ? listed(fields) : `did you mean ${shown(near)}?` };
}
