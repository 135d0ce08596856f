import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { CloudWatchLogsClient, GetLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { GetJobRunsCommand } from '@aws-sdk/client-glue';
import { afterEach, describe, expect, it } from '@jest/globals';
import { connect } from '../../../scripts/local/clients';
import { CREDENTIALS, endpointOf, REGION } from '../../../scripts/local/emulator-process';
import { readInjected, setFaults } from '../../../scripts/local/fault-injection';
import { cycle, freshTopic, rows, send, settle, tableOf, theStack } from '../stack';

const stack = theStack();
const config = { endpoint: endpointOf(stack.port), region: REGION, credentials: CREDENTIALS };

afterEach(async () => setFaults(stack.port, {}));

/** How often each fault was injected while `work` ran. */
async function injectedDuring(work: () => Promise<void>): Promise<Record<string, number>> {
  const before = await readInjected(stack.port);
  await work();
  const after = await readInjected(stack.port);
  return Object.fromEntries(Object.entries(after).map(([name, times]) => [name, (times ?? 0) - (before[name] ?? 0)]));
}

/** The lines that the run of a job wrote in a cycle, by their message. */
async function jobLog(job: string, cycleId: string | undefined): Promise<Record<string, Record<string, unknown>>> {
  const { glue } = connect(stack);
  const { JobRuns: runs = [] } = await glue.send(new GetJobRunsCommand({ JobName: `lean-ops-${job}` }));
  const run = runs.find((each) => each.Arguments?.['--cycle_id'] === cycleId);
  const log = await new CloudWatchLogsClient(config).send(
    new GetLogEventsCommand({ logGroupName: `/aws-glue/jobs/lean-ops-${job}/output`, logStreamName: run?.Id ?? '' }),
  );
  const lines = (log.events ?? []).map(({ message = '' }) => JSON.parse(message) as Record<string, unknown>);
  return Object.fromEntries(lines.map((line) => [String(line['message']), line]));
}

describe('a fault that passes by itself', () => {
  it('fails no cycle: Glue throttles a start and calls of the catalog, and the planner has no rights as yet', async () => {
    const topic = freshTopic('throttled');
    await send(stack, `{"topic_name":"${topic}","message_id":"t-1","payload":{"n":1}}`);
    await settle(stack);
    let cycleId: string | undefined;
    const injected = await injectedDuring(async () => {
      await setFaults(stack.port, {
        glue_starts_throttled: 1,
        glue_catalog: 0.2,
        deny: { role: 'lean-ops-cycle-planner', seconds: 2 },
        seed: 3,
      });
      cycleId = (await cycle(stack)).cycleId;
      await setFaults(stack.port, {});
    });
    expect(injected['glue_start_throttled']).toBe(1);
    expect(injected['glue_catalog_throttled']).toBeGreaterThan(3);
    expect(injected['denied']).toBeGreaterThan(0);
    await expect(rows(stack, `SELECT message_id FROM {standardized}."${tableOf(topic)}"`)).resolves.toEqual([
      { message_id: 't-1' },
    ]);

    const log = await jobLog('standardized', cycleId);
    // The JVM is shared with Athena here, so it has to be shown that the settings came in time.
    expect(log['settings in force']).toMatchObject({
      iceberg_threads: 32,
      retry_mode: 'adaptive',
      java_options: expect.arrayContaining(['-XX:TieredStopAtLevel=1']) as unknown,
    });
    expect(log['catalog calls']?.['calls']).toBeGreaterThan(10);
  });

  it('fails no apply: table-provisioner waits until its role may do what it has to', async () => {
    const lambda = new LambdaClient(config);
    const injected = await injectedDuring(async () => {
      await setFaults(stack.port, { deny: { role: 'lean-ops-table-provisioner', seconds: 3 } });
      const answer = await lambda.send(
        new InvokeCommand({ FunctionName: 'lean-ops-table-provisioner', Payload: '{"action":"system"}' }),
      );
      const text = Buffer.from(answer.Payload ?? []).toString('utf8');
      expect([answer.FunctionError, text]).toEqual([undefined, expect.stringContaining('"ensured"')]);
    });
    expect(injected['denied']).toBeGreaterThan(0);
  });
});
