/** `lean-ops topic forget`, against a pipeline in memory whose operations run by the real transitions. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { hashOf } from '../../src/operations/forget-plan';
import { memoryOperations, OPERATIONS, tableMetadata, TOPIC } from './memory-operations';

const KEY = "o'neill@example.org";
const TABLES = {
  'acme_raw.events': tableMetadata({}),
  'acme_ops.cycle_delta': tableMetadata({}),
  'acme_standardized.telemetry_climate': tableMetadata({}),
};
const BASIS = 'epoch=3,status=READY,hold=none,raw=2,cycle_delta=2,standardized=2';
const APPLIED = ['topic', 'forget', TOPIC, '--key', KEY, '--apply', '--reason', 'request 7', '--plan', BASIS];

const pipeline = (options: Parameters<typeof memoryOperations>[0] = {}) =>
  memoryOperations({ tables: TABLES, ledger: [['2']], delta: [['2']], ...options });

describe('topic forget', () => {
  it('counts by hashes, so that no query has the key, and changes nothing', async () => {
    const { run, queries, documents } = pipeline();
    const { code, output } = await run('topic', 'forget', TOPIC, '--key', KEY);
    expect(code).toBe(0);
    expect(output).toMatchInlineSnapshot(`
      "Plan: forget telemetry.climate
        now       READY, epoch 3
        keys      1 key; the record keeps hashes of them
        erases    RAW: 2 rows
        erases    cycle_delta: 2 rows
        erases    Standardized: 2 rows
        searches  parse errors, dead letters, what Firehose could not deliver, and results of queries
        expires   all earlier snapshots of these tables, and the tags of undo: none of them can be taken back
                  to a time before the erasure
        remains   what DynamoDB keeps to restore tables (35 days), and ids in logs for as long as these are kept
        in flight messages still on their way to RAW come in afterwards: run it again once the queue is empty
        meanwhile MAINTENANCE, epoch 4: cycles, table-provisioner and schema uploads leave
                  telemetry_climate alone, in both layers; RAW and cycle_delta take its events
        then      READY, epoch 4; the next cycle takes what has come
        drained   at once: no cycle runs
      Nothing was changed. To do it:
        lean-ops topic forget telemetry.climate --key 'o'\\''neill@example.org' --plan epoch=3,status=READY,hold=none,raw=2,cycle_delta=2,standardized=2 --apply --reason TEXT
      "
    `);
    expect(queries).toHaveLength(3);
    expect(queries.join('\n')).not.toContain('neill');
    expect(await documents.scan(OPERATIONS)).toEqual([]);
  });

  it('gives the keys to the job in an item of their own, which is gone in the end', async () => {
    const seen: unknown[] = [];
    const { run, documents, operations } = pipeline({
      job: ({ operationId }) => void seen.push(operationId),
    });
    const { code } = await run(...APPLIED);
    expect(code).toBe(0);
    expect(seen).toHaveLength(1);
    const [operation] = await operations();
    const { salt, hashes } = operation?.['plan'] as { salt: string; hashes: string[] };
    expect(hashes).toEqual([hashOf(salt, KEY)]);
    expect(JSON.stringify(await documents.scan(OPERATIONS))).not.toContain('neill');
  });

  it('has the keys there while the job is at work, and deletes them when the operation is cancelled', async () => {
    const { run, documents, operator } = pipeline();
    expect((await run(...APPLIED, '--detach')).code).toBe(0);
    const items = await documents.scan(OPERATIONS);
    expect(items.find(({ keys }) => keys !== undefined)?.['keys']).toEqual([KEY]);
    expect((await run('op', 'cancel', TOPIC)).code).toBe(0);
    expect(JSON.stringify(await operator.documents.scan(OPERATIONS))).not.toContain('neill');
  });

  it('refuses a plan that has changed, and a reason that has the key', async () => {
    const stale = await pipeline({ ledger: [['3']] }).run(...APPLIED);
    expect([stale.code, stale.output]).toEqual([1, expect.stringContaining('PLAN_STALE')]);
    const told = await pipeline().run('topic', 'forget', TOPIC, '--key', KEY, '--apply', '--reason', `for ${KEY}`);
    expect([told.code, told.output]).toEqual([1, expect.stringContaining('KEY_IN_REASON')]);
  });

  it('reads keys from a file, and names what is none', async () => {
    const { run, write } = pipeline();
    write('keys.txt', `${KEY}\n\nanother\n`);
    const { output } = await run('topic', 'forget', TOPIC, '--keys', 'keys.txt');
    expect(output).toContain('2 keys');
    expect(output).toContain('forget telemetry.climate --keys keys.txt --plan');
    expect((await run('topic', 'forget', TOPIC)).code).toBe(2);
    expect((await run('topic', 'forget', TOPIC, '--key', 'x'.repeat(1_025))).code).toBe(2);
  });

  it.each([
    ['a byte order mark', Buffer.from(`\uFEFF${KEY}\r\nanother`), 2],
    ['a byte order mark before an array', Buffer.from(`\uFEFF["${KEY}"]`), 1],
    ['lines of an old Mac', Buffer.from(`${KEY}\ranother\r`), 2],
  ])('reads keys behind %s', async (_, bytes, count) => {
    const { run, write, root, operations } = pipeline();
    write('keys.txt', '');
    writeFileSync(path.join(root, 'keys.txt'), bytes);
    const applied = ['--apply', '--reason', 'request 7', '--detach'];
    expect((await run('topic', 'forget', TOPIC, '--keys', 'keys.txt', ...applied)).code).toBe(0);
    const [operation] = await operations();
    const { salt, hashes } = operation?.['plan'] as { salt: string; hashes: string[] };
    expect([hashes.length, hashes.includes(hashOf(salt, KEY))]).toEqual([count, true]);
  });

  it.each([
    ['UTF-16', Buffer.from(KEY, 'utf16le'), 'is not UTF-8 text'],
    ['Latin-1', Buffer.from('jürgen', 'latin1'), 'is not UTF-8 text'],
    ['a key with a space behind it', Buffer.from(`${KEY}\nanother \n`), 'key 2 of keys.txt begins or ends with white'],
    ['100,000 keys', Buffer.from(Array.from({ length: 100_000 }, (_, n) => `k${n}`).join('\n')), 'give 100 at a time'],
    ['an array of other things', Buffer.from('[1]'), 'begins as a JSON array and is none of texts'],
  ])('takes no file of %s', async (_, bytes, said) => {
    const { run, write, root } = pipeline();
    write('keys.txt', '');
    writeFileSync(path.join(root, 'keys.txt'), bytes);
    const { code, error } = await run('topic', 'forget', TOPIC, '--keys', 'keys.txt');
    expect([code, error]).toEqual([2, expect.stringContaining(said)]);
  });

  it('reports what was found, without the key', async () => {
    const { run, documents, operations, root } = pipeline();
    await run(...APPLIED);
    const [operation] = await operations();
    const id = operation?.['operation_id'] as string;
    await documents.update(
      OPERATIONS,
      { operation_id: id },
      {
        set: {
          counts: {
            rows_raw: 2,
            rows_standardized: 1,
            dead_letters: 1,
            snapshots: 9,
            files: 30,
            erased_at: '2026-11-30T06:26:00+00:00',
          },
        },
      },
    );
    expect((await run('op', 'show', id, '--report', 'report.md')).code).toBe(0);
    const nowhere = await run('op', 'show', id, '--report', 'nowhere/report.md');
    expect([nowhere.code, nowhere.error]).toEqual([2, expect.stringContaining('nowhere/report.md cannot be written')]);
    expect(readFileSync(path.join(root, 'report.md'), 'utf8')).toMatchInlineSnapshot(`
      "# Erasure 20261130T062500Z-forget-aaaaa1

      Topic: telemetry.climate. State: DONE.
      Requested 2026-11-30T06:25:00.000Z by arn:aws:sts::123456789012:assumed-role/operators/ada. Reason: request 7
      Erased 2026-11-30T06:26:00+00:00. Ended 2026-11-30T06:25:04.000Z.

      ## What it was about

      The record keeps no key. Each hash is the SHA-256 of the salt with the key behind it, in hexadecimal digits:
      \`printf '%s' "$SALT$KEY" | sha256sum\`

      - salt: \`aaaaa1aaaaa1aaaaa1aaaaa1aaaaa1aaaaa1\`
      - hash: \`bd147661bcb0d7e4d9e45a2fc7e8e6d15873e7173e01c0fe64c359f5e4a4e768\`

      ## What was found, and deleted

      | where | found and deleted |
      | --- | --- |
      | events as they were received (RAW) | 2 rows |
      | Standardized table | 1 row |
      | dead letters in the archive | 1 object |

      The 9 snapshots of the tables that still had them expired at the same time, with 30 files.

      ## What remains, and until when

      - Backups of the tables of DynamoDB (point-in-time recovery) have ids and keys of requests until 2027-01-04.
      - Logs have ids of messages, and no payloads, for as long as they are kept.
      - Copies that others have taken out of the lake are not known to it.
      - Events with the same key that come in after 2026-11-30T06:26:00+00:00 are new ones, and are kept.
      "
    `);
  });
});
