import { isUtf8 } from 'node:buffer';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { MAX_SCHEMA_BYTES, tooLarge, type SchemaProblem } from '@lean-ops/common/core';
import { UsageError } from '../terminal';

/** Where a schema file lies. */
export interface SchemaPlace {
  readonly absolute: string;
  /** As the user knows it: from the working directory, with slashes. */
  readonly file: string;
  /** The name of the topic's folder; undefined for a file that lies in none. */
  readonly topic: string | undefined;
  readonly folder: string;
  /** A JSON file below a folder that was asked for, where no upload takes it from. */
  readonly stray: boolean;
}

export type SchemaText = { readonly ok: true; readonly text: string } | { readonly ok: false; problem: SchemaProblem };

/** What validator and Curated job keep beside a topic's schema, and what is no source. */
const SKIPPED = new Set(['failed', 'archive', 'node_modules']);
const STAGES = new Set(['pending', 'active']);

/**
 * The schema files that the paths mean, sorted: a file as it is, of a folder each `{topic}/schema.json` and
 * `{topic}/{pending,active}/schema.json` below.
 *
 * @throws UsageError for a path that is not there
 */
export async function findSchemas(paths: readonly string[], cwd: string): Promise<SchemaPlace[]> {
  const found = new Map<string, SchemaPlace>();
  for (const given of paths) {
    const absolute = path.resolve(cwd, given);
    const stats = await stat(absolute).catch(() => undefined);
    if (stats === undefined) throw new UsageError(`${given} is not there.`);
    const files = stats.isDirectory() ? await jsonFilesBelow(absolute) : [absolute];
    for (const file of files) {
      const stray = stats.isDirectory() && path.basename(file) !== 'schema.json';
      if (!found.has(file) || !stray) found.set(file, placeOf(file, cwd, stray));
    }
  }
  return [...found.values()].sort((a, b) => (a.absolute < b.absolute ? -1 : 1));
}

/** Where a file lies, whether it is there or not. */
export function placeOf(absolute: string, cwd: string, stray = false): SchemaPlace {
  const parent = path.dirname(absolute);
  const folder = STAGES.has(path.basename(parent)) ? path.dirname(parent) : parent;
  const inTopic = path.basename(absolute) === 'schema.json';
  return {
    absolute,
    file: path.relative(cwd, absolute).replaceAll(path.sep, '/'),
    topic: inTopic ? path.basename(folder) : undefined,
    folder,
    stray,
  };
}

async function jsonFilesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const files = await Promise.all(
    entries.map(async (entry) => {
      const inner = path.join(folder, entry.name);
      if (entry.isDirectory()) {
        return SKIPPED.has(entry.name) || entry.name.startsWith('.') ? [] : jsonFilesBelow(inner);
      }
      return entry.name.toLowerCase().endsWith('.json') ? [inner] : [];
    }),
  );
  return files.flat();
}

/** The text of a file, unless it is no text, or so large that it is refused unread. */
export async function readSchemaText({ absolute, file }: Pick<SchemaPlace, 'absolute' | 'file'>): Promise<SchemaText> {
  try {
    const { size } = await stat(absolute);
    if (size > MAX_SCHEMA_BYTES) return { ok: false, problem: tooLarge(size) };
    return decode(await readFile(absolute));
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function decode(bytes: Buffer): SchemaText {
  if (isUtf8(bytes)) return { ok: true, text: bytes.toString('utf8') };
  return {
    ok: false,
    problem: {
      code: 'NOT_UTF8',
      path: '',
      message: 'the file is no UTF-8 text',
      hint: 'save it as UTF-8 (an editor may call what it is now UTF-16, Latin-1 or ANSI)',
    },
  };
}
