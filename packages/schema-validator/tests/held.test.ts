/** Uploads for a held topic, and the lease that keeps jobs away from a topic while its tables are altered. */
import { describe, expect, it } from '@jest/globals';
import { readDdlLease, readWaitingUpload, type Document } from '@lean-ops/common/core';
import { budget, interruption, topicSchema, withField } from '@lean-ops/common/testing';
import fc from 'fast-check';
import type { Upload } from '../src/upload';
import { world, type World } from './world';

const KEY = { topic_name: 'telemetry.climate' };
const second = { ...withField('pressure', { type: 'number' }), 'x-version': 2 };
const third = { ...withField('pressure', { type: 'number' }, withField('note', { type: 'string' })), 'x-version': 3 };

const hold = (w: World) => w.documents.update('registry', KEY, { set: { status: 'MAINTENANCE', epoch: 1 } });
const release = (w: World) => w.documents.update('registry', KEY, { set: { status: 'READY' } });

async function heldWith(active: object): Promise<World> {
  const w = world();
  await w.run(await w.upload(active as Document));
  await hold(w);
  return w;
}

/** What operation-steps does after a release: the upload that waits is delivered again. */
async function redeliver(w: World, uploads: readonly Upload[]): Promise<void> {
  const waiting = readWaitingUpload(await w.item());
  const upload = uploads.find(({ sequencer }) => sequencer === waiting?.sequencer);
  if (upload !== undefined) await w.run(upload);
}

describe('an upload for a held topic', () => {
  it('waits under pending/, with nothing changed but the note about it', async () => {
    const w = await heldWith(topicSchema());
    const tables = new Map(w.warehouse.tables);
    const upload = await w.upload(second);
    await expect(w.run(upload)).resolves.toEqual({ outcome: 'PENDING_MAINTENANCE' });
    const item = await w.item();
    expect(item).toMatchObject({ status: 'MAINTENANCE', schema_version: 1 });
    expect(readWaitingUpload(item)).toMatchObject({ etag: upload.etag, sequencer: upload.sequencer });
    expect(w.warehouse.tables).toEqual(tables);
    expect(w.files()).toContain('telemetry.climate/pending/schema.json');
    expect(item).not.toHaveProperty('ddl');
  });

  it('is decided on when its event comes again after the release', async () => {
    const w = await heldWith(topicSchema());
    const upload = await w.upload(second);
    await w.run(upload);
    await release(w);
    await redeliver(w, [upload]);
    const item = await w.item();
    expect(item).toMatchObject({ status: 'READY', schema_version: 2 });
    expect(item).not.toHaveProperty('waiting_upload');
    expect(w.files()).not.toContain('telemetry.climate/pending/schema.json');
  });

  it('is refused at once where it breaks a rule, as no release changes that', async () => {
    const w = await heldWith(second);
    await expect(w.run(await w.upload('{'))).resolves.toMatchObject({ outcome: 'REFUSED' });
    expect(await w.item()).toMatchObject({ status: 'MAINTENANCE', error_code: 'NOT_JSON' });
  });

  it('takes the place of an older one, whose text is archived', async () => {
    const w = await heldWith(topicSchema());
    await w.run(await w.upload(second));
    const newer = await w.upload(third);
    await w.run(newer);
    expect(readWaitingUpload(await w.item())?.sequencer).toBe(newer.sequencer);
    expect(w.body('telemetry.climate/archive/2-20261123T100002Z.json')).toEqual(second);
  });

  it('that somebody takes back waits no more', async () => {
    const w = await heldWith(topicSchema());
    const upload = await w.upload(second);
    await w.run(upload);
    await w.objects.delete(upload.bucket, upload.key);
    await release(w);
    await redeliver(w, [upload]);
    expect(await w.item()).not.toHaveProperty('waiting_upload');
    expect(await w.item()).toMatchObject({ schema_version: 1, status: 'READY' });
  });

  it('goes on when the topic is released while it is about to wait', async () => {
    const w = await heldWith(topicSchema());
    const upload = await w.upload(second);
    let released = false;
    const documents = {
      ...w.documents,
      update: async (...args: Parameters<World['documents']['update']>) => {
        if (!released && args[2].set?.['waiting_upload'] !== undefined) {
          released = true;
          await release(w);
        }
        return w.documents.update(...args);
      },
    };
    const deps = { ...w.through(interruption(Infinity, 'before')), documents };
    await expect(w.run(upload, deps)).resolves.toMatchObject({ outcome: 'READY', version: 2 });
    expect(await w.item()).not.toHaveProperty('waiting_upload');
  });

  it('leaves the same behind wherever runs die, and whoever comes when', async () => {
    // Each valid schema may follow all that came before it.
    const valid = (version: number) =>
      Array.from({ length: version }, (_, index) => `field_${index}`).reduce(
        (schema, name) => withField(name, { type: 'number' }, schema),
        topicSchema({ 'x-version': version }),
      );
    const what = fc.constantFrom('hold', 'release', 'upload', 'upload', 'broken upload');
    const step = fc.record({ what, diesAt: fc.integer({ min: 1, max: 40 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
        const w = world();
        await w.run(await w.upload(topicSchema()));
        const uploads: Upload[] = [];
        // What should be there: the version in force, the one that waits, and whether the last verdict is a refusal.
        let [active, waiting, refused, held] = [1, undefined as number | undefined, false, false];
        const archived = new Set<number>();
        for (const { what: does, diesAt } of [...steps, { what: 'release', diesAt: 1 }]) {
          if (does === 'hold') {
            held = true;
            await hold(w);
          } else if (does === 'release') {
            held = false;
            await release(w);
            await redeliver(w, uploads);
            if (waiting === undefined) continue;
            archived.add(active);
            [active, waiting, refused] = [waiting, undefined, false];
          } else {
            const version = uploads.length + 2;
            const upload = await w.upload(does === 'upload' ? valid(version) : '{');
            uploads.push(upload);
            await w.runWithRetries(upload, w.through(interruption(diesAt, 'after')));
            if (waiting !== undefined) archived.add(waiting);
            if (does !== 'upload') [waiting, refused] = [undefined, true];
            else if (held) waiting = version;
            else {
              archived.add(active);
              [active, waiting, refused] = [version, undefined, false];
            }
          }
        }
        const item = (await w.item()) ?? {};
        expect(item['schema_version']).toBe(active);
        expect(item['error_code'] !== undefined).toBe(refused);
        expect(readWaitingUpload(item)).toBeUndefined();
        expect(readDdlLease(item)).toBeUndefined();
        expect(w.body('telemetry.climate/active/schema.json')).toMatchObject({ 'x-version': active });
        const files = w.files().map((name) => name.replace('telemetry.climate/', ''));
        expect(files.filter((name) => name.startsWith('pending/'))).toEqual([]);
        const versions = files.flatMap((name) => /^archive\/(\d+)-/.exec(name)?.[1] ?? []).map(Number);
        expect(new Set(versions)).toEqual(archived);
      }),
      { numRuns: budget({ eachRun: 100, thorough: 2_000 }) },
    );
  });
});

describe('the DDL of an upload', () => {
  it('holds its topic from before the first statement until the verdict', async () => {
    const seen: unknown[] = [];
    const w: World = world(async () => {
      seen.push(readDdlLease(await w.item()));
    });
    const upload = await w.upload(topicSchema());
    const deps = w.through(interruption(Infinity, 'before'));
    const athena = {
      ...deps.athena,
      execute: async (...args: Parameters<typeof deps.athena.execute>) => {
        seen.push(readDdlLease(await w.item()));
        return deps.athena.execute(...args);
      },
    };
    await w.run(upload, { ...deps, athena });
    expect(seen.length).toBeGreaterThan(2);
    const seconds = Math.floor(w.clock.now() / 1_000);
    for (const lease of seen) expect(lease).toMatchObject({ by: upload.sequencer, expiresAt: seconds + 900 });
    expect(await w.item()).not.toHaveProperty('ddl');
  });

  it('is not begun in a topic that was held a moment before', async () => {
    const w = world();
    await w.run(await w.upload(topicSchema()));
    const upload = await w.upload(second);
    let at = 0;
    const documents = {
      ...w.documents,
      update: async (...args: Parameters<World['documents']['update']>) => {
        if (args[2].set?.['ddl'] !== undefined && (at += 1) === 1) await hold(w);
        return w.documents.update(...args);
      },
    };
    const deps = { ...w.through(interruption(Infinity, 'before')), documents };
    await expect(w.run(upload, deps)).resolves.toEqual({ outcome: 'PENDING_MAINTENANCE' });
    expect(await w.item()).not.toHaveProperty('ddl');
  });

  /** Lets an upload begin its DDL and die, as if its statement went on without it. */
  async function begunBy(w: World, schema: object): Promise<Upload> {
    const dead = await w.upload(schema as Document);
    const lost = { ...w.through(interruption(Infinity, 'before')) };
    const athena = { ...lost.athena, execute: () => Promise.reject(new Error('gone')) };
    await expect(w.run(dead, { ...lost, athena })).rejects.toThrow('gone');
    expect(readDdlLease(await w.item())?.by).toBe(dead.sequencer);
    return dead;
  }

  it('leaves a lease behind when it dies, which the next upload of the topic neither waits for nor ends', async () => {
    const w = world();
    await w.run(await w.upload(topicSchema()));
    const dead = await begunBy(w, second);
    const lease = readDdlLease(await w.item());
    w.clock.pass(10_000);
    await expect(w.run(await w.upload(third))).resolves.toMatchObject({ outcome: 'READY', version: 3 });
    expect(readDdlLease(await w.item())).toEqual(lease);
    await w.run(dead);
    expect(await w.item()).not.toHaveProperty('ddl');
  });

  it('has a lease beside that of an upload that overtakes it, until both have ended', async () => {
    const w = world();
    await w.run(await w.upload(topicSchema()));
    const older = await begunBy(w, second);
    const newer = await begunBy(w, third);
    await w.run(older);
    expect(readDdlLease(await w.item())?.by).toBe(newer.sequencer);
    await w.run(newer);
    expect(await w.item()).not.toHaveProperty('ddl');
  });

  it('is over for everybody once its lease has run out, whether or not it is given back', async () => {
    const w = world();
    await w.run(await w.upload(topicSchema()));
    await begunBy(w, second);
    w.clock.pass(901_000);
    await w.run(await w.upload(third));
    expect(await w.item()).not.toHaveProperty('ddl');
  });
});
