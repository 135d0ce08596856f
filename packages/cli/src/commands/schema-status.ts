import { mapLimit, schemaKeys, type TopicName } from '@lean-ops/common/core';
import type { Cloud, Connect } from '../pipeline/aws-clients';
import { readDeployment, type Deployment } from '../pipeline/deployment';
import { oneStatusText, statusJson, statusText, type SchemaStatus } from '../format/schema-status';
import { FILE_START, locateProblems, locator } from '../schemas/locate-problems';
import { readSchemaState, readSchemaStates } from '../schemas/read-schema-states';
import { isWrong, SCHEMA_STATES, type SchemaState } from '../schemas/schema-state';
import { boundedText } from '../upload/decide-upload';
import { readErrorReport } from '../upload/error-report';
import { CliError } from '../errors';
import { EXIT, type ExitCode, type Format, type Terminal } from '../terminal';
import type { RegisterCommand } from './command';
import { EXIT_CODES, formatOption, outputsOption } from './options';
import { parseTopic } from './schema-plan';

export interface StatusOptions {
  readonly outputs?: string;
  readonly format: Format;
}

/** Reports of refused uploads that are read at a time. */
const CONCURRENCY = 8;
/** Reports that are read in all, as each takes four requests. The worst come first. */
const MAX_REPORTS = 100;

export const registerSchemaStatus: RegisterCommand = (schema, { terminal, connect, setExitCode }) => {
  schema
    .command('status')
    .description('show which schemas are active, pending or failed, since when, and why')
    .argument('[topic]', 'one topic, with every problem of a failed upload (default: all topics)')
    .addOption(outputsOption())
    .addOption(formatOption(['text', 'json']))
    .addHelpText('after', EXIT_CODES)
    .action(async (topic: string | undefined, options: StatusOptions) => {
      setExitCode(await schemaStatus(topic, options, terminal, connect));
    });
};

/** `schema status`: shows the state of one schema, or of all of them. */
export async function schemaStatus(
  topicText: string | undefined,
  { outputs, format }: StatusOptions,
  terminal: Terminal,
  connect: Connect,
): Promise<ExitCode> {
  const topic = topicText === undefined ? undefined : parseTopic(topicText);
  const deployment = await readDeployment(outputs, terminal);
  const cloud = connect(deployment);
  const states =
    topic === undefined ? await readSchemaStates(deployment, cloud) : [await readOne(topic, deployment, cloud)];
  const statuses = await withProblems(states, deployment, cloud);
  terminal.write(
    format === 'json'
      ? statusJson(statuses)
      : topic === undefined
        ? statusText(statuses, terminal)
        : statuses.map(oneStatusText).join(''),
  );
  return states.some(isWrong) ? EXIT.problems : EXIT.clean;
}

async function readOne(topic: TopicName, deployment: Deployment, cloud: Cloud): Promise<SchemaState> {
  const state = await readSchemaState(topic, deployment, cloud);
  if (state.state !== SCHEMA_STATES.none) return state;
  throw new CliError(`${topic} has no schema. Is it spelled right? lean-ops schema status lists those that have one.`);
}

/** The states with the problems of their refused uploads, at their places in the refused text. */
async function withProblems(
  states: readonly SchemaState[],
  { schemaBucket }: Deployment,
  { objects }: Cloud,
): Promise<SchemaStatus[]> {
  const read = new Set(states.filter(({ failed }) => failed !== null).slice(0, MAX_REPORTS));
  return mapLimit(states, CONCURRENCY, async (state) => {
    if (!read.has(state)) return { ...state, problems: null };
    const topic = parseTopic(state.topic);
    const key = schemaKeys.failed(topic);
    const [report, text] = await Promise.all([
      readErrorReport(objects, schemaBucket, topic),
      boundedText(objects, schemaBucket, key),
    ]);
    const locate = text === undefined ? () => FILE_START : locator(text);
    return {
      ...state,
      problems: report.ok ? locateProblems(`s3://${schemaBucket}/${key}`, report.report.problems, locate) : null,
    };
  });
}
