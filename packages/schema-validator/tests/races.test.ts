import { describe, expect, it } from '@jest/globals';
import { interruption, KilledError, topicSchema, withField } from '@lean-ops/common/testing';
import type { Collaborators } from '../src/collaborators';
import type { Upload } from '../src/upload';
import { world, type World } from './world';

const second = { ...withField('pressure', { type: 'number' }), 'x-version': 2 };
const broken = topicSchema({ type: 'array' });

/** Ports that stop a run once, just before it writes a file whose key ends with the given text, while `meanwhile` runs. */
function stopping(w: World, suffix: string, meanwhile: () => Promise<unknown>, then?: () => void): Collaborators {
  const deps = w.through(interruption(Infinity, 'before'));
  let stopped = false;
  return {
    ...deps,
    objects: {
      ...deps.objects,
      get: (...args) => deps.objects.get(...args),
      head: (...args) => deps.objects.head(...args),
      copy: (...args) => deps.objects.copy(...args),
      delete: (...args) => deps.objects.delete(...args),
      list: (...args) => deps.objects.list(...args),
      async put(bucket, key, body, options) {
        const now = !stopped && key.endsWith(suffix);
        stopped ||= now;
        if (now) await meanwhile();
        const done = await deps.objects.put(bucket, key, body, options);
        if (now) then?.();
        return done;
      },
    },
  };
}

describe('a run that is overtaken between its last look and its write', () => {
  it('takes its refusal back when the newer upload was accepted', async () => {
    const w = world();
    const earlier = await w.upload('{');
    const deps = stopping(w, '/error.json', async () => w.run(await w.upload(topicSchema())));
    await expect(w.run(earlier, deps)).resolves.toEqual({ outcome: 'SUPERSEDED' });
    expect(w.files()).toEqual(['telemetry.climate/active/schema.json']);
    expect(await w.item()).toMatchObject({ status: 'READY' });
  });

  it('leaves the same text where it was uploaded once more, which has a verdict of its own', async () => {
    const w = world();
    const text = JSON.stringify(broken);
    const earlier = await w.upload(text);
    let later: Upload | undefined;
    const deps = w.through(interruption(Infinity, 'before'));
    const { objects } = deps;
    const head: typeof objects.head = async (bucket, key) => {
      if (key.endsWith('/pending/schema.json')) later ??= await w.upload(text);
      return objects.head(bucket, key);
    };
    await expect(w.run(earlier, { ...deps, objects: { ...objects, head } })).resolves.toMatchObject({
      outcome: 'REFUSED',
    });
    expect(w.files()).toContain('telemetry.climate/pending/schema.json');
    await expect(w.run(later ?? earlier)).resolves.toMatchObject({ outcome: 'REFUSED' });
    expect(w.files()).not.toContain('telemetry.climate/pending/schema.json');
  });

  it("never covers the newer upload's refusal", async () => {
    const w = world();
    const earlier = await w.upload('{');
    let failedEtag = '';
    const deps = stopping(w, '/error.json', async () => {
      const later = await w.upload(broken);
      failedEtag = later.etag;
      await w.run(later);
    });
    await expect(w.run(earlier, deps)).resolves.toEqual({ outcome: 'STALE' });
    expect(w.body('telemetry.climate/failed/schema.json')).toEqual(broken);
    expect(w.body('telemetry.climate/failed/error.json')).toMatchObject({ etag: failedEtag });
    expect(await w.item()).toMatchObject({ status: 'ERROR', failed_etag: failedEtag });
  });

  const killed = () => {
    throw new KilledError('after the write');
  };

  it.each([
    ['lives', undefined, false],
    ['dies right after, and comes again', killed, false],
    // No later upload is due that would complete the record.
    ['dies right after, and its tries have ended', killed, true],
  ])(
    'is on record when it became active after all, beside the refusal of the newer upload: it %s',
    async (_, then, hasEnded) => {
      const w = world();
      await w.run(await w.upload(topicSchema()));
      const earlier = await w.upload(second);
      const deps = stopping(w, '/active/schema.json', async () => w.run(await w.upload(broken)), then);
      if (hasEnded) {
        await expect(w.run(earlier, deps)).rejects.toThrow(KilledError);
        await expect(w.end(earlier)).resolves.toEqual({ outcome: 'STALE' });
      } else await w.runWithRetries(earlier, deps);
      expect(w.body('telemetry.climate/active/schema.json')).toEqual(second);
      expect(await w.item()).toMatchObject({ status: 'ERROR', schema_version: 2, schema_etag: earlier.etag });
      expect(w.warehouse.driftRows.filter((row) => row.includes("'COLUMN_ADDED', 'pressure'"))).toHaveLength(1);
      expect(w.body('telemetry.climate/failed/schema.json')).toEqual(broken);
    },
  );

  it.each([
    ['handles it again', false, false],
    ['handles it again, before the newer one is settled', false, true],
    ['ends its tries', true, false],
    ['ends its tries, before the newer one is settled', true, true],
  ])(
    'is on record when it became active after the verdict on its tries, and died: the next run %s',
    async (_, hasEnded, waits) => {
      const w = world();
      await w.run(await w.upload(topicSchema()));
      const earlier = await w.upload(second);
      let later: Upload | undefined;
      let settleLater = (): void => undefined;
      const earlierIsDone = new Promise<void>((done) => (settleLater = done));
      let refusal: Promise<unknown> | undefined;
      const deps = stopping(
        w,
        '/active/schema.json',
        async () => {
          await w.end(earlier);
          later = await w.upload(broken);
          if (!waits) {
            await w.run(later);
            return;
          }
          const ports = w.through(interruption(Infinity, 'before'));
          await new Promise<void>((hasCompared) => {
            const head: typeof ports.objects.head = async (bucket, key) => {
              hasCompared();
              await earlierIsDone;
              return ports.objects.head(bucket, key);
            };
            refusal = w.run(later!, { ...ports, objects: { ...ports.objects, head } });
          });
        },
        killed,
      );
      await expect(w.run(earlier, deps)).rejects.toThrow(KilledError);
      await expect(hasEnded ? w.end(earlier) : w.run(earlier)).resolves.toEqual({ outcome: 'DUPLICATE' });
      settleLater();
      await refusal;
      expect(w.body('telemetry.climate/active/schema.json')).toEqual(second);
      expect(await w.item()).toMatchObject({ status: 'ERROR', failed_etag: later?.etag, schema_version: 2 });
      expect(w.warehouse.driftRows.filter((row) => row.includes("'COLUMN_ADDED', 'pressure'"))).toHaveLength(1);
    },
  );

  it('keeps the failure path at it until its changes are on record, and the jobs validate by it meanwhile', async () => {
    const w = world();
    await w.run(await w.upload(topicSchema()));
    const earlier = await w.upload(second);
    const deps = stopping(w, '/active/schema.json', async () => w.run(await w.upload(broken)), killed);
    await expect(w.run(earlier, deps)).rejects.toThrow(KilledError);
    const athena = { ...w.warehouse, execute: () => Promise.reject(new Error('Athena is away')) };
    await expect(w.end(earlier, { ...w.through(interruption(Infinity, 'before')), athena })).rejects.toThrow('away');
    expect(await w.item()).toMatchObject({ processing_enabled: true, schema_version: 2, schema_etag: earlier.etag });
    await expect(w.end(earlier)).resolves.toEqual({ outcome: 'STALE' });
    expect(w.warehouse.driftRows.filter((row) => row.includes("'COLUMN_ADDED', 'pressure'"))).toHaveLength(1);
  });

  it.each(['/error.json', '/failed/schema.json'])(
    'takes the verdict on the tries back when another run of the upload made it active before the write of %s',
    async (file) => {
      const w = world();
      const upload = await w.upload(topicSchema());
      const deps = stopping(w, file, async () => w.run(upload));
      await expect(w.end(upload, deps)).resolves.toEqual({ outcome: 'DUPLICATE' });
      expect(w.files()).toEqual(['telemetry.climate/active/schema.json']);
      expect(await w.item()).toMatchObject({ status: 'READY' });
    },
  );

  it('leaves its topic enabled when it became active while the newer upload was being refused', async () => {
    const w = world();
    const earlier = await w.upload(topicSchema());
    let earlierIsDone: () => void = () => undefined;
    const earlierDone = new Promise<void>((done) => (earlierIsDone = done));
    let refusal: Promise<unknown> | undefined;
    const deps = stopping(w, '/active/schema.json', async () => {
      const later = await w.upload(broken);
      // The newer run has read a registry without an active schema, and is stopped before it acts on that.
      await new Promise<void>((hasRead) => {
        const ports = w.through(interruption(Infinity, 'before'));
        const documents: Collaborators['documents'] = {
          ...ports.documents,
          get: (...args) => ports.documents.get(...args),
          update: async (table, key, changes, condition) => {
            if (changes.set?.['failed_etag'] !== undefined) {
              hasRead();
              await earlierDone;
            }
            return ports.documents.update(table, key, changes, condition);
          },
        };
        refusal = w.run(later, { ...ports, documents });
      });
    });
    await w.run(earlier, deps);
    earlierIsDone();
    await expect(refusal).resolves.toMatchObject({ outcome: 'REFUSED' });
    expect(await w.item()).toMatchObject({ status: 'ERROR', processing_enabled: true, schema_etag: earlier.etag });
  });
});
