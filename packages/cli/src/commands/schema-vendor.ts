import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  idWord,
  isObject,
  outsideReferences,
  splitFragment,
  statedDraft,
  type JsonObject,
} from '@lean-ops/common/core';
import { edited, jsonEditor } from '../schemas/edit-json';
import { readSchemaText } from '../schemas/schema-files';
import { COMMON_FOLDER } from '../schemas/whole-schema';
import { CliError } from '../errors';
import { EXIT, type ExitCode, type Terminal } from '../terminal';
import type { RegisterCommand } from './command';
import { EXIT_CODES } from './options';

export interface VendorOptions {
  readonly as: string;
  readonly dir: string;
  readonly force: boolean;
}

export const registerSchemaVendor: RegisterCommand = (schema, { terminal, setExitCode }) => {
  schema
    .command('vendor')
    .description('keep a copy of a downloaded schema, so that references to its URL are followed; nothing is fetched')
    .argument('<file>', 'the downloaded file')
    .requiredOption('--as <url>', 'the URL that schemas refer to it by')
    .option('--dir <folder>', `folder of the schemas: the copy lies in {folder}/${COMMON_FOLDER}`, 'schemas')
    .option('--force', 'replace the copy that is there', false)
    .addHelpText('after', EXIT_CODES)
    .action(async (file: string, options: VendorOptions) => {
      setExitCode(await schemaVendor(file, options, terminal));
    });
};

/** `schema vendor`: writes the copy with the URL as its identifier, and says what it refers to in turn. */
export async function schemaVendor(
  file: string,
  { as, dir, force }: VendorOptions,
  { cwd, write }: Terminal,
): Promise<ExitCode> {
  if (!/^https?:\/\//.test(as) || !URL.canParse(as)) throw new CliError(`--as ${as} is no URL of http or https.`);
  const url = splitFragment(new URL(as).href).address;
  const read = await readSchemaText({ absolute: path.resolve(cwd, file), file });
  if (!read.ok) throw new CliError(`${file}: ${read.problem.message}.`);
  const document = parsed(file, read.text);
  const target = path.join(dir, COMMON_FOLDER, fileName(url)).replaceAll(path.sep, '/');
  const absolute = path.resolve(cwd, target);
  if (existsSync(absolute) && !force) throw new CliError(`${target} is there already: --force replaces it.`);
  await mkdir(path.dirname(absolute), { recursive: true });
  await writeFile(absolute, identified(document, read.text, url));
  write(`${target} written: references to ${url} lead to it.\n`);
  const further = new Set(
    outsideReferences({ ...document, [idWord(statedDraft(document, 'latest'))]: url }).map(
      ({ ref, base }) => splitFragment(URL.canParse(ref, base) ? new URL(ref, base).href : ref).address,
    ),
  );
  for (const address of further) write(`It refers to ${address}: vendor that, too, if it is not in the repository.\n`);
  return EXIT.clean;
}

function parsed(file: string, text: string): JsonObject {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw new CliError(`${file} is not JSON.`);
  }
  if (!isObject(document)) throw new CliError(`${file} is not a JSON object.`);
  return document;
}

/** The text with the URL as its identifier, in the word of its draft. */
function identified(document: JsonObject, text: string, url: string): string {
  const word = idWord(statedDraft(document, 'latest'));
  const editor = jsonEditor(text);
  return edited(text, [
    typeof document[word] === 'string'
      ? editor.setString(`/${word}`, url)
      : editor.prepend('', [[word, JSON.stringify(url)]]),
  ]);
}

/** A name of its own for each URL. It never is schema.json, which would make a topic of its folder. */
function fileName(url: string): string {
  const { host, pathname, search } = new URL(url);
  const name = `${host}${pathname}${search}`.replaceAll('/', '.').replaceAll(/[^A-Za-z0-9._-]/g, '_');
  return name.endsWith('.json') ? name : `${name}.json`;
}
