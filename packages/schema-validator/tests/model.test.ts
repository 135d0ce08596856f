import { describe, expect, it } from '@jest/globals';
import { checkSchema, tableNameOf, TRIES_ENDED, type JsonObject, type TopicName } from '@lean-ops/common/core';
import { budget, interruption, KilledError, topicSchema, withField } from '@lean-ops/common/testing';
import fc from 'fast-check';
import type { Collaborators } from '../src/collaborators';
import type { Upload } from '../src/upload';
import { world, type World } from './world';

const TOPIC = 'telemetry.climate' as TopicName;

/** The texts that authors upload. They are distinct, and each valid one may follow the others of a lower version. */
const NUMBER = { type: 'number' };
const withFields = (version: number, names: readonly string[]): JsonObject =>
  names.reduce<JsonObject>((schema, name) => withField(name, NUMBER, schema), topicSchema({ 'x-version': version }));
const TEXTS: readonly string[] = [
  JSON.stringify(withFields(2, ['a'])),
  JSON.stringify(withFields(3, ['a', 'b'])),
  JSON.stringify(withFields(4, ['a', 'b', 'c'])),
  // A different text of the same version: whichever becomes active first rules the other out.
  JSON.stringify(withFields(3, ['b'])),
  JSON.stringify(topicSchema({ title: 'Other words' })),
  '{',
  JSON.stringify(topicSchema({ 'x-version': 9, type: 'array' })),
];

/** One delivery of an upload's event. Times are counted in turns of the scheduler. */
interface Delivery {
  /** The call at which the run dies; the event is then delivered again, as Lambda does it, or its tries have ended. */
  readonly diesAt: number;
  /** When its tries have ended: the call at which the first run of the failure path dies. SQS delivers it again. */
  readonly endingDiesAt: number | undefined;
  readonly retriedAfter: number;
  /** Turns that each call takes. A slow run meets what faster runs did in the meantime. */
  readonly pace: number;
}

interface Author {
  readonly text: string;
  readonly uploadsAfter: number;
  readonly deliveries: readonly Delivery[];
}

/**
 * The scheduler decides how the steps of several runs interleave: each call to a port, and the commit of an INSERT, waits
 * for its turn. The INSERT of a killed run goes on without it, as it does on Athena.
 */
async function play(scheduler: fc.Scheduler, first: boolean, authors: readonly Author[]) {
  const turns = async (count: number): Promise<void> => {
    for (let turn = 0; turn < count; turn += 1) await scheduler.schedule(Promise.resolve());
  };
  const w: World = world(() => turns(2));
  const all: { upload: Upload; text: string }[] = [];
  const refused = new Set<unknown>();
  /** The uploads of which a run said that they are active. */
  const ready = new Set<string>();
  const update = w.documents.update.bind(w.documents);
  w.documents.update = async (table, key, changes, condition) => {
    const done = await update(table, key, changes, condition);
    if (done && changes.set?.['failed_etag'] !== undefined) refused.add(changes.set['settled_sequencer']);
    return done;
  };
  const put = async (text: string): Promise<Upload> => {
    // All uploads are of one second, because an event's time is no finer.
    const upload = { ...(await w.upload(text, TOPIC)), at: new Date('2026-11-23T10:00:00Z') };
    all.push({ upload, text });
    return upload;
  };
  const pacedPorts = (diesAt: number, pace: number): Collaborators => {
    const ports = w.through(interruption(diesAt, diesAt % 2 === 0 ? 'before' : 'after'));
    const paced = <T extends object>(port: T): T =>
      new Proxy(port, {
        get(target, name, receiver) {
          const member: unknown = Reflect.get(target, name, receiver);
          if (typeof member !== 'function') return member;
          return async (...args: unknown[]) => {
            await turns(pace);
            return (member as (...given: unknown[]) => unknown)(...args);
          };
        },
      });
    return {
      ...ports,
      objects: paced(ports.objects),
      documents: paced(ports.documents),
      athena: paced(ports.athena),
      catalog: paced(ports.catalog),
      deleteIfMatch: async (...args) => {
        await turns(pace);
        return ports.deleteIfMatch(...args);
      },
    };
  };
  const untilItLives = async (run: (diesAt: number) => Promise<unknown>, diesAt: number, after: number) => {
    try {
      await run(diesAt);
    } catch (error) {
      if (!(error instanceof KilledError)) throw error;
      await turns(after);
      await run(Infinity);
    }
  };
  const deliver = async (upload: Upload, delivery: Delivery): Promise<void> => {
    const { diesAt, endingDiesAt, retriedAfter, pace } = delivery;
    const handle = async (at: number) => {
      const { outcome } = await w.run(upload, pacedPorts(at, pace));
      if (outcome === 'READY') ready.add(upload.sequencer);
    };
    const end = (at: number) => w.end(upload, pacedPorts(at, pace));
    if (endingDiesAt === undefined) return untilItLives(handle, diesAt, retriedAfter);
    try {
      await handle(diesAt);
    } catch (error) {
      if (!(error instanceof KilledError)) throw error;
      await turns(retriedAfter);
      await untilItLives(end, endingDiesAt, retriedAfter);
    }
  };
  if (!first) await scheduler.waitFor(w.run(await put(JSON.stringify(topicSchema()))));
  const handled = authors.map(async ({ text, uploadsAfter, deliveries }) => {
    await turns(uploadsAfter + 1);
    const upload = await put(text);
    await Promise.all(deliveries.map((delivery) => deliver(upload, delivery)));
  });
  await scheduler.waitFor(Promise.all(handled));
  const uploadAgain = async (text: string) => scheduler.waitFor(w.run(await put(text)));
  return { w, all, refused, ready, uploadAgain };
}

/**
 * Each upload has a verdict. Where the last one's is that its tries ended, the author uploads it again, as the verdict says;
 * then everything is as if all runs had come to an end.
 */
async function checkVerdicts(played: Awaited<ReturnType<typeof play>>): Promise<void> {
  const { w, all, ready, uploadAgain } = played;
  const item = await w.item();
  const latest = all.toSorted((a, b) => (a.upload.sequencer < b.upload.sequencer ? 1 : -1))[0]!;
  expect(w.files().filter((name) => name.includes('pending'))).toEqual([]);
  // Who was told that an upload is active is not told otherwise.
  if (ready.has(latest.upload.sequencer)) expect(item).toMatchObject({ status: 'READY' });
  if (item?.['error_code'] !== TRIES_ENDED) return;
  expect(item).toMatchObject({ settled_sequencer: latest.upload.sequencer, status: 'ERROR' });
  expect(item).toMatchObject({ failed_etag: latest.upload.etag });
  expect(w.body(`${TOPIC}/failed/error.json`)).toMatchObject({ etag: latest.upload.etag });
  expect(w.objects.objects.get(`s3://schemas-bucket/schemas/${TOPIC}/failed/schema.json`)?.body).toBe(latest.text);
  await uploadAgain(latest.text);
}

async function checkInvariants({ w, all, refused }: Awaited<ReturnType<typeof play>>): Promise<void> {
  const files = w.files();
  const bodyOf = (name: string) => w.objects.objects.get(`s3://schemas-bucket/schemas/${name}`)?.body;
  const active = bodyOf(`${TOPIC}/active/schema.json`);
  const archive = files.filter((name) => name.includes('/archive/'));
  const archived = archive.map(bodyOf);
  const item = await w.item();
  const latest = all.toSorted((a, b) => (a.upload.sequencer < b.upload.sequencer ? 1 : -1))[0]!;

  // No upload waits any more, and the verdict is that on the last one.
  expect(files.filter((name) => name.includes('pending'))).toEqual([]);
  expect(item).toMatchObject({
    claimed_sequencer: latest.upload.sequencer,
    settled_sequencer: latest.upload.sequencer,
    status: latest.text === active ? 'READY' : 'ERROR',
  });
  // The registry describes the active file.
  if (active === undefined) expect(item).not.toHaveProperty('schema_version');
  else {
    const etag = w.objects.objects.get(`s3://schemas-bucket/schemas/${TOPIC}/active/schema.json`)?.etag;
    const { 'x-version': version } = JSON.parse(active) as { 'x-version': number };
    expect(item).toMatchObject({
      processing_enabled: true,
      schema_version: version,
      schema_etag: etag?.replaceAll('"', ''),
    });
  }
  // failed/ has the last upload, or is empty.
  const failed = files.filter((name) => name.includes('/failed/'));
  if (item?.['status'] === 'READY') expect(failed).toEqual([]);
  else {
    expect(failed).toHaveLength(2);
    expect(bodyOf(`${TOPIC}/failed/schema.json`)).toBe(latest.text);
    expect(w.body(`${TOPIC}/failed/error.json`)).toMatchObject({ etag: latest.upload.etag });
    expect(item).toMatchObject({ failed_etag: latest.upload.etag, error_code: expect.any(String) });
  }
  // No text that could have become active is lost, and nothing is archived twice.
  const kept = all.filter(({ text }) => checkSchema(text, { topic: TOPIC }).ok);
  for (const { text, upload } of kept) {
    if (!refused.has(upload.sequencer)) expect([active, ...archived]).toContain(text);
  }
  expect(new Set(archived).size).toBe(archived.length);
  for (const text of archived) expect(kept.map((one) => one.text)).toContain(text);
  // The tables fit the active schema.
  if (active !== undefined) {
    const columns = w.warehouse.tables.get(`lean_ops_curated.${tableNameOf(TOPIC)}`)?.map(({ name }) => name);
    const check = checkSchema(active, { topic: TOPIC });
    expect(
      check.ok && check.schema.columns.map(({ column }) => column).filter((name) => !columns?.includes(name)),
    ).toEqual([]);
  }
  // drift_log has no row twice: from the first schema to the active one, each column was added once.
  const rows = w.warehouse.driftRows;
  expect(new Set(rows.map((row) => row.slice(0, 64))).size).toBe(rows.length);
  const came = rows.flatMap((row) => /'COLUMN_ADDED', '(\w+)'/.exec(row)?.[1] ?? []).sort();
  const born = rows.filter((row) => row.includes("'curated', 'TABLE_CREATED'"));
  expect(born).toHaveLength(active === undefined ? 0 : 1);
  expect(rows.filter((row) => row.includes("'standardized', 'TABLE_CREATED'"))).toHaveLength(born.length);
  const bornWith = born.flatMap((row) => [...row.matchAll(/\b([abc]) double/g)].map(([, name]) => name));
  const { properties = {} } = JSON.parse(active ?? '{}') as { properties?: object };
  expect([...came, ...bornWith].sort()).toEqual(
    Object.keys(properties)
      .filter((name) => /^[abc]$/.test(name))
      .sort(),
  );
}

const delivery: fc.Arbitrary<Delivery> = fc.record({
  diesAt: fc.oneof(fc.constant(Infinity), fc.integer({ min: 1, max: 35 })),
  endingDiesAt: fc.oneof(fc.constant(undefined), fc.constant(Infinity), fc.integer({ min: 1, max: 16 })),
  retriedAfter: fc.constantFrom(0, 30, 200),
  pace: fc.constantFrom(1, 1, 2, 6),
});
const author: fc.Arbitrary<Author> = fc.record({
  text: fc.constantFrom(...TEXTS),
  uploadsAfter: fc.constantFrom(0, 10, 30, 90),
  deliveries: fc.array(delivery, { minLength: 1, maxLength: 2 }),
});

describe('uploads of one topic, at the same time, in any order, twice, killed anywhere', () => {
  it('end as one after the other', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.boolean(),
        fc.uniqueArray(author, { minLength: 2, maxLength: 3, selector: ({ text }) => text }),
        async (scheduler, first, authors) => {
          const played = await play(scheduler, first, authors);
          await checkVerdicts(played);
          await checkInvariants(played);
        },
      ),
      { numRuns: budget({ eachRun: 100, thorough: 1_000 }) },
    );
    // It takes seconds on an idle machine; the limit finds a schedule that never ends.
  }, 300_000);
});
