import { existsSync } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import type { SchemaProblem } from '@lean-ops/common/core';
import { bundle, type Bundle, type SchemaSources } from './bundle';
import { FILE_START, locator, type Position } from './locate-problems';
import { jsonFilesBelow, readSchemaText, type SchemaLocation } from './schema-files';

/** The folder beside the topics' folders for schemas that several of them refer to. */
export const COMMON_FOLDER = 'common';

/** A schema file as it is checked, compared and uploaded: with the files that it refers to. */
export interface WholeSchema {
  /** undefined when the file is not UTF-8, or too large to be read. */
  readonly text: string | undefined;
  /** What stands in the way of reading it, or the files that it refers to. */
  readonly problems: readonly SchemaProblem[];
  /** Gives the place in the author's file for a pointer into the text. */
  readonly locate: (pointer: string) => Position;
}

/**
 * Reads a schema file, and the files that it refers to.
 *
 * @throws CliError for a file that cannot be read
 */
export async function readWholeSchema(location: SchemaLocation): Promise<WholeSchema> {
  const read = await readSchemaText(location);
  if (!read.ok) return { text: undefined, problems: [read.problem], locate: () => FILE_START };
  const { text, problems, placeOf } = await bundleFile(location, read.text);
  const locate = locator(read.text);
  return { text, problems, locate: (pointer) => locate(placeOf(pointer)) };
}

/** Puts the files that a schema refers to into its text, from the working directory or from other sources. */
export async function bundleFile(location: SchemaLocation, text: string, sources?: SchemaSources): Promise<Bundle> {
  // Only a reference that does not begin with # can lead to another file.
  if (!/"\$ref"\s*:\s*"[^#"]/.test(text)) return { text, problems: [], placeOf: (pointer) => pointer };
  const { absolute, folder, topic } = location;
  const topics = topic === undefined ? folder : path.dirname(folder);
  const repository = repositoryOf(folder);
  const root = repository ?? topics;
  // Outside a repository nobody knows how much lies beside the topics' folders.
  const schemas = repository === undefined ? path.join(topics, COMMON_FOLDER) : topics;
  return bundle(absolute, text, { sources: sources ?? workingDirectory(root), root, schemas });
}

/** The folder of the Git repository that a folder lies in; undefined outside of one. */
function repositoryOf(folder: string): string | undefined {
  if (existsSync(path.join(folder, '.git'))) return folder;
  const parent = path.dirname(folder);
  return parent === folder ? undefined : repositoryOf(parent);
}

/** The files of the working directory. A link that leads out of the root leads to nothing. */
function workingDirectory(root: string): SchemaSources {
  return {
    read: async (absolute) => {
      const isFile = await stat(absolute).then(
        (stats) => stats.isFile(),
        () => false,
      );
      if (!isFile) return undefined;
      const way = path.relative(await realpath(root), await realpath(absolute));
      if (way.startsWith('..') || path.isAbsolute(way)) return undefined;
      const read = await readSchemaText({ absolute, file: absolute });
      return read.ok ? read.text : undefined;
    },
    filesBelow: async (folder) => (existsSync(folder) ? jsonFilesBelow(folder) : []),
  };
}
