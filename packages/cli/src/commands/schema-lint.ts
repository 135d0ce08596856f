import { writeFile } from 'node:fs/promises';
import { adoptSchema, messageOf, type AdoptedChange, type MendStrength } from '@lean-ops/common/core';
import { Option } from 'commander';
import { lintGithub, lintJson, lintText } from '../format/lint';
import { counted, plain, shortPointer } from '../format/text';
import { lintSchemas } from '../schemas/lint-schemas';
import { findSchemas, readSchemaText, type SchemaLocation } from '../schemas/schema-files';
import { CliError } from '../errors';
import { EXIT, type ExitCode, type Format, type Terminal } from '../terminal';
import type { RegisterCommand } from './command';
import { EXIT_CODES, formatOption, wholeNumber } from './options';

export const LINT_FORMATTERS = { text: lintText, json: lintJson, github: lintGithub } as const;

export interface LintOptions {
  readonly format: Format;
  /** Mend what is certain; `accept` also gives the author's word for what cannot be enforced. */
  readonly fix?: true | 'accept';
  /** Warnings that are allowed; any number where it is left out. */
  readonly maxWarnings?: number;
}

const DEFAULT_PATHS = ['schemas'];

export const registerSchemaLint: RegisterCommand = (schema, { terminal, setExitCode }) => {
  schema
    .command('lint')
    .description('check topic schemas: show every problem, where it is, and what to do')
    .argument('[paths...]', 'schema files, or folders with {topic}/schema.json in them (default: schemas)')
    .option(
      '--fix [accept]',
      'mend the files first: the header, words that are certainly misspelt; it weakens no schema. With --fix=accept also take ' +
        'what cannot be enforced with your word for it (x-not-enforced)',
    )
    .addOption(
      new Option('--max-warnings <n>', 'warnings to allow (default: any number)').argParser(wholeNumber({ from: 0 })),
    )
    .addOption(formatOption())
    .addHelpText('after', EXIT_CODES)
    .action(
      async (given: string[], { fix, ...options }: Omit<LintOptions, 'fix'> & { readonly fix?: string | true }) => {
        // A path behind --fix is one to check: Commander takes whatever follows for the option's value.
        const paths = [...(typeof fix === 'string' && fix !== 'accept' ? [fix] : []), ...given];
        const mends = fix === undefined ? {} : { fix: fix === 'accept' ? ('accept' as const) : (true as const) };
        setExitCode(await schemaLint(paths.length === 0 ? DEFAULT_PATHS : paths, { ...options, ...mends }, terminal));
      },
    );
};

/** `schema lint`: shows every problem of each file, and of all the files as one set. */
export async function schemaLint(
  paths: readonly string[],
  { format, fix, maxWarnings }: LintOptions,
  { cwd, write, writeError }: Terminal,
): Promise<ExitCode> {
  const locations = await findSchemas(paths, cwd);
  if (fix !== undefined) {
    for (const location of locations) {
      if (location.stray) continue;
      const changes = await fixFile(location, fix === 'accept' ? 'accepting' : 'certain');
      writeError(changes.map((change) => changeText(location.file, change)).join(''));
    }
  }
  const { report } = await lintSchemas(locations);
  if (report.files === 0) {
    throw new CliError(`no topic schema below ${paths.join(', ')}: they are named {topic}/schema.json.`);
  }
  write(LINT_FORMATTERS[format](report));
  const warnings = report.warnings?.length ?? 0;
  const tooMany = maxWarnings !== undefined && warnings > maxWarnings;
  if (tooMany) writeError(`${counted(warnings, 'warning')}, and --max-warnings allows ${maxWarnings}.\n`);
  return report.problems.length > 0 || tooMany ? EXIT.problems : EXIT.clean;
}

/** Mends a file in its place, where there is something to mend, and gives the changes. */
async function fixFile(location: SchemaLocation, strength: MendStrength): Promise<readonly AdoptedChange[]> {
  const read = await readSchemaText(location);
  if (!read.ok) return [];
  const { text, changes } = adoptSchema(read.text, {
    ...(location.topic !== undefined && { topic: location.topic }),
    strength,
  });
  if (text === read.text) return [];
  try {
    await writeFile(location.absolute, text);
  } catch (error) {
    throw new CliError(`${location.file} cannot be written: ${messageOf(error)}`, { cause: error });
  }
  return changes;
}

/** One change of a file, as a line. */
export function changeText(file: string, { kind, pointer, note }: AdoptedChange): string {
  return `${plain(file)}: ${kind}${pointer === '' ? '' : ` ${shortPointer(pointer)}`}: ${plain(note)}\n`;
}
