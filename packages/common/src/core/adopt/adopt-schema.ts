import { editJson, type JsonEdit } from '../json/edit-text';
import { readJsonSource } from '../json/source-map';
import { isObject, pointerTo, valueAt, type JsonObject } from '../json/value';
import { isWarning, type SchemaProblem } from '../problem';
import { checkSchema, type SchemaCheck } from '../composition/check';
import { MAX_COLUMNS } from '../schema/columns';
import { headerMends, MENDS, OTHERWISE, type MendContext, type Mended, type MendStrength } from './mends';

/** Rounds of check and mend. What one mend uncovers is mended in the next. */
const MAX_ROUNDS = 12;
const BYTE_ORDER_MARK = '\uFEFF';

export interface AdoptOptions {
  /** The topic that the schema is for; undefined where that is not known. */
  readonly topic?: string;
  /** The version that is written where the file states none. */
  readonly version?: number;
  /** The strongest mends that may be made; `header` for none but the header, which is always written. */
  readonly strength: 'header' | MendStrength;
}

/** One change of an adopted schema, for its report. */
export type AdoptedChange = Pick<Mended, 'kind' | 'pointer' | 'note'>;

export interface Adoption {
  readonly text: string;
  /** What the check says of the text in the end. */
  readonly check: SchemaCheck;
  readonly changes: readonly AdoptedChange[];
}

const ORDER: readonly AdoptOptions['strength'][] = ['header', 'certain', 'accepting', 'dropping'];

/**
 * Mends a schema by what the check says of it, round by round, until it is accepted, nothing more can be mended, or it was tried often
 * enough. Whatever is not changed keeps its lines, and numbers their digits. Throws for no text.
 */
export function adoptSchema(given: string, { topic, version = 1, strength }: AdoptOptions): Adoption {
  const checked = (text: string): SchemaCheck => checkSchema(text, topic === undefined ? {} : { topic });
  const changes: AdoptedChange[] = [];
  let text = withHeader(readable(given, strength, changes), topic, version, checked, changes);
  let check = checked(text);
  const tried = new Map<string, number>();
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const document = parsed(text);
    const errors = errorsOf(check);
    if (errors.length === 0 || document === undefined) break;
    const mended = mendsOf(errors, { document, topic, maxColumns: MAX_COLUMNS }, strength, tried);
    // What rewrites the whole file leaves no place for edits at places of before.
    const whole = mended.find(({ rewrite }) => rewrite !== undefined);
    const made = whole === undefined ? mended : [whole];
    const next = whole?.rewrite === undefined ? editJson(text, editsOf(mended, document)) : whole.rewrite(text);
    if (next === text) break;
    text = next;
    changes.push(...made.map(({ kind, pointer, note }) => ({ kind, pointer, note })));
    check = checked(text);
  }
  return { text, check, changes };
}

function errorsOf(check: SchemaCheck): SchemaProblem[] {
  return check.ok ? [] : check.problems.filter((one) => !isWarning(one));
}

function parsed(text: string): JsonObject | undefined {
  try {
    const document: unknown = JSON.parse(text);
    return isObject(document) ? document : undefined;
  } catch {
    return undefined;
  }
}

/** The text without what keeps programs from reading it alike: a byte order mark, and members that stand twice. */
function readable(given: string, strength: AdoptOptions['strength'], changes: AdoptedChange[]): string {
  let text = given;
  if (text.startsWith(BYTE_ORDER_MARK)) {
    text = text.slice(1);
    changes.push({ kind: 'corrected', pointer: '', note: 'the byte order mark is gone' });
  }
  const source = readJsonSource(text);
  if (strength === 'dropping' && source.ok && source.duplicates.length > 0) {
    for (const { pointer, key } of source.duplicates) {
      const note = `${JSON.stringify(key)} stands more than once: the last one is kept, which is what most programs read`;
      changes.push({ kind: 'left out', pointer, note });
    }
    text = `${JSON.stringify(JSON.parse(text), null, 2)}\n`;
  }
  return text;
}

/**
 * The text with the header that it lacks. A file without `$schema` may be written in the words of an older draft, which the check
 * understands: `$schema` is written only where the check finds no more in the file for it.
 */
function withHeader(
  text: string,
  topic: string | undefined,
  version: number,
  checked: (text: string) => SchemaCheck,
  changes: AdoptedChange[],
): string {
  const source = readJsonSource(text);
  const document = parsed(text);
  // Edits want members that stand once.
  if (document === undefined || (source.ok && source.duplicates.length > 0)) return text;
  const all = headerMends(document, topic, version);
  const others = all.filter(({ pointer }) => pointer !== '/$schema');
  const written = (mends: readonly Mended[]): string =>
    editJson(
      text,
      mends.flatMap(({ edits }) => edits),
    );
  const errors = (mends: readonly Mended[]): number => errorsOf(checked(written(mends))).length;
  const mends = others.length < all.length && errors(all) > errors(others) ? others : all;
  changes.push(...mends.map(({ kind, pointer, note }) => ({ kind, pointer, note })));
  return written(mends);
}

/** One mend for each problem that has one, the next of its ladder where the last one has not helped. */
function mendsOf(
  problems: readonly SchemaProblem[],
  context: MendContext,
  strength: AdoptOptions['strength'],
  tried: Map<string, number>,
): Mended[] {
  const mended = problems.flatMap((problem) => {
    const key = `${problem.code} ${problem.path}`;
    const ladder = (Object.hasOwn(MENDS, problem.code) ? MENDS[problem.code] : undefined) ?? OTHERWISE;
    for (let rung = tried.get(key) ?? 0; rung < ladder.length; rung += 1) {
      tried.set(key, rung + 1);
      const mend = ladder[rung];
      if (mend === undefined || ORDER.indexOf(mend.strength) > ORDER.indexOf(strength)) continue;
      const found = mend.of(problem, context);
      if (found !== undefined) return [found];
    }
    return [];
  });
  const gone = mended.flatMap(({ edits }) => edits.flatMap((edit) => (edit.kind === 'remove' ? [edit.pointer] : [])));
  return mended.filter(({ pointer }) => !gone.some((other) => pointer.startsWith(`${other}/`)));
}

/** The edits of all mends, with one list of words that are not enforced for each node. */
function editsOf(mended: readonly Mended[], document: JsonObject): JsonEdit[] {
  const words = new Map<string, Set<unknown>>();
  for (const { notEnforced } of mended) {
    if (notEnforced === undefined) continue;
    const { holder, word } = notEnforced;
    const listed = valueAt(document, pointerTo(holder, 'x-not-enforced'));
    const all = words.get(holder) ?? new Set<unknown>(Array.isArray(listed) ? listed : []);
    words.set(holder, all.add(word));
  }
  return [
    ...mended.flatMap(({ edits }) => edits),
    ...[...words].map(([holder, all]): JsonEdit => ({
      kind: 'put',
      pointer: pointerTo(holder, 'x-not-enforced'),
      value: [...all],
    })),
  ];
}
