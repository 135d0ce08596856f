import { isUtf8 } from 'node:buffer';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { MAX_SCHEMA_BYTES, tooLarge, type SchemaProblem } from '@lean-ops/common/core';
import { CliError, unreadableFile } from '../errors';

/** The path of a schema file, and the topic whose folder it lies in. */
export interface SchemaLocation {
  readonly absolute: string;
  /** The path for reports: relative to the working directory, with slashes. */
  readonly file: string;
  /** The name of the topic's folder; undefined for a file in no such folder. */
  readonly topic: string | undefined;
  readonly folder: string;
  /** True for a JSON file that was found below a given folder, at a place from which no upload takes it. */
  readonly stray: boolean;
}

export type SchemaText = { readonly ok: true; readonly text: string } | { readonly ok: false; problem: SchemaProblem };

/** Folders without sources: those that the pipeline keeps beside a topic's schema, and installed packages. */
const SKIPPED = new Set(['failed', 'archive', 'node_modules']);
const STAGES = new Set(['pending', 'active']);

/**
 * The schema files that the paths name, sorted: a file is taken as it is, and a folder stands for each
 * `{topic}/schema.json` and `{topic}/{pending,active}/schema.json` below it.
 *
 * @throws CliError for a path that does not exist
 */
export async function findSchemas(paths: readonly string[], cwd: string): Promise<SchemaLocation[]> {
  const found = new Map<string, SchemaLocation>();
  for (const given of paths) {
    const absolute = path.resolve(cwd, given);
    const stats = await stat(absolute).catch(() => undefined);
    if (stats === undefined) throw new CliError(`${given} does not exist.`);
    const files = stats.isDirectory() ? await jsonFilesBelow(absolute) : [absolute];
    for (const file of files) {
      const stray = stats.isDirectory() && path.basename(file) !== 'schema.json';
      if (!found.has(file) || !stray) found.set(file, locationOf(file, cwd, stray));
    }
  }
  return [...found.values()].sort((a, b) => (a.absolute < b.absolute ? -1 : 1));
}

/** The location of a file, which need not exist. */
export function locationOf(absolute: string, cwd: string, stray = false): SchemaLocation {
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

/** The JSON files below a folder, but for those of folders without sources. */
export async function jsonFilesBelow(folder: string): Promise<string[]> {
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

/** The text of a file, or the problem of one that is not UTF-8, or so large that it is refused unread. */
export async function readSchemaText({
  absolute,
  file,
}: Pick<SchemaLocation, 'absolute' | 'file'>): Promise<SchemaText> {
  try {
    const { size } = await stat(absolute);
    if (size > MAX_SCHEMA_BYTES) return { ok: false, problem: tooLarge(size) };
    return decode(await readFile(absolute));
  } catch (error) {
    throw unreadableFile(file === '' ? '.' : file, error);
  }
}

function decode(bytes: Buffer): SchemaText {
  if (isUtf8(bytes)) return { ok: true, text: bytes.toString('utf8') };
  return {
    ok: false,
    problem: {
      code: 'NOT_UTF8',
      path: '',
      message: 'the file is not UTF-8 text',
      hint: 'save it as UTF-8 (your editor may call its present encoding UTF-16, Latin-1 or ANSI)',
    },
  };
}
