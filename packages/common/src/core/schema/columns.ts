/**
 * Names of columns, and the limits on them. The twin is scripts/glue/lean_ops/columns/names.py. Both sides run
 * tests/conformance/column_names.json (packages/common/tests/core/schema/columns.test.ts,
 * tests/glue/columns/test_names.py) and read schemas/type-table.json, to which tests/glue/payload/test_flatten.py holds
 * Python's lists.
 */
import { hash } from 'node:crypto';
import typeTable from '../../../../../schemas/type-table.json';

/** The envelope's columns, which every topic table has, in their order. */
export const ENVELOPE_COLUMNS: readonly string[] = typeTable.envelope_columns;

/** Column names that belong to the pipeline in Standardized or Curated; no payload gets them. */
export const RESERVED_COLUMNS: ReadonlySet<string> = new Set(typeTable.reserved_columns);

/**
 * Names that engines give to columns of their own. A table with a column of such a name cannot be read or changed by
 * all of them; the type table says which engine keeps each.
 */
export const ENGINE_COLUMNS: ReadonlySet<string> = new Set(typeTable.engine_columns.map(({ name }) => name));

/** Columns that a topic schema may have. */
export const MAX_COLUMNS = typeTable.limits.max_columns;
/** Levels of nesting that become columns; deeper values go to `rescued_data`. */
export const MAX_DEPTH = typeTable.limits.max_depth;
/** Characters that Glue allows in the name of a column. */
export const MAX_COLUMN_NAME = typeTable.limits.max_column_name;
/** Code points of a path, as pathText writes it, that may have a column. */
export const MAX_PATH_TEXT = typeTable.limits.max_path_text;

/**
 * The column that a path of a payload ends in. Names are joined with `__` and lower-cased; every other ASCII character
 * than a-z, 0-9 and _ becomes `_`; Latin letters lose their accents, and any other character beyond ASCII becomes `u`
 * and its code point, with a hash for the end of a long name; `_` goes before a leading digit, and `payload__` before a
 * name that belongs to the pipeline or to an engine. Two paths may still share a column, see {@link collisions}; the
 * name may be longer than {@link MAX_COLUMN_NAME}.
 */
export function columnName(path: readonly string[]): string {
  const plain = path
    .map(inAscii)
    .join('__')
    .toLowerCase()
    .replace(/[^a-z0-9_]/g, '_');
  const name = plain === '' ? '_' : /^[0-9]/.test(plain) ? `_${plain}` : plain;
  return RESERVED_COLUMNS.has(name) || ENGINE_COLUMNS.has(name) ? `payload__${name}` : name;
}

/** Small Latin letters that are not made of a base letter and accents, and how they are spelled in ASCII. */
const LETTERS: ReadonlyMap<string, string> = new Map(Object.entries(typeTable.latin_letters));
/**
 * The letters of which Unicode says what base letter and accents they are made of. That never changes, while other
 * ranges still get new characters, which one of two engines may not know yet.
 */
const LATIN = /[\u00c0-\u024f\u1e00-\u1eff]/gu;
const ACCENT = /[\u0300-\u036f]/gu;

/**
 * A name beyond ASCII whose spelling is longer than the first number keeps so many of its characters and gets so many
 * hexadecimal digits of a hash, as otherwise a few letters of nested names would fill a column's name.
 */
const MAX_SPELLED = 60;
const KEPT_OF_SPELLED = 43;
const HASH_DIGITS = 16;

/** A name spelled in ASCII. `_` parts code points from ASCII letters and digits beside them. */
function inAscii(name: string): string {
  if (/^\p{ASCII}*$/u.test(name)) return name;
  const unaccented = name.replace(ACCENT, '').replace(LATIN, (letter) => {
    const base = letter.normalize('NFD').replace(ACCENT, '');
    return LETTERS.get(base.toLowerCase()) ?? base;
  });
  if (/^\p{ASCII}*$/u.test(unaccented)) return unaccented;
  let spelled = '';
  for (const [run] of unaccented.matchAll(/\p{ASCII}+|\P{ASCII}+/gu)) {
    const isAscii = /^\p{ASCII}/u.test(run);
    const text = isAscii ? run : Array.from(run, codePointText).join('');
    // Where two runs meet, one of them is code points.
    if (/[a-z0-9]$/i.test(spelled) && /^[a-z0-9]/i.test(text)) spelled += '_';
    spelled += text;
  }
  if (spelled.length <= MAX_SPELLED) return spelled;
  return `${spelled.slice(0, KEPT_OF_SPELLED)}_${hash('sha256', spelled, 'hex').slice(0, HASH_DIGITS)}`;
}

function codePointText(character: string): string {
  return `u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`;
}

/**
 * The beginning that the columns of all members of the object at a path have: `meta__gps__` for `meta.gps`, and an empty
 * text for the payload itself.
 */
export function memberPrefix(path: readonly string[]): string {
  // A member's column begins with its path even where the object's own column is a reserved name with payload__ before it.
  return path.length === 0 ? '' : columnName([...path, 'x']).slice(0, -1);
}

/**
 * A path as schemas, rescued_data and drift_log spell it: `meta.gps.lat`. A dot within a name is written `\\.`, and half
 * of a surrogate pair `\\ud800`, so that each path has a spelling of its own.
 */
export function pathText(path: readonly string[]): string {
  return path
    .map((segment) => segment.replaceAll('\\', '\\\\').replaceAll('.', '\\.'))
    .join('.')
    .replace(/[\ud800-\udfff]/gu, (half) => `\\u${half.charCodeAt(0).toString(16)}`);
}

/** What a comment that names a path begins with. */
const ROOT = '$.';

/**
 * The path that a column of Standardized has, by the column's comment, such as `$.meta.gps.lat`. undefined where the
 * comment is no path of the column: where people wrote it, where the column has none, and where the path is so long that
 * its end is a hash. The twin, which also writes comments, is scripts/glue/lean_ops/columns/column_paths.py.
 */
export function pathOfComment(column: string, comment: string | undefined): readonly string[] | undefined {
  if (comment?.startsWith(ROOT) !== true) return undefined;
  const path = pathSegments(comment.slice(ROOT.length));
  return columnName(path) === column ? path : undefined;
}

/** The path of which {@link pathText} made this text. The twin is path_segments in columns/names.py. */
export function pathSegments(text: string): readonly string[] {
  const path: string[] = [];
  let name = '';
  for (const [part, hex] of text.matchAll(/\\u([0-9a-f]{4})|\\[\\.]|\.|[^\\.]+/gu)) {
    if (part === '.') {
      path.push(name);
      name = '';
    } else if (hex === undefined) name += part.startsWith('\\') ? part.slice(1) : part;
    else name += String.fromCharCode(Number.parseInt(hex, 16));
  }
  path.push(name);
  return path;
}

/** The columns that more than one of the items' paths ends in, each with those items in the order given. */
export function collisions<T extends { readonly path: readonly string[] }>(items: readonly T[]): Map<string, T[]> {
  const byColumn = new Map<string, T[]>();
  for (const item of items) {
    const column = columnName(item.path);
    byColumn.set(column, [...(byColumn.get(column) ?? []), item]);
  }
  return new Map([...byColumn].filter(([, sharing]) => sharing.length > 1));
}
