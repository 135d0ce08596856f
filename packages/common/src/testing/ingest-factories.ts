import type { Context, FirehoseTransformationEvent, SQSEvent, SQSRecord } from 'aws-lambda';

/** An envelope as a device fleet sends it; a test names only the members that it varies. */
export function envelopeOf(overrides: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    topic_name: 'telemetry.climate',
    message_id: '0199c2a4-7d10-7c3e-9a51-3f0e8b7d2c11',
    idempotency_key: 'dev-7|2026-11-23T10:00:00Z',
    event_time: '2026-11-23T10:00:00Z',
    produced_at: '2026-11-23T10:00:01Z',
    payload: { device_id: 'dev-7', temperature: 21.5, humidity: 40 },
    ...overrides,
  };
}

export interface SqsRecordOverrides {
  readonly body?: string;
  readonly messageId?: string;
  /** The message attribute `topic_name`. */
  readonly topic?: string;
  readonly messageAttributes?: Readonly<Record<string, string>>;
  readonly attributes?: Partial<SQSRecord['attributes']>;
}

let sequence = 0;

/** A message as Lambda hands it over. Ids are unique in a test file and have the form of SQS's. */
export function sqsRecord({
  body,
  messageId,
  topic,
  messageAttributes,
  attributes,
}: SqsRecordOverrides = {}): SQSRecord {
  sequence++;
  const texts = { ...messageAttributes, ...(topic !== undefined && { topic_name: topic }) };
  return {
    messageId: messageId ?? `2e1424d4-f796-459a-8184-${sequence.toString(16).padStart(12, '0')}`,
    receiptHandle: `AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a${sequence}`,
    body: body ?? JSON.stringify(envelopeOf()),
    attributes: {
      ApproximateReceiveCount: '1',
      SentTimestamp: '1795428001000',
      SenderId: 'AIDAIENQZJOLO23YVJ4VO',
      ApproximateFirstReceiveTimestamp: '1795428001250',
      ...attributes,
    },
    messageAttributes: Object.fromEntries(
      Object.entries(texts).map(([name, stringValue]) => [name, { dataType: 'String', stringValue }]),
    ),
    md5OfBody: 'e4e68fb7bd0e697a0ae8f1bb342846b3',
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:eu-central-1:123456789012:lean-ops-ingest',
    awsRegion: 'eu-central-1',
  };
}

export function sqsEvent(records: readonly SQSRecord[]): SQSEvent {
  return { Records: [...records] };
}

/** The event that Firehose hands to its transform, with one base64 record for each entry. */
export function firehoseEvent(records: readonly (string | Uint8Array)[]): FirehoseTransformationEvent {
  return {
    invocationId: '0b1f8a2e-5f5e-4d1e-9f0a-0e6f0a5f1c77',
    deliveryStreamArn: 'arn:aws:firehose:eu-central-1:123456789012:deliverystream/lean-ops-events',
    region: 'eu-central-1',
    records: records.map((data, index) => ({
      recordId: `49546986683135544286507457936321625675700192471156785154${String(index).padStart(6, '0')}`,
      approximateArrivalTimestamp: 1_795_428_002_000,
      data: Buffer.from(data).toString('base64'),
    })),
  };
}

export function lambdaContext({ remainingMs = () => 30_000 }: { readonly remainingMs?: () => number } = {}): Context {
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: 'lean-ops-sqs-processor',
    functionVersion: '$LATEST',
    invokedFunctionArn: 'arn:aws:lambda:eu-central-1:123456789012:function:lean-ops-sqs-processor',
    memoryLimitInMB: '512',
    awsRequestId: 'c6af9ac6-7b61-11e6-9a41-93e8deadbeef',
    logGroupName: '/aws/lambda/lean-ops-sqs-processor',
    logStreamName: '2026/11/23/[$LATEST]58419525dade4d17a495dceeeed44708',
    getRemainingTimeInMillis: remainingMs,
    // The callbacks of Node 0.10 (done, fail, succeed) are left out: they are deprecated, and nothing here calls them.
  } as Context;
}
