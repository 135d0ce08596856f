import {
  CloudWatchLogsClient,
  DescribeLogStreamsCommand,
  FilterLogEventsCommand,
  GetLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { GetJobRunsCommand, GlueClient } from '@aws-sdk/client-glue';
import { DescribeExecutionCommand, ListExecutionsCommand } from '@aws-sdk/client-sfn';
import { GetQueueAttributesCommand, SetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { describe, expect, it } from '@jest/globals';
import { connect, output } from '../../../scripts/local/clients';
import { CREDENTIALS, endpointOf, REGION } from '../../../scripts/local/emulator-process';
import { without } from '../rights';
import { cycle, freshTopic, rows, send, settle, theStack } from '../stack';

const stack = theStack();
const config = { endpoint: endpointOf(stack.port), region: REGION, credentials: CREDENTIALS };
const PREFIX = 'lean-ops';

describe('what an on-call person looks at', () => {
  it('shows the execution, the Glue run with its log, and one structured line a Lambda batch, without payloads', async () => {
    const topic = freshTopic('watched');
    await send(stack, `{"topic_name":"${topic}","payload":{"secret":"do-not-log-me"}}`);
    const outcome = await cycle(stack);

    const { sfn } = connect(stack);
    const execution = await sfn.send(new DescribeExecutionCommand({ executionArn: outcome.executionArn }));
    expect(execution.status).toBe('SUCCEEDED');
    expect(outcome.states).toEqual(expect.arrayContaining(['Plan', 'Standardized', 'ReleaseLease']));
    const listed = await sfn.send(new ListExecutionsCommand({ stateMachineArn: output(stack, 'state_machine_arn') }));
    expect(listed.executions?.map((each) => each.executionArn)).toContain(outcome.executionArn);

    const runs = await new GlueClient(config).send(new GetJobRunsCommand({ JobName: `${PREFIX}-standardized` }));
    const run = runs.JobRuns?.find((each) => each.Arguments?.['--cycle_id'] === outcome.cycleId);
    expect(run?.JobRunState).toBe('SUCCEEDED');
    const logs = new CloudWatchLogsClient(config);
    const jobLog = await logs.send(
      new GetLogEventsCommand({
        logGroupName: `/aws-glue/jobs/${PREFIX}-standardized/output`,
        logStreamName: run?.Id ?? '',
      }),
    );
    expect(jobLog.events?.some((each) => each.message?.includes(topic))).toBe(true);

    const group = `/aws/lambda/${PREFIX}-sqs-processor`;
    const streams = await logs.send(new DescribeLogStreamsCommand({ logGroupName: group }));
    expect(streams.logStreams?.length).toBeGreaterThan(0);
    const lines = await logs.send(new FilterLogEventsCommand({ logGroupName: group }));
    const text = (lines.events ?? []).map((each) => each.message ?? '').join('\n');
    expect(text).toContain('"level":"INFO"');
    expect(text).not.toContain('do-not-log-me');
  });

  it('starts no job when nothing is new', async () => {
    await cycle(stack);
    const idle = await cycle(stack);
    expect(idle.reason).toBe('NOTHING_NEW');
    expect(idle.states).not.toContain('Standardized');
  });
});

describe('least privilege', () => {
  it('is enforced: without firehose:PutRecordBatch nothing reaches RAW, nothing is lost, and it heals', async () => {
    const { sqs } = connect(stack);
    const queue = { QueueUrl: output(stack, 'ingest_queue_url') };
    const before = await sqs.send(new GetQueueAttributesCommand({ ...queue, AttributeNames: ['VisibilityTimeout'] }));
    const topic = freshTopic('denied');
    const ids = async () => rows(stack, `SELECT message_id FROM {raw}."events" WHERE topic_name = '${topic}'`);
    try {
      // The message then comes again in seconds, and not after six times the function's timeout.
      await sqs.send(new SetQueueAttributesCommand({ ...queue, Attributes: { VisibilityTimeout: '5' } }));
      await without(stack, `${PREFIX}-sqs-processor`, 'firehose:PutRecordBatch', async () => {
        await send(stack, `{"topic_name":"${topic}","message_id":"denied-1","payload":{"n":1}}`);
        await waitForLog('AccessDenied');
        expect(await ids()).toEqual([]);
      });
      await settle(stack);
      expect(await ids()).toEqual([{ message_id: 'denied-1' }]);
    } finally {
      await sqs.send(new SetQueueAttributesCommand({ ...queue, Attributes: before.Attributes ?? {} }));
    }
  }, 300_000);
});

async function waitForLog(word: string): Promise<void> {
  const logs = new CloudWatchLogsClient(config);
  const deadline = Date.now() + 30_000;
  while (Date.now() < deadline) {
    const lines = await logs.send(
      new FilterLogEventsCommand({ logGroupName: `/aws/lambda/${PREFIX}-sqs-processor`, filterPattern: word }),
    );
    if ((lines.events ?? []).some((each) => each.message?.includes(word))) return;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  throw new Error(`no log line with ${word}`);
}
