import { Command, CommanderError, Option } from 'commander';
import { schemaDiff } from './commands/schema-diff';
import { schemaLint } from './commands/schema-lint';
import { EXIT, FORMATS, UsageError, type ExitCode, type Format, type Terminal } from './terminal';

const EXIT_CODES = `
Exit codes:
  0  nothing to complain about
  1  problems found; for diff: a change that the merge would refuse
  2  the command could not do its work: wrong arguments, unreadable files, no such git ref`;

function format(): Option {
  return new Option('--format <format>', 'for people, for programs, or as annotations of a GitHub workflow')
    .choices(FORMATS)
    .default('text');
}

/** Runs one command line. Never throws, and ends no process: what the shell learns is returned. */
export async function run(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  let code: ExitCode = EXIT.clean;
  const program = new Command('lean-ops')
    .description('Looks after a lean-ops pipeline.')
    .exitOverride()
    .configureOutput({ writeOut: terminal.write, writeErr: terminal.writeError })
    .showHelpAfterError('(--help tells more)')
    .addHelpText('after', EXIT_CODES);
  const schema = program.command('schema').description('topic schemas, before they are merged');

  schema
    .command('lint')
    .description('check topic schemas: every problem with its place and what to do')
    .argument('[paths...]', 'schema files, or folders with {topic}/schema.json in them', ['schemas'])
    .addOption(format())
    .addHelpText('after', EXIT_CODES)
    .action(async (paths: string[], options: { format: Format }) => {
      code = await schemaLint(paths, options, terminal);
    });

  schema
    .command('diff')
    .description('what a merge of the schemas would change: for readers, and in the tables')
    .argument('[paths...]', 'schema files, or folders with {topic}/schema.json in them', ['schemas'])
    .option('--base <ref>', 'git ref to compare the files with, for a pull request origin/main', 'HEAD')
    .option('--database-prefix <prefix>', 'of the Glue databases, for the statements shown', 'lean_ops')
    .option('--lake-bucket <bucket>', 'of the lake, for the statements shown', 'LAKE_BUCKET')
    .addOption(format())
    .addHelpText('after', EXIT_CODES)
    .action(
      async (
        paths: string[],
        options: { base: string; databasePrefix: string; lakeBucket: string; format: Format },
      ) => {
        code = await schemaDiff(paths, options, terminal);
      },
    );

  try {
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    // Commander has printed its message (or the help) already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.clean : EXIT.usage;
    const text = error instanceof UsageError ? error.message : error instanceof Error ? error.stack : String(error);
    terminal.writeError(`error: ${text ?? ''}\n`);
    return EXIT.usage;
  }
}
