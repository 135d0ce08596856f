import { describe, expect, it } from '@jest/globals';
import { AthenaStatementError, TRIES_ENDED } from '@lean-ops/common/core';
import {
  interruption,
  KilledError,
  recordingLog,
  recordingMetrics,
  recordingQueue,
  topicSchema,
  withField,
} from '@lean-ops/common/testing';
import type { SQSRecord } from 'aws-lambda';
import type { Collaborators } from '../src/collaborators';
import { decodeEnded, endUploads } from '../src/ended-uploads';
import { BUCKET, RESOURCES, uploadEvent, world, type World } from './world';
import type { Upload } from '../src/upload';

const second = { ...withField('pressure', { type: 'number' }), 'x-version': 2 };
const DENIED = { errorType: 'AthenaStatementError', errorMessage: 'Athena: Access Denied' };

type Message = Pick<SQSRecord, 'body' | 'messageAttributes'>;

const eventOf = ({ key, etag, sequencer }: Upload): unknown => uploadEvent({ key, etag, sequencer });

/** What Lambda puts into its on-failure destination: docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html */
const lambdaRecord = (event: unknown, responsePayload: unknown, condition = 'RetriesExhausted'): Message => ({
  body: JSON.stringify({
    version: '1.0',
    requestContext: { functionArn: 'arn', condition, approximateInvokeCount: 3 },
    requestPayload: event,
    responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
    responsePayload,
  }),
  messageAttributes: {},
});

const attribute = (stringValue: string) => ({ stringValue, dataType: 'String' as const });

/** What EventBridge puts into a rule's dead-letter queue. */
const undelivered = (event: unknown): Message => ({
  body: JSON.stringify(event),
  messageAttributes: { ERROR_CODE: attribute('NO_PERMISSIONS'), ERROR_MESSAGE: attribute('not authorized') },
});

/** Delivers messages to the failure path, as an event source mapping does. */
async function deliver(w: World, messages: readonly Message[], deps?: Collaborators, attention = recordingQueue()) {
  const records = messages.map((message, index) => ({ ...message, messageId: `m${index}` }) as SQSRecord);
  const log = recordingLog();
  const metrics = recordingMetrics();
  const ports = {
    schemaBucket: BUCKET,
    resources: RESOURCES,
    deps: deps ?? w.through(interruption(Infinity, 'before')),
    attention,
    log,
    metrics,
  };
  return { response: await endUploads(records, ports), passedOn: attention.taken, log, metrics };
}

/** The ports of a run in which Athena fails at every statement. */
function withoutAthena(w: World): Collaborators {
  const error = new AthenaStatementError({ disposition: 'environment', code: 'ACCESS_DENIED' }, 'Access Denied', 'q');
  const athena = { execute: () => Promise.reject(error), query: () => Promise.reject(error) };
  return { ...w.through(interruption(Infinity, 'before')), athena };
}

describe('an upload whose tries have ended', () => {
  it.each([
    ['after three runs that failed', lambdaRecord, 'AthenaStatementError: Athena: Access Denied'],
    ['because EventBridge could not deliver its event', undelivered, 'EventBridge: NO_PERMISSIONS: not authorized'],
  ])('%s gets its verdict, and the operators get the message', async (_, messageOf, why) => {
    const w = world();
    const upload = await w.upload(topicSchema());
    await expect(w.run(upload, withoutAthena(w))).rejects.toThrow('Access Denied');
    const message = messageOf(eventOf(upload), DENIED);
    const { response, passedOn } = await deliver(w, [message], withoutAthena(w));
    expect(response).toEqual({ batchItemFailures: [] });
    expect(passedOn.map(({ body }) => body)).toEqual([message.body]);
    expect(w.files()).toEqual(['telemetry.climate/failed/error.json', 'telemetry.climate/failed/schema.json']);
    expect(w.body('telemetry.climate/failed/error.json')).toMatchObject({
      etag: upload.etag,
      errors: [{ code: TRIES_ENDED, message: expect.stringContaining(why), hint: expect.stringContaining(upload.key) }],
    });
    expect(await w.item()).toMatchObject({ status: 'ERROR', error_code: TRIES_ENDED, failed_etag: upload.etag });
    await expect(w.run(upload)).resolves.toEqual({ outcome: 'DUPLICATE' });
    await expect(w.run(await w.upload(topicSchema()))).resolves.toMatchObject({ outcome: 'READY' });
    expect(w.files()).toEqual(['telemetry.climate/active/schema.json']);
  });

  it('leaves what was in force in force', async () => {
    const w = world();
    await w.run(await w.upload(topicSchema()));
    const upload = await w.upload(second);
    await deliver(w, [lambdaRecord(eventOf(upload), DENIED)]);
    expect(w.body('telemetry.climate/active/schema.json')).toEqual(topicSchema());
    expect(await w.item()).toMatchObject({ status: 'ERROR', processing_enabled: true, schema_version: 1 });
  });

  it('says so when it came into force, and is put on record by the next upload, also by one that is too large', async () => {
    const w = world();
    const upload = await w.upload(topicSchema());
    const dead = w.through(interruption(Infinity, 'before'));
    let inserts = 0;
    const athena: Collaborators['athena'] = {
      ...w.warehouse,
      execute: (sql, options) =>
        sql.startsWith('INSERT') && (inserts += 1) > 0
          ? Promise.reject(new KilledError('at the INSERT'))
          : w.warehouse.execute(sql, options),
    };
    await expect(w.run(upload, { ...dead, athena })).rejects.toThrow(KilledError);
    expect(w.files()).toContain('telemetry.climate/active/schema.json');
    await deliver(w, [lambdaRecord(eventOf(upload), DENIED)], { ...dead, athena });
    const report = w.body('telemetry.climate/failed/error.json');
    expect(report).toMatchObject({ errors: [{ message: expect.stringContaining('is in force all the same') }] });
    expect(w.warehouse.driftRows).toEqual([]);
    const inForce = { processing_enabled: true, schema_version: 1, table_name: 'telemetry_climate' };
    expect(await w.item()).toMatchObject({ status: 'ERROR', error_code: TRIES_ENDED, ...inForce });
    await w.run({ ...(await w.upload(second)), bytes: 6_000_000 });
    expect(w.warehouse.driftRows).not.toEqual([]);
    expect(await w.item()).toMatchObject({ status: 'ERROR', error_code: 'SCHEMA_TOO_LARGE', schema_version: 1 });
  });

  it('puts into force for the jobs what an upload before it left active, damaged or not', async () => {
    const w = world();
    const deps = withoutAthena(w);
    const athena = {
      ...w.warehouse,
      execute: (sql: string) =>
        sql.startsWith('INSERT') ? Promise.reject(new KilledError('at the INSERT')) : w.warehouse.execute(sql),
    };
    await expect(w.run(await w.upload(topicSchema()), { ...deps, athena })).rejects.toThrow(KilledError);
    const upload = await w.upload(second);
    await expect(w.run(upload, deps)).rejects.toThrow('Access Denied');
    expect((await w.item())?.['processing_enabled']).toBeUndefined();
    await deliver(w, [lambdaRecord(eventOf(upload), DENIED)], deps);
    expect(await w.item()).toMatchObject({ error_code: TRIES_ENDED, processing_enabled: true, schema_version: 1 });
    const third = await w.upload({ ...second, 'x-version': 3 });
    const key = 'schemas/telemetry.climate/active/schema.json';
    await w.objects.put(BUCKET, key, '{', { metadata: { sequencer: '0', 'uploaded-at': '2026-11-23T10:00:00Z' } });
    await expect(w.run(third)).rejects.toThrow('restore it');
    await deliver(w, [lambdaRecord(eventOf(third), DENIED)], deps);
    expect(await w.item()).toMatchObject({ error_code: TRIES_ENDED, failed_etag: third.etag });
  });

  it('puts into force for the jobs what a run activated that was slower than the verdict, and died', async () => {
    const w = world();
    const upload = await w.upload(topicSchema());
    let goOn = (): void => undefined;
    const verdict = new Promise<void>((resolve) => (goOn = resolve));
    const athena = {
      ...w.warehouse,
      execute: async (sql: string) => {
        if (sql.startsWith('INSERT')) throw new KilledError('at the INSERT');
        await verdict;
        return w.warehouse.execute(sql);
      },
    };
    const slow = w.run(upload, { ...withoutAthena(w), athena });
    await deliver(w, [lambdaRecord(eventOf(upload), DENIED)]);
    expect(await w.item()).toMatchObject({ error_code: TRIES_ENDED, processing_enabled: false });
    goOn();
    await expect(slow).rejects.toThrow(KilledError);
    expect(w.files()).toContain('telemetry.climate/active/schema.json');
    await deliver(w, [lambdaRecord(eventOf(upload), DENIED)]);
    expect(await w.item()).toMatchObject({ processing_enabled: true, schema_version: 1 });
  });

  it('keeps a verdict that a run came to', async () => {
    const w = world();
    const upload = await w.upload(topicSchema());
    await w.run(upload);
    const { passedOn, log, metrics } = await deliver(w, [lambdaRecord(eventOf(upload), DENIED)]);
    expect(w.files()).toEqual(['telemetry.climate/active/schema.json']);
    expect(await w.item()).toMatchObject({ status: 'READY' });
    expect(passedOn).toEqual([]);
    expect(log.lines).toMatchObject([{ level: 'info', fields: { outcome: 'DUPLICATE' } }]);
    expect(metrics.counts).toEqual({});
  });

  it('keeps the refusal that a run reported and did not live to settle', async () => {
    const w = world();
    const upload = await w.upload('{');
    const gate = interruption(Infinity, 'before');
    const deps = w.through(gate);
    const killed: Collaborators['documents'] = {
      ...deps.documents,
      get: (...args) => deps.documents.get(...args),
      update: (table, key, changes, condition) =>
        changes.set?.['failed_etag'] === undefined
          ? deps.documents.update(table, key, changes, condition)
          : Promise.reject(new KilledError('before it settles')),
    };
    await expect(w.run(upload, { ...deps, documents: killed })).rejects.toThrow(KilledError);
    const { code } = (w.body('telemetry.climate/failed/error.json') as { errors: { code: string }[] }).errors[0]!;
    const { passedOn } = await deliver(w, [lambdaRecord(eventOf(upload), DENIED)]);
    expect(passedOn).toEqual([]);
    expect(await w.item()).toMatchObject({ status: 'ERROR', error_code: code });
    expect(code).not.toBe(TRIES_ENDED);
  });

  it('yields to a newer upload', async () => {
    const w = world();
    const earlier = await w.upload(topicSchema());
    await w.run(await w.upload(second));
    const { passedOn } = await deliver(w, [lambdaRecord(eventOf(earlier), DENIED)]);
    expect(passedOn).toEqual([]);
    expect(await w.item()).toMatchObject({ status: 'READY', schema_version: 2 });
    expect(w.files().filter((name) => name.includes('failed'))).toEqual([]);
  });

  it('needs nobody when nothing lies under pending/ any more', async () => {
    const w = world();
    const upload = await w.upload(topicSchema());
    await w.objects.delete(BUCKET, upload.key);
    const { response, passedOn } = await deliver(w, [lambdaRecord(eventOf(upload), DENIED)]);
    expect({ response, passedOn }).toEqual({ response: { batchItemFailures: [] }, passedOn: [] });
  });

  it('gets the verdict in the end, wherever the failure path is killed', async () => {
    const undisturbed = world();
    const gate = interruption(Infinity, 'before');
    const one = await undisturbed.upload(second);
    await undisturbed.end(one, undisturbed.through(gate));
    expect(gate.calls()).toBeGreaterThan(8);
    for (let at = 1; at <= gate.calls(); at += 1) {
      for (const moment of ['before', 'after'] as const) {
        const w = world();
        const upload = await w.upload(second);
        await expect(w.end(upload, w.through(interruption(at, moment)))).rejects.toThrow(KilledError);
        await w.end(upload);
        expect({ at, state: w.state() }).toEqual({ at, state: undisturbed.state() });
      }
    }
  });
});

describe('a message of the failure path', () => {
  it('is delivered again when its verdict cannot be written, or the operators’ queue does not take it', async () => {
    const w = world();
    const message = lambdaRecord(eventOf(await w.upload(topicSchema())), DENIED);
    const dead = await deliver(w, [message], w.through(interruption(3, 'before')));
    expect(dead.response).toEqual({ batchItemFailures: [{ itemIdentifier: 'm0' }] });
    expect(dead.passedOn).toEqual([]);
    const full = recordingQueue((messages) => messages.map(() => ({ ok: false, code: 'Throttled', message: 'no' })));
    const refused = await deliver(w, [message], undefined, full);
    expect(refused.response).toEqual({ batchItemFailures: [{ itemIdentifier: 'm0' }] });
    const again = await deliver(w, [message]);
    expect(again.response).toEqual({ batchItemFailures: [] });
    expect(again.passedOn).toHaveLength(1);
  });

  it('that is about no upload goes to the operators as it is', async () => {
    const attributes = { ERROR_CODE: attribute('SDK_CLIENT_ERROR') };
    const messages = [{ body: 'no JSON', messageAttributes: attributes }, lambdaRecord({ detail: {} }, null)];
    const { response, passedOn } = await deliver(world(), messages);
    expect(response).toEqual({ batchItemFailures: [] });
    expect(passedOn).toEqual([
      { body: 'no JSON', attributes: { ERROR_CODE: 'SDK_CLIENT_ERROR' } },
      { body: messages[1]?.body, attributes: {} },
    ]);
  });

  it.each([
    ['a run that timed out', lambdaRecord({}, { errorMessage: 'Task timed out' }), 'Task timed out'],
    [
      'a run that ended',
      lambdaRecord({}, { errorType: 'Runtime.ExitError', errorMessage: 'killed' }),
      'Runtime.ExitError: killed',
    ],
    ['an event that grew too old', lambdaRecord({}, null, 'EventAgeExceeded'), 'Lambda: EventAgeExceeded'],
    ['an answer without words', lambdaRecord({}, 7, ''), 'Lambda: no answer'],
    ['an event without attributes', { body: '{}', messageAttributes: {} }, 'EventBridge: no reason'],
    ['text', { body: '{', messageAttributes: {} }, 'the message is no JSON'],
    ['a very long reason', lambdaRecord({}, { errorMessage: 'x'.repeat(5_000) }), `${'x'.repeat(1_000)}…`],
  ])('says why: %s', (_, message, why) => {
    expect(decodeEnded(message).why).toBe(why);
  });
});
