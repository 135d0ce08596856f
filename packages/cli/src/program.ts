import { Command } from 'commander';
import { version } from '../package.json';
import { awsCloud, type Connect } from './pipeline/aws-clients';
import type { CommandContext } from './commands/command';
import { registerCompletion } from './commands/completion';
import { registerDlqDiscard } from './commands/dlq/discard';
import { registerDlqList } from './commands/dlq/list';
import { registerDlqReplay } from './commands/dlq/replay';
import { registerDlqShow } from './commands/dlq/show';
import { registerEnv } from './commands/env';
import { registerErrorsIgnore, registerErrorsReopen } from './commands/errors/ignore';
import { registerErrorsReplay } from './commands/errors/replay';
import { registerErrorsShow } from './commands/errors/show';
import { registerErrorsTop } from './commands/errors/top';
import { registerOpList } from './commands/op/list';
import { registerOpCancel, registerOpResume, registerOpShow } from './commands/op/take-up';
import { registerSchemaDiff } from './commands/schema-diff';
import { registerSchemaAdopt } from './commands/schema-adopt';
import { registerSchemaExport } from './commands/schema-export';
import { registerSchemaInfer } from './commands/schema-infer';
import { registerSchemaNew } from './commands/schema-new';
import { registerSchemaLint } from './commands/schema-lint';
import { registerSchemaPlan } from './commands/schema-plan';
import { registerSchemaPush } from './commands/schema-push';
import { registerSchemaStatus } from './commands/schema-status';
import { registerSchemaSync } from './commands/schema-sync';
import { registerSchemaVendor } from './commands/schema-vendor';
import { registerStatus } from './commands/status';
import { registerTopicCompact } from './commands/topic/compact';
import { registerTopicForget } from './commands/topic/forget';
import { registerTopicHold } from './commands/topic/hold';
import { registerTopicPoints } from './commands/topic/points';
import { registerTopicRebuild } from './commands/topic/rebuild';
import { registerTopicRelease } from './commands/topic/release';
import { registerTopicRewind } from './commands/topic/rewind';
import { registerTopicStatus } from './commands/topic/status';
import { registerTopicUndo } from './commands/topic/undo';
import {
  explainFailures,
  explainObservation,
  explainOperation,
  explainRedelivery,
} from './pipeline/explain-aws-errors';
import { awsObserver, type Observe } from './pipeline/observer';
import { awsOperator, type Operate } from './pipeline/operator';
import { awsRedeliverer, type Redeliver } from './pipeline/redeliverer';
import { ALL_EXIT_CODES } from './commands/options';
import { usageExitCode, withPlainUsage } from './commands/usage';
import { CliError, unexpectedErrorText } from './errors';
import { EXIT, type ExitCode, type Terminal } from './terminal';

/** Runs one command line and returns its exit code. Never throws, and never ends the process. */
export async function run(
  args: readonly string[],
  terminal: Terminal,
  connect: Connect = awsCloud,
  observe: Observe = awsObserver,
  operate: Operate = awsOperator,
  redeliver: Redeliver = awsRedeliverer,
): Promise<ExitCode> {
  let code: ExitCode = EXIT.clean;
  const context: CommandContext = {
    terminal,
    connect: explainFailures(connect),
    observe: explainObservation(observe),
    operate: explainOperation(operate),
    redeliver: explainRedelivery(redeliver),
    setExitCode: (ended) => void (code = ended),
  };
  const program = withPlainUsage(new Command('lean-ops'), { writeOut: terminal.write, writeErr: terminal.writeError })
    .description('Manage the schemas and topics of a lean-ops pipeline.')
    .version(version, '-V, --version', 'print the version')
    .addHelpText('after', ALL_EXIT_CODES);
  const schema = program.command('schema').description('write, check and upload topic schemas');

  registerSchemaLint(schema, context);
  registerSchemaDiff(schema, context);
  registerSchemaPlan(schema, context);
  registerSchemaPush(schema, context);
  registerSchemaSync(schema, context);
  registerSchemaInfer(schema, context);
  registerSchemaNew(schema, context);
  registerSchemaVendor(schema, context);
  registerSchemaAdopt(schema, context);
  registerSchemaExport(schema, context);
  registerSchemaStatus(schema, context);
  registerStatus(program, context);
  const topic = program
    .command('topic')
    .description('hold a topic, release it, compact it, forget keys of it, and see which are held');
  registerTopicHold(topic, context);
  registerTopicRelease(topic, context);
  registerTopicStatus(topic, context);
  registerTopicCompact(topic, context);
  registerTopicPoints(topic, context);
  registerTopicRewind(topic, context);
  registerTopicUndo(topic, context);
  registerTopicRebuild(topic, context);
  registerTopicForget(topic, context);
  const op = program.command('op').description('operations on topics: see them, take them up, take them back');
  registerOpList(op, context);
  registerOpShow(op, context);
  registerOpResume(op, context);
  registerOpCancel(op, context);
  const errors = program.command('errors').description('messages that broke their schema, or could not be read');
  registerErrorsTop(errors, context);
  registerErrorsShow(errors, context);
  registerErrorsReplay(errors, context);
  registerErrorsIgnore(errors, context);
  registerErrorsReopen(errors, context);
  const dlq = program.command('dlq').description('dead letters: what could not become a row of RAW');
  registerDlqList(dlq, context);
  registerDlqShow(dlq, context);
  registerDlqReplay(dlq, context);
  registerDlqDiscard(dlq, context);
  registerEnv(program, context);
  registerCompletion(program, context);

  try {
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    // Commander has already printed its message or the help.
    const usage = usageExitCode(error);
    if (usage !== undefined) return usage;
    const text = error instanceof CliError ? error.message : unexpectedErrorText(error, terminal.env);
    terminal.writeError(`error: ${text}\n`);
    return EXIT.failed;
  }
}
