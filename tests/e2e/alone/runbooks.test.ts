/**
 * Runs every block of every runbook as an on-call person would, with the failure provoked that its page is about. A test says of
 * each block of its page, in their order, what it has to print; a block or a page that no test runs fails.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetTableCommand, GetTableVersionsCommand, UpdateTableCommand, type TableInput } from '@aws-sdk/client-glue';
import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import {
  GetFunctionConfigurationCommand,
  LambdaClient,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { DescribeExecutionCommand, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import {
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  PurgeQueueCommand,
  SetQueueAttributesCommand,
} from '@aws-sdk/client-sqs';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { connect, databases, output } from '../../../scripts/local/clients';
import { runCycle } from '../../../scripts/local/cycle';
import { CREDENTIALS, endpointOf, flushFirehose, REGION } from '../../../scripts/local/emulator-process';
import { readInjected, setFaults } from '../../../scripts/local/fault-injection';
import { ROOT } from '../../../scripts/local/paths';
import { archive } from '../archive';
import { without } from '../rights';
import { PAGES_OF_TABLES, runbookBlocks, SETUP_PAGE } from '../runbooks/blocks';
import { openShell, type Shell } from '../runbooks/shell';
import { rows, send, settle, theStack } from '../stack';

const stack = theStack();
const { dynamodb, glue, s3, sfn, sqs } = connect(stack);
const lambda = new LambdaClient({ endpoint: endpointOf(stack.port), region: REGION, credentials: CREDENTIALS });
const PREFIX = 'lean-ops';
/** The topic of the pages. */
const TOPIC = 'telemetry.climate';
const PAGES = runbookBlocks();
const done = new Map<string, number>();
let shell: Shell;

beforeAll(async () => {
  const [setup] = PAGES.get(SETUP_PAGE) ?? [];
  shell = await openShell(stack, setup?.text ?? '');
});

/** Runs the next block of a page, which has to print what is expected. */
async function block(page: string, expected: RegExp, ends?: readonly number[]): Promise<string> {
  const at = done.get(page) ?? 0;
  const text = PAGES.get(page)?.[at]?.text;
  if (text === undefined) throw new Error(`${page} has ${at} blocks, and the test wants one more`);
  done.set(page, at + 1);
  const printed = await shell.run(text, ends);
  expect(printed).toMatch(expected);
  return printed;
}

/** Runs a block that was run before, once more. */
async function again(page: string, at: number): Promise<string> {
  return shell.run(PAGES.get(page)?.[at]?.text ?? '');
}

async function until<T>(what: string, look: () => Promise<T | undefined | false>, seconds = 60): Promise<T> {
  const deadline = Date.now() + seconds * 1_000;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`not within ${seconds} s: ${what}`);
    await sleep(250);
  }
}

async function expectAlarm(name: string): Promise<void> {
  await expect(
    shell.run(
      `aws cloudwatch describe-alarms --alarm-names ${PREFIX}-${name} --query 'MetricAlarms[].StateValue' --output text`,
    ),
  ).resolves.toBe('ALARM\n');
}

/** Lets messages of a queue come again soon while `work` runs: seconds stand for minutes. */
async function comingAgainSoon<T>(url: string, work: () => Promise<T>): Promise<T> {
  const queue = { QueueUrl: url };
  const before = await sqs.send(new GetQueueAttributesCommand({ ...queue, AttributeNames: ['VisibilityTimeout'] }));
  await sqs.send(new SetQueueAttributesCommand({ ...queue, Attributes: { VisibilityTimeout: '5' } }));
  try {
    return await work();
  } finally {
    await sqs.send(new SetQueueAttributesCommand({ ...queue, Attributes: before.Attributes ?? {} }));
  }
}

/** Waits until a function's log has an error of this word, as the runbooks' own function prints it. */
async function errorsSay(name: string, word: string, pattern = 'ERROR'): Promise<void> {
  const group = `/aws/lambda/${PREFIX}-${name}`;
  await until(`${name} says ${word}`, async () => (await shell.run(`errors_of ${group} ${pattern}`)).includes(word));
}

/** The command that `lean-ops dlq list` prints, to send again what it lists. */
function howToSendAgain(printed: string): string {
  const [, command] = /^To send them again.* then:\n {2}(lean-ops dlq replay .*)\n/m.exec(printed) ?? [];
  if (command === undefined) throw new Error(`how to send them again is not said in:\n${printed}`);
  return `pnpm ${command}`;
}

/** Has cycle-planner count topics as late after this many minutes while `work` runs. */
async function lateAfter<T>(minutes: number, work: () => Promise<T>): Promise<T> {
  const name = { FunctionName: `${PREFIX}-cycle-planner` };
  const { Environment: before } = await lambda.send(new GetFunctionConfigurationCommand(name));
  const targets = JSON.stringify({ default: minutes, topics: {} });
  const Environment = { Variables: { ...before?.Variables, FRESHNESS_TARGETS: targets } };
  await lambda.send(new UpdateFunctionConfigurationCommand({ ...name, Environment }));
  try {
    return await work();
  } finally {
    await lambda.send(
      new UpdateFunctionConfigurationCommand({ ...name, Environment: { Variables: before?.Variables ?? {} } }),
    );
  }
}

const event = (id: string): string =>
  `{"topic_name":"${TOPIC}","message_id":"${id}","produced_at":"2026-11-23T10:00:01Z",` +
  `"payload":{"device_id":"dev-7","measured_at":"2026-11-23T10:00:00Z","temperature":21.5}}`;
const quiet = (): void => undefined;

describe('the runbooks', () => {
  it('need a shell that has the names of the pipeline and two functions', async () => {
    await block(SETUP_PAGE, /^$/);
    await expect(shell.run('echo "$PREFIX $DLQ_URL $OPS_DATABASE"; athena "SELECT 1 AS one"')).resolves.toMatch(
      /^lean-ops http\S+ lean_ops_ops\none\n1\n$/,
    );
    await expect(shell.run('athena "SELECT nothing"')).rejects.toThrow(/nothing/);
    await block(SETUP_PAGE, /cycle/i, [0, 1]);
  });

  it('cycle-failed, topics-late: a right that is gone, then one broken table', async () => {
    const page = 'cycle-failed';
    await send(stack, event('runbook-1'));
    await runCycle(stack, quiet);

    await send(stack, event('runbook-2'));
    const denied = /Standardized failed: access denied writing .+ \(role lean-ops-job-standardized: glue:UpdateTable\)/;
    await without(stack, `${PREFIX}-job-standardized`, 'glue:UpdateTable', async () => {
      await expect(runCycle(stack, quiet)).rejects.toThrow(denied);
      await expectAlarm('cycle-failed');
    });
    await block(page, denied);

    const place = { DatabaseName: databases(stack).standardized, Name: 'telemetry_climate' };
    const whole = await tableInput(place);
    const gone = { ...whole.Parameters, metadata_location: `${whole.Parameters?.['metadata_location'] ?? ''}.gone` };
    const put = async (input: TableInput): Promise<unknown> =>
      glue.send(new UpdateTableCommand({ DatabaseName: place.DatabaseName, TableInput: input }));
    await put({ ...whole, Parameters: gone });
    try {
      // Its event has waited since the cycle before.
      await lateAfter(0.01, async () => {
        await expect(runCycle(stack, quiet)).rejects.toThrow(
          /Standardized failed: 1 topic failed: telemetry\.climate: /,
        );
      });
      await expectAlarm('topics-late');
      await block('topics-late', /1 topic failed[^]*telemetry\.climate: /, [1]);
      await block('topics-late', /telemetry\.climate/);
      await block('topics-late', /"topics late"/);
      await expect(again(page, 0)).resolves.toMatch(
        /FAILED\tStandardized failed: 1 topic failed: telemetry\.climate: /,
      );
      await block(page, /^topic_name\tlayer\tstatus\terror\ntelemetry\.climate\tstandardized\tFAILED\t/m);
      await block(page, /"topic failed".*"topic_name": "telemetry\.climate".*"reason": "/);
    } finally {
      await put(whole);
    }
    const started = await block(page, /^arn:aws:states:/);
    const ended = await until('the cycle has ended', async () => {
      const found = await sfn.send(new DescribeExecutionCommand({ executionArn: started.trim() }));
      return found.status !== 'RUNNING' && found.status;
    });
    expect(ended).toBe('SUCCEEDED');
    await expect(again(page, 1)).resolves.not.toContain('telemetry.climate');
    await block(page, /append|overwrite/);
  });

  it('cycle-missing: a lease that nobody gives back', async () => {
    const page = 'cycle-missing';
    const key = { topic_name: { S: '*' }, layer: { S: 'lease' } };
    const soon = String(Math.floor(Date.now() / 1_000) + 3_600);
    const lease = { ...key, execution_id: { S: 'arn:of:a:dead:one' }, expires_at: { N: soon } };
    await dynamodb.send(new PutItemCommand({ TableName: output(stack, 'checkpoint_table'), Item: lease }));
    await block(page, /^(ENABLED|DISABLED)\trate\(/);
    await block(page, /^SUCCEEDED\t/m);
    await block(page, /arn:of:a:dead:one/);
    await block(page, /^$/);
    await expect(again(page, 2)).resolves.not.toContain('arn:of:a:dead:one');
  });

  it('dead-letters: a message without a topic', async () => {
    const page = 'dead-letters';
    const die = async (body: string): Promise<string> => {
      const id = await send(stack, body);
      await until('it is archived', async () => (await archive(stack, id)).length > 0);
      return id;
    };
    const id = await die('{"payload":{"note":"it\'s \\"quoted\\""}}');
    await expectAlarm('dead-letters');
    const list = await block(page, /NO_TOPIC/, [1]);
    await block(page, /NO_TOPIC of _unknown, open\n[^]*it's \\"quoted\\"/, [1]);
    await block(page, /^Plan: send dead letters again[^]*Nothing was changed/m, [0, 1]);
    await expect(shell.run(howToSendAgain(list), [0, 1])).resolves.toMatch(/NO_TOPIC \d+, such as .*: no topic/);
    await block(page, /-replay-[0-9a-f]{6}: \d+ sent\n/);
    await die('{"topic":"telemetry.climate","payload":{"note":"misspelt"}}');
    await block(page, /-edit-[0-9a-f]{6}: 1 sent\n/);
    const stray = await die('{"payload":{"note":"stray"}}');
    await block(page, /-discard-[0-9a-f]{6}: \d+ letters? discarded\n/);
    await settle(stack);
    await expect(
      rows(
        stack,
        `SELECT payload, source_message_id FROM {raw}."events" WHERE topic_name = '${TOPIC}' AND payload LIKE '%note%' ORDER BY payload`,
      ),
    ).resolves.toMatchObject([
      { payload: '{"note":"corrected"}' },
      { payload: '{"note":"it\'s \\"quoted\\""}', source_message_id: id },
    ]);
    await expect(shell.run(`pnpm lean-ops dlq show ${stray}`)).resolves.toContain('a test of a producer');
  });

  it('dlq-not-empty, lambda-errors: dlq-archiver may not write', async () => {
    await comingAgainSoon(output(stack, 'dlq_url'), async () => {
      await without(stack, `${PREFIX}-dlq-archiver`, 's3:PutObject', async () => {
        await send(stack, '{"payload":{"kept":true}}');
        await errorsSay('dlq-archiver', 'AccessDenied');
        await block('dlq-not-empty', /^\d+\t\d+$/m);
        await block('dlq-not-empty', /AccessDenied/);
        await block('lambda-errors', /AccessDenied/);
      });
      await settle(stack);
    });
  });

  it('ingest-age: sqs-processor may not write to the stream', async () => {
    const url = output(stack, 'ingest_queue_url');
    await comingAgainSoon(url, async () => {
      await without(stack, `${PREFIX}-sqs-processor`, 'firehose:PutRecordBatch', async () => {
        await send(stack, event('runbook-3'));
        await errorsSay('sqs-processor', 'AccessDenied', 'failures');
        await block('ingest-age', /^(?!0\t0$)\d+\t\d+$/m);
        await block('ingest-age', /AccessDenied/);
      });
      await settle(stack);
    });
  });

  it('stream-throttled: a stream that takes nothing', async () => {
    const url = output(stack, 'ingest_queue_url');
    await comingAgainSoon(url, async () => {
      const before = (await readInjected(stack.port))['firehose_record_throttled'] ?? 0;
      await setFaults(stack.port, { firehose_bytes_per_s: 0 });
      try {
        await send(stack, event('runbook-4'));
        await until(
          'it was throttled',
          async () => ((await readInjected(stack.port))['firehose_record_throttled'] ?? 0) > before,
        );
        await block('stream-throttled', /^BytesPerSecondLimit\n(.*\n)*IncomingBytes\n(.*\n)*ThrottledRecords\n/);
        await block('stream-throttled', /^(?!0\t0$)\d+\t\d+$/m);
      } finally {
        await setFaults(stack.port, {});
      }
      await settle(stack);
    });
  });

  it('stream-failed-rows, stream-freshness: Firehose may not invoke the transform', async () => {
    const page = 'stream-failed-rows';
    let list = '';
    await without(stack, `${PREFIX}-stream`, 'lambda:InvokeFunction', async () => {
      await send(stack, event('runbook-5'));
      await settle(stack);
      await until('it is on record', async () => {
        await flushFirehose(stack.port);
        return (await again(page, 0)).includes('Lambda.InvokeAccessDenied');
      });
      await block(page, /\trecords\t1\tLambda\.InvokeAccessDenied\t/);
      // The local Firehose writes no log of its own, and the transform was not reached.
      await block('stream-freshness', /^\s*$/);
      await block('stream-freshness', /^events\t/);
      await block('stream-freshness', /^\s*$/);
      await send(stack, event('runbook-6').replaceAll(TOPIC, 'runbook.other'));
      await settle(stack);
      list = await until('the other is on record', async () => {
        await flushFirehose(stack.port);
        const printed = await shell.run('pnpm lean-ops dlq list --since 1d', [1]);
        return printed.includes('runbook.other') && printed;
      });
    });
    expect(howToSendAgain(list)).toContain('dlq replay --since');
    await expect(
      shell.run("pnpm lean-ops dlq replay --topic runbook.other --apply --reason 'the right is back'"),
    ).resolves.toMatch(/: 1 sent\n/);
    await block('stream-freshness', /"StatusCode": 200|"tables"|StatusCode/);
    await block(page, /stream {4}1 record of 1 entry of Firehose\n/);
    await block(page, /: 1 sent\n/);
    await settle(stack);
    await expect(
      rows(
        stack,
        `SELECT message_id FROM {raw}."events" WHERE message_id IN ('runbook-5', 'runbook-6') ORDER BY message_id`,
      ),
    ).resolves.toEqual([{ message_id: 'runbook-5' }, { message_id: 'runbook-6' }]);
  });

  it('failed-stream-errors: stream-error-reader may not read them', async () => {
    const page = 'failed-stream-errors';
    const key = `firehose-errors/by-hand/runbook-${Date.now()}`;
    await empty('failed-stream-errors');
    await without(stack, `${PREFIX}-stream-error-reader`, 's3:GetObject', async () => {
      await s3.send(new PutObjectCommand({ Bucket: output(stack, 'dlq_archive_bucket'), Key: key, Body: '\u0000{"' }));
      await errorsSay('stream-error-reader', 'stream-error-reader failed');
      await block(page, /stream-error-reader failed/);
      await until('its event is in the queue', async () => (await waiting('failed-stream-errors')) > 0, 120);
      await expectAlarm('failed-stream-errors');
    });
    await block(page, /"recorded":\s*1,.*"left":\s*0/s);
    await block(page, /^$/);
    expect(await waiting('failed-stream-errors')).toBe(0);
  });

  it('failed-schema-uploads: schema-validator may not ask Athena', async () => {
    const page = 'failed-schema-uploads';
    const text = readFileSync(path.join(ROOT, `schemas/${TOPIC}/schema.json`), 'utf8');
    const bucket = output(stack, 'schema_bucket');
    await empty('failed-schema-uploads');
    await without(stack, `${PREFIX}-schema-validator`, 'athena:StartQueryExecution', async () => {
      await s3.send(new PutObjectCommand({ Bucket: bucket, Key: `schemas/${TOPIC}/pending/schema.json`, Body: text }));
      await until('its event is in the queue', async () => (await waiting('failed-schema-uploads')) > 0, 120);
      await expectAlarm('failed-schema-uploads');
    });
    await block(page, /requestPayload.*telemetry\.climate/s);
    await block(page, /TRIES_ENDED/);
    await block(page, /athena:StartQueryExecution/);
    await block(page, /READY after/);
    await block(page, /^$/);
    expect(await waiting('failed-schema-uploads')).toBe(0);
  });

  it('table-versions: more than a hundred versions of RAW', async () => {
    const page = 'table-versions';
    const place = { DatabaseName: databases(stack).raw, Name: 'events' };
    const input = await tableInput(place);
    for (let n = 0; n < 110; n += 1) {
      await glue.send(new UpdateTableCommand({ DatabaseName: place.DatabaseName, TableInput: input }));
    }
    await block(page, /"largest|LargestTableVersions|events/);
    await block(page, /^/);
    const kept = await glue.send(
      new GetTableVersionsCommand({ DatabaseName: place.DatabaseName, TableName: place.Name, MaxResults: 200 }),
    );
    expect(kept.TableVersions?.length).toBeGreaterThan(90);
    expect(kept.TableVersions?.length).toBeLessThanOrEqual(101);
  });

  it('raw-metadata: how large it is, as each cycle says', async () => {
    await block('raw-metadata', /"raw_snapshots":\d+,"raw_metadata_bytes":\d+/);
  });

  it('maintenance-failed: the job may not list versions', async () => {
    const page = 'maintenance-failed';
    const start = { stateMachineArn: output(stack, 'maintenance_state_machine_arn') };
    const end = (executionArn: string | undefined): Promise<string> =>
      until(
        'maintenance has ended',
        async () => {
          const found = await sfn.send(new DescribeExecutionCommand({ executionArn }));
          return found.status !== 'RUNNING' && found.status;
        },
        180,
      );
    const denied =
      /maintenance of \d+ tables? failed: .*access denied reading .*role lean-ops-job-maintenance: glue:GetTableVersions/;
    await without(stack, `${PREFIX}-job-maintenance`, 'glue:GetTableVersions', async () => {
      const { executionArn } = await sfn.send(new StartExecutionCommand(start));
      await expect(end(executionArn)).resolves.toBe('FAILED');
      await expectAlarm('maintenance-failed');
    });
    await block(page, denied);
    await block(page, /"message": "maintenance of a table failed".*"step": "versions deleted"/);
    const started = await block(page, /^arn:aws:states:/);
    await expect(end(started.trim())).resolves.toBe('SUCCEEDED');
    await runCycle(stack, quiet);
  });

  it('topic-held: a hold past its end', async () => {
    const page = 'topic-held';
    await send(stack, event('runbook-7'));
    await runCycle(stack, quiet);
    const end = Date.now() + 20_000;
    const soon = new Date(end).toISOString().slice(0, 19);
    const why = `--apply --reason 'a drill' --until ${soon}`;
    await expect(shell.run(`pnpm lean-ops topic hold ${TOPIC} ${why}`)).resolves.toMatch(
      /telemetry\.climate is held: no writer can commit any more\n$/,
    );
    await send(stack, event('runbook-8'));
    await sleep(Math.max(0, end - Date.now()));
    await runCycle(stack, quiet);
    await expectAlarm('topic-held');
    await block(page, /telemetry\.climate +held, overdue /, [1]);
    await block(page, /waits +Standardized, from cycle \S+ on/, [1]);
    await block(page, /-hold-\w{6} +DONE +telemetry\.climate/);
    const ended = async (printed: string): Promise<void> => {
      const [, id = ''] = /^(\S+) has telemetry\.climate, and runs in AWS/m.exec(printed) ?? [];
      await until('it is done', async () => (await shell.run(`pnpm lean-ops op show ${id}`)).includes(', DONE\n'));
    };
    await ended(await block(page, /Plan: give the hold of telemetry\.climate another end\n[^]*runs in AWS/));
    await expect(again(page, 0)).resolves.toMatch(/telemetry\.climate +held +\d/);
    await block(page, /Plan: release telemetry\.climate\n[^]*then +READY/);
    await ended(await block(page, /runs in AWS/));
    const kept = `SELECT message_id FROM {standardized}."telemetry_climate" WHERE message_id = 'runbook-8'`;
    await expect(rows(stack, kept)).resolves.toEqual([]);
    await runCycle(stack, quiet);
    await expect(rows(stack, kept)).resolves.toEqual([{ message_id: 'runbook-8' }]);
    await expect(again(page, 0)).resolves.toMatch(/^No topic is held/);
  });

  it('operation-failed: the job of operations may not write to the catalog', async () => {
    const page = 'operation-failed';
    await without(stack, `${PREFIX}-job-operation`, 'glue:UpdateTable', async () => {
      const hold = `pnpm lean-ops topic hold ${TOPIC} --apply --reason 'a drill'`;
      await expect(shell.run(hold, [2])).resolves.toMatch(/failed\n[^]*glue:UpdateTable[^]*lean-ops op resume/);
      await expectAlarm('operation-failed');
      await block(page, /FAILED[^]*1 operation needs somebody/, [1]);
      await block(page, /error +.*access denied .*glue:UpdateTable/, [1]);
    });
    // The planner sees that it has its topic still, for as long as it has.
    await runCycle(stack, quiet);
    await expectAlarm('operation-stalled');
    await block(page, /is taken up from DRAINED on\.[^]*telemetry\.climate is held: no writer can commit any more\n$/);
    await expect(again(page, 0)).resolves.not.toContain('needs somebody');
    await shell.run(`pnpm lean-ops topic release ${TOPIC} --apply --reason 'the drill is over'`);
  });

  it('errors: a gap that people accept', async () => {
    const page = 'errors';
    await block(page, /telemetry\.climate is held: no writer can commit any more\n$/);
    await block(page, /Plan: release telemetry\.climate\n[^]*telemetry\.climate is released\n/);
  });

  it('have no block that was not run, and none in another language than the shell', () => {
    for (const [page, blocks] of PAGES) {
      if (!PAGES_OF_TABLES.includes(page))
        expect({ page, run: done.get(page) ?? 0 }).toEqual({ page, run: blocks.length });
      expect(blocks.filter(({ language }) => language !== 'sh')).toEqual([]);
    }
  });
});

/** Empties a queue of what other tests on this stack have left there. */
async function empty(queue: string): Promise<void> {
  const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: `${PREFIX}-${queue}` }));
  await sqs.send(new PurgeQueueCommand({ QueueUrl }));
}

/** A table's entry in the catalog as UpdateTable takes it, so that it stays as it is but for what is changed in it. */
async function tableInput(place: { readonly DatabaseName: string; readonly Name: string }): Promise<TableInput> {
  const { Table: table } = await glue.send(new GetTableCommand(place));
  return {
    Name: place.Name,
    TableType: table?.TableType ?? '',
    StorageDescriptor: table?.StorageDescriptor ?? {},
    Parameters: table?.Parameters ?? {},
  };
}

async function waiting(queue: string): Promise<number> {
  const printed = await shell.run(
    `aws sqs get-queue-attributes --attribute-names ApproximateNumberOfMessages --query Attributes --output text ` +
      `--queue-url "$(aws sqs get-queue-url --queue-name ${PREFIX}-${queue} --query QueueUrl --output text)"`,
  );
  return Number(printed);
}
