/** `lean-ops dlq show|replay|discard` against the real functions of the ingest path, in memory. */
import { describe, expect, it } from '@jest/globals';
import { interruption, memoryArchive } from '../../../packages/common/src/testing';
import { world, type World } from './world';

const REASON = ['--apply', '--reason', 'mended'];
const TOPIC = 'telemetry.climate';
const SKEWED = '{"topic_name":"telemetry.climate","produced_at":"2026-11-25T10:00:00Z","payload":{"n":1}}';

interface PlanDocument {
  readonly plan: {
    readonly send: number;
    readonly failing: readonly { readonly fails_with: string }[];
    readonly gone: readonly { readonly fails_with: string }[];
    readonly worn: readonly object[];
    readonly closed: object;
    readonly beyond: number;
  };
  readonly basis: string;
  readonly operation?: string;
  readonly stopped?: { readonly code: string } | null;
}

async function json(w: World, ...args: string[]): Promise<PlanDocument & { readonly exit: number }> {
  const { code, output, error } = await w.dlq(...args, '--format', 'json');
  if (!output.startsWith('{')) throw new Error(error);
  return { exit: code, ...(JSON.parse(output) as PlanDocument) };
}

/** The archive key in an entry of the index. */
function keyIn(entry: Readonly<Record<string, unknown>> | undefined): string {
  const key = entry?.['s3_key'];
  return typeof key === 'string' ? key : '';
}

/** A message that nobody took for days, and that is in the archive. */
async function lost(w: World, body: string, attributes: Readonly<Record<string, string>> = {}): Promise<string> {
  const id = w.send(body, attributes);
  await w.giveUp(false, w.process);
  return id;
}

describe('dlq replay', () => {
  it('shows what it would do and changes nothing, then does just that, and the message is what it was', async () => {
    const w = world();
    const id = await lost(w, '{"device_id":"dev-7"}', { topic_name: TOPIC });
    const sentAt = Date.parse('2026-11-23T10:00:00Z');
    const before = w.entries();
    const plan = await json(w, 'replay', '--since', '7d');
    expect(plan).toMatchObject({ exit: 0, plan: { send: 1, failing: [], gone: [], beyond: 0 } });
    expect(w.entries()).toEqual(before);
    expect([w.queue, w.operations()]).toEqual([[], []]);

    const done = await json(w, 'replay', '--since', '7d', '--plan', plan.basis, ...REASON);
    expect(done).toMatchObject({ exit: 0, sent: 1, stopped: null });
    await w.process();
    expect(w.rows).toMatchObject([
      {
        topic: TOPIC,
        messageId: id,
        idempotencyKey: id,
        sourceMessageId: id,
        producedAt: BigInt(sentAt) * 1_000n,
        payload: '{"device_id":"dev-7"}',
      },
    ]);
    expect(w.entries()).toMatchObject([
      { resent_by: 'arn:aws:iam::123456789012:user/op', resent_because: 'mended', resent_in: done.operation },
    ]);
    expect(w.operations()).toMatchObject([{ kind: 'replay', state: 'DONE', counts: { sent: 1, skipped: 0 } }]);
    await expect(json(w, 'replay', '--since', '7d')).resolves.toMatchObject({
      exit: 0,
      plan: { send: 0, closed: { replayed: 1 } },
    });
    const shown = await w.dlq('show', id);
    expect(shown).toMatchObject({ code: 0, output: expect.stringContaining('because   mended') });
    await expect(w.dlq('show', done.operation ?? '')).resolves.toMatchObject({
      code: 0,
      output: expect.stringContaining('replay, DONE'),
    });
  });

  it('needs a reason, and refuses a plan that is not the letters any more', async () => {
    const w = world();
    await lost(w, '1', { topic_name: TOPIC });
    await expect(w.dlq('replay', '--apply')).resolves.toMatchObject({
      code: 2,
      error: expect.stringContaining('--reason'),
    });
    await expect(w.dlq('replay', '--plan', 'x')).resolves.toMatchObject({ code: 2 });
    const { basis } = await json(w, 'replay', '--since', '30d');
    await lost(w, '2', { topic_name: TOPIC });
    const stale = await w.dlq('replay', '--since', '30d', '--plan', basis, ...REASON);
    expect(stale).toMatchObject({ code: 1, output: expect.stringContaining('PLAN_STALE') });
    expect(w.queue).toEqual([]);
  });

  it('sends nothing that would fail again, says by which code, and sends what gets a topic', async () => {
    const w = world();
    w.send('{"payload":{"a":1}}');
    w.send('{"topic_name":"../x","payload":{"a":2}}');
    w.send('1', { topic_name: TOPIC, lean_ops_origin: '{' });
    await w.process();
    await lost(w, '{"payload":{"a":3}}');
    const plan = await json(w, 'replay', '--since', '30d');
    expect(plan).toMatchObject({ exit: 1, plan: { send: 0 } });
    expect(plan.plan.failing.map(({ fails_with: code }) => code).sort()).toEqual([
      'INVALID_ORIGIN',
      'INVALID_TOPIC',
      'NO_TOPIC',
      'NO_TOPIC',
    ]);
    const { output } = await w.dlq('replay', '--since', '30d', '--topic-as', TOPIC);
    expect(output).toContain('3 of them name none and go to telemetry.climate');
    await w.dlq('replay', '--since', '30d', '--topic-as', TOPIC, ...REASON);
    await w.process();
    expect(w.rows.map(({ topic, payload }) => [topic, payload]).sort()).toEqual([
      [TOPIC, '{"a":1}'],
      [TOPIC, '{"a":2}'],
      [TOPIC, '{"a":3}'],
    ]);
    expect(w.entries().filter((entry) => entry['resent_at'] === undefined)).toMatchObject([
      { error_code: 'INVALID_ORIGIN' },
    ]);
  });

  it('takes no attribute of a producer for one of sqs-processor', async () => {
    const w = world();
    const named = {
      topic_name: TOPIC,
      source_message_id: 'shop',
      trace_id: 'x',
      error_message: 'x',
      body_overflow: 'true',
    };
    const ids = [
      w.send('{"n":1}', { ...named, origin: 'checkout', error_code: 'E42', failed_at: '2020-01-01T00:00:00Z' }),
      w.send('{"n":2}', { ...named, origin: 'sqs-processor', error_code: 'E42' }),
    ];
    await w.giveUp(false, w.process);
    expect(w.entries()).toMatchObject(
      ids.map((id) => ({ source_message_id: id, error_code: 'MAX_RECEIVES', topic_name: TOPIC })),
    );
    await expect(w.dlq('list', '--since', '30d')).resolves.toMatchObject({ code: 1 });
    await expect(json(w, 'replay', '--since', '30d', ...REASON)).resolves.toMatchObject({ exit: 0, sent: 2 });
    await w.process();
    expect(w.rows.map(({ messageId }) => messageId)).toEqual(ids);
  });

  it('leaves a topic alone that a message has', async () => {
    const w = world();
    await lost(w, '{"topic_name":"device.status","payload":1}');
    await w.dlq('replay', '--since', '30d', '--topic-as', TOPIC, ...REASON);
    await w.process();
    expect(w.rows).toMatchObject([{ topic: 'device.status' }]);
  });

  it('sends what the filter says and no more, up to the limit, the oldest first', async () => {
    const w = world();
    const ids = [];
    for (const n of [1, 2, 3, 4]) ids.push(await lost(w, String(n), { topic_name: n === 3 ? 'device.status' : TOPIC }));
    const all = ['--since', '60d'];
    await expect(json(w, 'replay', ...all, '--topic', TOPIC)).resolves.toMatchObject({ plan: { send: 3 } });
    await expect(json(w, 'replay', ...all, '--code', 'NO_TOPIC')).resolves.toMatchObject({ plan: { send: 0 } });
    await expect(json(w, 'replay', ...all, '--until', '10d')).resolves.toMatchObject({ plan: { send: 2 } });
    await expect(json(w, 'replay', '--id', ids[2] ?? '', ids[3] ?? '')).resolves.toMatchObject({ plan: { send: 2 } });
    const limited = await json(w, 'replay', ...all, '--topic', TOPIC, '--limit', '2', ...REASON);
    expect(limited).toMatchObject({ exit: 1, sent: 2, plan: { send: 2, beyond: 1 } });
    await w.process();
    expect(w.rows.map(({ payload }) => payload).sort()).toEqual(['1', '2']);
    await expect(json(w, 'replay', ...all, '--topic', TOPIC, '--limit', '2', ...REASON)).resolves.toMatchObject({
      exit: 0,
      sent: 1,
    });
  });

  it('finds a letter by its key in the archive, with or without the bucket', async () => {
    const w = world();
    await lost(w, '1', { topic_name: TOPIC });
    const key = w.keys()[0] ?? '';
    await expect(json(w, 'replay', '--id', key)).resolves.toMatchObject({ plan: { send: 1 } });
    await expect(json(w, 'replay', '--id', `s3://acme-dlq-archive/${key}`)).resolves.toMatchObject({
      plan: { send: 1 },
    });
    await expect(w.dlq('show', 'none')).resolves.toMatchObject({
      code: 2,
      error: expect.stringContaining('no dead letter'),
    });
  });

  it('says which ids mean no letter, and does not end as if all were done', async () => {
    const w = world();
    const id = await lost(w, '1', { topic_name: TOPIC });
    for (const command of ['replay', 'discard']) {
      const none = await w.dlq(command, '--id', 'm-none', ...REASON);
      expect(none).toMatchObject({ code: 1, output: expect.stringContaining('no such letter: m-none') });
      const plan = await json(w, command, '--id', id, 'm-none');
      expect(plan.exit).toBe(1);
    }
    await expect(json(w, 'replay', '--id', id, 'm-none', ...REASON)).resolves.toMatchObject({
      exit: 1,
      sent: 1,
      plan: { unmatched: ['m-none'] },
    });
  });

  it('is not led astray by a clock that was wrong when the message first came', async () => {
    const w = world();
    await lost(w, SKEWED);
    // By now the time is past, and would count.
    await w.dlq('replay', '--since', '7d', ...REASON);
    await w.process();
    expect(w.rows).toMatchObject([{ producedAt: BigInt(Date.parse('2026-11-23T10:00:00Z')) * 1_000n }]);
    expect(w.rows[0]?.envelopeIssues).toContain('TIME_IN_FUTURE');
  });

  it('links a letter that dies again to its first, keeps all of them, and stops after three times', async () => {
    const w = world();
    const id = await lost(w, '1', { topic_name: TOPIC });
    const first = w.keys()[0] ?? '';
    for (let time = 1; time <= 3; time += 1) {
      await expect(json(w, 'replay', '--since', '60d', ...REASON)).resolves.toMatchObject({ sent: 1 });
      await w.giveUp(false, w.process);
      expect(w.entries()).toHaveLength(time + 1);
      expect(w.entries()).toContainEqual(
        expect.objectContaining({ first_letter: first, original_message_id: id, attempt: time }),
      );
    }
    const worn = await json(w, 'replay', '--since', '60d', ...REASON);
    expect(worn).toMatchObject({ exit: 1, plan: { send: 0, closed: { replayed: 3 } } });
    expect(worn.plan.worn).toHaveLength(1);
    const { output } = await w.dlq('show', id);
    expect(output.match(/: MAX_RECEIVES of /g)).toHaveLength(4);
    await expect(json(w, 'replay', '--since', '4d', '--again', ...REASON)).resolves.toMatchObject({ sent: 1 });
    await w.process();
    expect(w.rows).toMatchObject([
      { sourceMessageId: id, producedAt: BigInt(Date.parse('2026-11-23T10:00:00Z')) * 1_000n },
    ]);
  });

  it('sends a message once by --again, however often it died, and counts on', async () => {
    const w = world();
    const id = await lost(w, '1', { topic_name: TOPIC });
    const since = ['--since', '90d'];
    for (let time = 1; time <= 3; time += 1) {
      await w.dlq('replay', ...since, ...REASON);
      await w.giveUp(false, w.process);
    }
    for (const attempt of [4, 5]) {
      await expect(json(w, 'replay', ...since, '--again', ...REASON)).resolves.toMatchObject({ sent: 1 });
      const [waiting, ...others] = w.queue;
      expect(others).toEqual([]);
      const origin = JSON.parse(waiting?.message.attributes['lean_ops_origin'] ?? '') as object;
      expect(origin).toMatchObject({ message_id: id, attempt });
      await w.giveUp(false, w.process);
    }
    // Also where only an older letter of it is meant.
    const [oldest] = w.entries().filter(({ attempt }) => attempt === undefined);
    const named = ['--id', keyIn(oldest)];
    await expect(json(w, 'replay', ...named, '--again')).resolves.toMatchObject({
      plan: { send: 0, closed: { replayed: 1 } },
    });
  });

  it('does not send a message of which any letter is discarded, until that is opened again', async () => {
    const w = world();
    await lost(w, '1', { topic_name: TOPIC });
    const all = ['--since', '90d'];
    await w.dlq('replay', ...all, ...REASON);
    await w.giveUp(false, w.process);
    const newest = w.entries().find(({ attempt }) => attempt === 1);
    const id = ['--id', keyIn(newest)];
    await expect(w.dlq('discard', ...id, ...REASON)).resolves.toMatchObject({ code: 0 });
    await expect(json(w, 'replay', ...all, '--again')).resolves.toMatchObject({
      plan: { send: 0, closed: { discarded: 2 } },
    });
    const until = ['--since', '90d', '--until', '3d'];
    await expect(json(w, 'replay', ...until, '--again')).resolves.toMatchObject({ plan: { send: 0 } });
    await w.dlq('discard', '--undo', ...id, ...REASON);
    await expect(json(w, 'replay', ...all, '--again')).resolves.toMatchObject({ plan: { send: 1 } });
  });

  it('keeps attributes of every type, and those that have no room beside its own', async () => {
    const w = world();
    const names = Array.from({ length: 8 }, (_, at) => `a${at}`);
    const attributes = { topic_name: TOPIC, ...Object.fromEntries(names.map((name) => [name, name])) };
    const typedAttributes = { n: { dataType: 'Number', stringValue: '7' } };
    w.sendMessage({ body: '1', attributes, typedAttributes });
    for (let time = 0; time < 2; time += 1) {
      await w.giveUp(false, w.process);
      await w.dlq('replay', '--since', '30d', ...REASON);
      const [{ message } = { message: undefined }] = w.queue;
      const sent = { ...message?.attributes, ...message?.typedAttributes };
      expect(Object.keys(sent)).toHaveLength(10);
      expect(message?.attributes['topic_name']).toBe(TOPIC);
      const { attributes: folded } = JSON.parse(message?.attributes['lean_ops_origin'] ?? '') as {
        attributes: Record<string, object>;
      };
      expect(new Set([...Object.keys(sent), ...Object.keys(folded)])).toEqual(
        new Set(['topic_name', 'n', 'lean_ops_origin', ...names]),
      );
    }
    await w.process();
    expect(w.rows).toMatchObject([{ topic: TOPIC }]);
  });

  it('lists what the archive does not have any more', async () => {
    const w = world();
    await lost(w, '1', { topic_name: TOPIC });
    w.objects.objects.clear();
    const { exit, plan } = await json(w, 'replay', '--since', '7d', ...REASON);
    expect(exit).toBe(1);
    expect(plan).toMatchObject({ send: 0, gone: [{ fails_with: 'OBJECT_GONE' }] });
  });

  it('stops when the queue ages, and goes on with the rest when it is run again', async () => {
    const w = world();
    for (let n = 0; n < 3; n += 1) w.send(String(n), { topic_name: TOPIC });
    await w.giveUp(false, w.process);
    w.setAge(301);
    const stopped = await w.dlq('replay', '--since', '7d', ...REASON);
    expect(stopped).toMatchObject({ code: 2, output: expect.stringContaining('does not keep up') });
    expect(w.operations()).toMatchObject([{ state: 'STOPPED' }]);
    expect(w.queue).toEqual([]);
    await expect(w.dlq('replay', '--since', '7d', '--max-age', '600', ...REASON)).resolves.toMatchObject({ code: 0 });
    expect(w.queue).toHaveLength(3);
  });

  it('keeps to the rate', async () => {
    const w = world();
    for (let n = 0; n < 30; n += 1) w.send(String(n), { topic_name: TOPIC });
    await w.giveUp(false, w.process);
    const started = w.clock.now();
    await w.dlq('replay', '--since', '7d', '--rate', '10', ...REASON);
    expect(w.clock.now() - started).toBe(2_000);
    expect(w.queue).toHaveLength(30);
  });

  it('ends after what is under way when it is interrupted', async () => {
    const w = world();
    for (let n = 0; n < 30; n += 1) w.send(String(n), { topic_name: TOPIC });
    await w.giveUp(false, w.process);
    let looks = 0;
    const interrupted = {
      ...w.redeliverer,
      interruption: () => ({ asked: () => (looks += 1) > 2, end: () => undefined }),
    };
    const { code, output } = await w.dlqWith(interrupted, 'replay', '--since', '7d', '--rate', '10', ...REASON);
    expect({ code, output }).toEqual({ code: 2, output: expect.stringContaining('It was interrupted') });
    expect(w.queue).toHaveLength(20);
    expect(w.entries().filter((entry) => entry['resent_at'] !== undefined)).toHaveLength(20);
  });

  it('says which right is missing when the queue takes nothing', async () => {
    const w = world();
    await lost(w, '1', { topic_name: TOPIC });
    const denied = Object.assign(new Error('User: x is not authorized'), { name: 'AccessDenied' });
    const refused = { ...w.redeliverer, ingest: { sendBatch: () => Promise.reject(denied) } };
    const { code, output } = await w.dlqWith(refused, 'replay', '--since', '7d', ...REASON);
    expect(code).toBe(2);
    expect(output).toContain('sqs:SendMessage');
    expect(w.entries()).not.toContainEqual(expect.objectContaining({ resent_by: expect.anything() }));
  });

  it('puts on record that it failed, and goes on when it is run again', async () => {
    const w = world();
    await lost(w, '1', { topic_name: TOPIC });
    let reads = 0;
    const objects = {
      ...w.objects,
      // The plan has read it, and the sending cannot.
      get: (...of: Parameters<typeof w.objects.get>) =>
        (reads += 1) > 1 ? Promise.reject(new Error('S3 is away')) : w.objects.get(...of),
    };
    const failed = await w.dlqWith({ ...w.redeliverer, objects }, 'replay', '--since', '7d', ...REASON);
    expect(failed).toMatchObject({ code: 2, error: expect.stringContaining('S3 is away') });
    expect(w.operations()).toMatchObject([
      { state: 'STOPPED', counts: { error: expect.stringContaining('S3 is away') } },
    ]);
    await expect(w.dlq('replay', '--since', '7d', ...REASON)).resolves.toMatchObject({ code: 0 });
    expect(w.queue).toHaveLength(1);
  });

  it('killed between any two steps and run again, sends every message, and each is one', async () => {
    const bodies = ['{"n":1}', '{"n":2}', '{"n":3}'];
    const prepared = async (): Promise<World> => {
      const w = world();
      for (const body of bodies) w.send(body, { topic_name: TOPIC });
      await w.giveUp(false, w.process);
      return w;
    };
    const counting = interruption(Infinity, 'before');
    await (await prepared()).dlqThrough(counting, 'replay', '--since', '7d', ...REASON);
    for (let at = 1; at <= counting.calls(); at += 1) {
      for (const moment of ['before', 'after'] as const) {
        const w = await prepared();
        await w.dlqThrough(interruption(at, moment), 'replay', '--since', '7d', ...REASON);
        await w.dlq('replay', '--since', '7d', ...REASON);
        await w.process();
        const versions = w.rows.map(({ messageId, producedAt, payload }) => `${messageId} ${producedAt} ${payload}`);
        expect([...new Set(versions)]).toHaveLength(bodies.length);
        expect(new Set(w.rows.map(({ payload }) => payload))).toEqual(new Set(bodies));
        expect(w.entries().every((entry) => entry['resent_at'] !== undefined)).toBe(true);
      }
    }
  });
});

describe('dlq replay of what Firehose could not deliver', () => {
  const entry = {
    topic_name: TOPIC,
    failed_at_message_id: '2026-11-23T09:00:00.000Z#firehose-0a-Iceberg.CommitFailed',
    failed_at: '2026-11-23T09:00:00.000Z',
    error_code: 'Iceberg.CommitFailed',
    error_message: 'the commit failed',
    s3_key: 'firehose-errors/iceberg-failed/2026/11/23/09/x',
    origin: 'firehose',
    kind: 'records',
    records: 500,
  };

  it('has stream-error-reader do it, entry by entry, and notes by whom and why', async () => {
    const w = world();
    w.seed(entry);
    w.seed({ topic_name: '_error_codes', failed_at_message_id: 'Iceberg.CommitFailed' });
    w.setAnswer((event) => {
      const { dry_run: dryRun } = event as { dry_run: boolean };
      const refused = [{ code: 'INVALID_RECORD', reason: 'no frame', records: 1 }];
      if (dryRun)
        return { resent: 0, left: 499, refused, left_because: [{ code: 'DRY_RUN', reason: '', records: 499 }] };
      w.seed({ ...entry, resent_at: '2026-11-23T10:00:00.000Z' });
      return { resent: 499, left: 0, refused: [], left_because: [] };
    });
    const plan = await json(w, 'replay');
    expect(plan).toMatchObject({ exit: 1, plan: { send: 499, failing: [{ fails_with: 'INVALID_RECORD' }] } });
    await expect(json(w, 'replay', '--plan', plan.basis, ...REASON)).resolves.toMatchObject({ sent: 499 });
    expect(w.resends).toEqual(
      [true, true, false].map((dry_run) => ({
        action: 'resend',
        topic_name: TOPIC,
        entry: entry.failed_at_message_id,
        dry_run,
      })),
    );
    expect(w.queue).toEqual([]);
    expect(w.entries()).toContainEqual(
      expect.objectContaining({ resent_because: 'mended', resent_at: expect.anything() }),
    );
  });

  it('goes on where the function had no more time, and where it was when the command is run again', async () => {
    const w = world();
    w.seed(entry);
    const last = 60;
    w.setAnswer((event) => {
      const { dry_run: dryRun, from } = event as { dry_run: boolean; from?: string };
      const at = Number(from ?? 0);
      if (dryRun) return { resent: 0, left: last - at, refused: [], left_because: [] };
      const next = at + 1;
      w.seed({
        ...entry,
        ...(next === last ? { resent_at: '2026-11-23T10:00:00.000Z' } : { resend_next: String(next) }),
      });
      return {
        resent: 1,
        left: last - next,
        refused: [],
        left_because: [],
        ...(next < last && { next: String(next) }),
      };
    });
    let looks = 0;
    const interrupted = {
      ...w.redeliverer,
      interruption: () => ({ asked: () => (looks += 1) > 10, end: () => undefined }),
    };
    const args = ['replay', '--topic', TOPIC, ...REASON];
    await expect(w.dlqWith(interrupted, ...args)).resolves.toMatchObject({ code: 2 });
    const { length: before } = w.resends;
    await expect(json(w, ...args)).resolves.toMatchObject({ exit: 0, plan: { send: 50 }, sent: 50 });
    expect(w.resends[before]).toMatchObject({ dry_run: true, from: '10' });
    expect(w.resends.filter((event) => (event as { dry_run: boolean }).dry_run)).toHaveLength(2);
    expect(w.resends).toHaveLength(last + 2);
    expect(w.entries()).toContainEqual(expect.objectContaining({ resent_because: 'mended' }));
  });

  it('does not send an entry again of which only that is left which no resend can deliver', async () => {
    const w = world();
    w.seed({
      ...entry,
      resend_ended_at: '2026-11-23T10:00:00.000Z',
      resend_left: 3,
      resend_note: 'DATA_FILE_MISSING: the file is not there any more',
    });
    const plan = await json(w, 'replay', '--topic', TOPIC);
    expect(plan).toMatchObject({
      exit: 1,
      plan: { send: 0, failing: [{ fails_with: 'DATA_FILE_MISSING', count: 3 }] },
    });
    expect(w.resends).toEqual([]);
    await json(w, 'replay', '--topic', TOPIC, '--again');
    expect(w.resends).toHaveLength(1);
  });

  it('sends all others when stream-error-reader does not answer for an entry', async () => {
    const w = world();
    const bad = { ...entry, failed_at_message_id: entry.failed_at_message_id.replace('0a', '0b') };
    w.seed(entry);
    w.seed(bad);
    await lost(w, '1', { topic_name: TOPIC });
    let isAway = true;
    w.setAnswer((event) => {
      const { dry_run: dryRun, entry: name } = event as { dry_run: boolean; entry: string };
      if (name === bad.failed_at_message_id && (isAway || !dryRun)) throw new Error('Rate exceeded');
      if (dryRun) return { resent: 0, left: 500, refused: [], left_because: [] };
      w.seed({ ...entry, resent_at: '2026-11-23T10:00:00.000Z' });
      return { resent: 500, left: 0, refused: [], left_because: [] };
    });
    const args = ['replay', '--topic', TOPIC, '--since', '30d'];
    await expect(json(w, ...args)).resolves.toMatchObject({
      exit: 1,
      plan: { send: 501, failing: [{ fails_with: 'NO_ANSWER', message: expect.stringContaining('Rate exceeded') }] },
    });
    isAway = false;
    await expect(json(w, ...args, ...REASON)).resolves.toMatchObject({
      exit: 2,
      sent: 501,
      left: { NO_ANSWER: 500 },
    });
    expect(w.queue).toHaveLength(1);
  });

  it('takes an entry whole, or leaves it when the limit is below what it holds', async () => {
    const w = world();
    w.seed(entry);
    w.setAnswer(() => ({ resent: 0, left: 500, refused: [], left_because: [] }));
    await expect(json(w, 'replay', '--topic', TOPIC, '--limit', '499')).resolves.toMatchObject({
      exit: 1,
      plan: { send: 0, beyond: 1, too_long: [{ records: 500 }] },
    });
    const { output } = await w.dlq('replay', '--topic', TOPIC, '--limit', '499');
    expect(output).toContain('1 entry of Firehose is longer and sent whole: --limit 500');
    expect(output).not.toContain('run it again');
  });
});

describe('dlq replay --edit', () => {
  const CORRECTED = `{"topic_name":"${TOPIC}","payload":{"a":1}}`;

  it('sends the file as a new message that names its letter, once however often, and notes it', async () => {
    const w = world();
    const id = w.send('{"topic":"x","payload":{"a":1}}', { region: 'eu' });
    await w.process();
    w.files.set('body.json', CORRECTED);
    w.clock.pass(60_000);
    const args = ['replay', '--id', id, '--edit', 'body.json'];
    const { code, output } = await w.dlq(...args);
    expect(code).toBe(0);
    expect(output).toContain('Plan: send a corrected body as a new message');
    expect(w.queue).toEqual([]);
    await w.dlqThrough(interruption(6, 'before'), ...args, ...REASON);
    await expect(w.dlq(...args, ...REASON)).resolves.toMatchObject({ code: 0 });
    for (const { message } of w.queue) {
      expect(message).toMatchObject({ body: CORRECTED, attributes: { region: 'eu' } });
      expect(JSON.parse(message.attributes['lean_ops_origin'] ?? '')).toMatchObject({
        kind: 'edit',
        letter: w.entries()[0]?.['s3_key'],
      });
    }
    await w.process();
    const [row, ...copies] = w.rows;
    expect(row).toMatchObject({ topic: TOPIC, payload: '{"a":1}', messageId: expect.stringMatching(/^edit-/) });
    expect(row?.sourceMessageId).not.toBe(id);
    expect(row?.producedAt).toBeGreaterThanOrEqual(BigInt(Date.parse('2026-11-23T10:01:00Z')) * 1_000n);
    for (const copy of copies) expect(copy.messageId).toBe(row?.messageId);
    expect(w.entries()).toMatchObject([{ resent_as: 'edit', resent_because: 'mended' }]);
    await expect(w.dlq(...args, ...REASON)).resolves.toMatchObject({
      code: 2,
      error: expect.stringContaining('was edited'),
    });
  });

  it('sends no correction of a letter that somebody has dealt with, which the index does not say yet', async () => {
    for (const dealt of [
      ['replay', '--edit', 'first.json'],
      ['replay', '--edit', 'first.json', '--again'],
      ['discard'],
    ]) {
      const w = world();
      const id = w.send('{"payload":{"a":1}}', { region: 'eu' });
      await w.process();
      w.files.set('first.json', CORRECTED);
      w.files.set('second.json', CORRECTED.replace('1', '2'));
      const late = { ...w.redeliverer, archive: memoryArchive(structuredClone(w.entries())) };
      await w.dlq(...dealt, '--id', id, ...REASON);
      const { length: before } = w.queue;
      const second = await w.dlqWith(late, 'replay', '--id', id, '--edit', 'second.json', ...REASON);
      expect(second).toMatchObject({ code: 1, output: expect.stringContaining('somebody else has dealt with') });
      expect(w.queue).toHaveLength(before);
    }
  });

  it('does not note on a discarded letter that it was sent', async () => {
    const w = world();
    const id = w.send('{"payload":{"a":1}}');
    await w.process();
    w.files.set('first.json', CORRECTED);
    const ingest = {
      sendBatch: async (...of: Parameters<typeof w.redeliverer.ingest.sendBatch>) => {
        await w.dlq('discard', '--id', id, ...REASON);
        return w.redeliverer.ingest.sendBatch(...of);
      },
    };
    const edit = ['replay', '--id', id, '--edit', 'first.json', ...REASON];
    const { output } = await w.dlqWith({ ...w.redeliverer, ingest }, ...edit);
    expect(output).toContain('1 that could not be noted');
    expect(w.entries()[0]).not.toHaveProperty('resent_at');
  });

  it('leaves a topic alone that its letter has, and is no correction any more once the letter is sent as it was', async () => {
    const w = world();
    const id = await lost(w, '{"a":1}', { topic_name: TOPIC });
    w.files.set('body.json', '{"a":2}');
    await w.dlq('replay', '--id', id, '--edit', 'body.json', '--topic-as', 'strays', ...REASON);
    await w.process();
    expect(w.rows).toMatchObject([{ topic: TOPIC, payload: '{"a":2}' }]);
    expect(w.entries()).toMatchObject([{ resent_as: 'edit' }]);
    await w.dlq('replay', '--id', id, '--again', ...REASON);
    expect(w.entries()[0]).not.toHaveProperty('resent_as');
  });

  it('is one message also when it died after it had come through, and is sent again', async () => {
    const w = world();
    const id = w.send('{"topic":"x","payload":{"a":1}}');
    await w.process();
    w.files.set('body.json', CORRECTED);
    await w.dlq('replay', '--id', id, '--edit', 'body.json', ...REASON);
    await w.giveUp(true, w.process);
    await expect(json(w, 'replay', '--since', '30d', ...REASON)).resolves.toMatchObject({ sent: 1 });
    await w.process();
    expect(w.rows).toHaveLength(2);
    const versions = w.rows.map(({ messageId, idempotencyKey, producedAt }) => [messageId, idempotencyKey, producedAt]);
    expect(versions[1]).toEqual(versions[0]);
    expect(w.rows[0]?.messageId).toMatch(/^edit-/);
  });

  it('refuses what would fail again, what is no text, and more than one letter', async () => {
    const w = world();
    const id = w.send('{"payload":1}');
    await w.process();
    w.files.set('bad.json', '{"payload":2}');
    w.files.set('empty', '');
    await expect(w.dlq('replay', '--id', id, '--edit', 'bad.json', ...REASON)).resolves.toMatchObject({
      code: 1,
      output: expect.stringContaining('NO_TOPIC'),
    });
    for (const args of [
      ['--edit', 'bad.json'],
      ['--id', id, 'x', '--edit', 'bad.json'],
      ['--id', id, '--edit', 'empty'],
      ['--id', id, '--edit', 'none'],
      ['--id', 'none', '--edit', 'bad.json'],
    ]) {
      await expect(w.dlq('replay', ...args, ...REASON)).resolves.toMatchObject({ code: 2 });
    }
    expect(w.queue).toEqual([]);
  });
});

describe('dlq discard', () => {
  it('notes who, when and why, deletes nothing, and the letter is neither sent nor counted as open', async () => {
    const w = world();
    const id = await lost(w, '1', { topic_name: TOPIC });
    const since = ['--since', '7d'];
    const objects = new Map(w.objects.objects);
    const plan = await json(w, 'discard', ...since);
    expect(plan).toMatchObject({ exit: 0, letters: [{ message_id: id }] });
    expect(w.operations()).toEqual([]);
    await expect(w.dlq('discard', ...since, '--plan', plan.basis, ...REASON)).resolves.toMatchObject({ code: 0 });
    expect(w.entries()).toMatchObject([{ discarded_because: 'mended', discarded_by: expect.any(String) }]);
    expect(w.objects.objects).toEqual(objects);
    await expect(json(w, 'replay', ...since, '--again', ...REASON)).resolves.toMatchObject({
      plan: { send: 0, closed: { discarded: 1 } },
    });
    const list = await w.dlq('list', ...since);
    expect(list).toMatchObject({ code: 0, output: expect.stringContaining('discarded') });
    await expect(w.dlq('discard', ...since, ...REASON)).resolves.toMatchObject({ code: 1 });

    await expect(w.dlq('discard', ...since, '--undo', ...REASON)).resolves.toMatchObject({ code: 0 });
    expect(w.entries()[0]).not.toHaveProperty('discarded_at');
    await expect(json(w, 'replay', ...since)).resolves.toMatchObject({ plan: { send: 1 } });
  });

  it('names a command that does the same, with the file of the outputs', async () => {
    const w = world();
    await lost(w, '1', { topic_name: TOPIC });
    const { output } = await w.dlq('discard', '--since', '7d', '--outputs', 'lean-ops.json');
    expect(output).toContain('--outputs lean-ops.json --plan count=1');
  });

  it('comes too late for a letter that is sent meanwhile, and the reverse', async () => {
    const w = world();
    await lost(w, '1', { topic_name: TOPIC });
    const since = ['--since', '7d'];
    const { objects } = w.redeliverer;
    let reads = 0;
    const slow = {
      ...w.redeliverer,
      // Between the plan and the sending somebody discards it.
      caller: async () => {
        reads += 1;
        await w.dlq('discard', ...since, ...REASON);
        return 'arn:aws:iam::123456789012:user/other';
      },
      objects,
    };
    const { code, output } = await w.dlqWith(slow, 'replay', ...since, ...REASON);
    expect({ code, reads }).toEqual({ code: 1, reads: 1 });
    expect(output).toContain('0 sent, 1 that somebody else has dealt with');
    expect(w.queue).toEqual([]);
  });
});

describe('dlq show', () => {
  it('has the message only when it is asked for', async () => {
    const w = world();
    const id = await lost(w, '{"secret":"abc"}', { topic_name: TOPIC });
    const without = await w.dlq('show', id);
    expect(without).toMatchObject({ code: 1, error: '' });
    expect(without.output).not.toContain('abc');
    const payload = await w.dlq('show', id, '--payload');
    expect(payload.output).toContain('{"secret":"abc"}');
    expect(payload.output).toContain(`attribute topic_name = ${TOPIC}`);
  });
});
