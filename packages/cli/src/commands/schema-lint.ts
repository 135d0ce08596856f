import { lintGithub, lintJson, lintText } from '../format/lint';
import { lintSchemas } from '../schemas/lint-schemas';
import { findSchemas } from '../schemas/schema-files';
import { CliError } from '../errors';
import { EXIT, type ExitCode, type Format, type Terminal } from '../terminal';

export const LINT_FORMATTERS = { text: lintText, json: lintJson, github: lintGithub } as const;

/** `schema lint`: shows every problem of each file, and of all the files as one set. */
export async function schemaLint(
  paths: readonly string[],
  { format }: { readonly format: Format },
  { cwd, write }: Terminal,
): Promise<ExitCode> {
  const { report } = await lintSchemas(await findSchemas(paths, cwd));
  if (report.files === 0) {
    throw new CliError(`no topic schema below ${paths.join(', ')}: they are named {topic}/schema.json.`);
  }
  write(LINT_FORMATTERS[format](report));
  return report.problems.length > 0 ? EXIT.problems : EXIT.clean;
}
