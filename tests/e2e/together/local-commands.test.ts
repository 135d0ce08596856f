/** `pnpm local` as its users run it: what it says, and its exit codes. Commands that wait for a whole cycle are not among them. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { databases, output } from '../../../scripts/local/clients';
import { local } from '../global-setup';
import { cycle, freshTopic, send, theStack } from '../stack';

const stack = theStack();
const topic = freshTopic('commands');
const line = JSON.stringify({ device_id: 'dev-7', text: 'x'.repeat(300) });

beforeAll(async () => {
  for (let each = 0; each < 3; each += 1) await send(stack, line, topic);
  await cycle(stack);
});

describe('pnpm local', () => {
  it('lists the topics with what each layer has of them', () => {
    const { status, output } = local('topics');
    expect(status).toBe(0);
    expect(output).toMatch(new RegExp(`^${topic.replaceAll('.', '\\.')} +3 +0 +3`, 'm'));
  });

  it('prints rows within the width, and as blocks with every value whole', () => {
    const sql = `SELECT topic_name, payload FROM ${databases(stack).raw}.events WHERE topic_name = '${topic}'`;
    const short = local('query', sql);
    expect(short.output).toContain('3 rows; some values are shortened');
    expect(short.output).not.toContain('x'.repeat(300));
    expect(local('query', '--expand', sql).output).toContain('x'.repeat(300));
  });

  it.each([
    ['SELEC 1', /^Athena: line 1:1: [^\n]*\n$/],
    ['SELECT nope FROM lean_ops_ops.ledger', /^Athena: COLUMN_NOT_FOUND: [^\n]*\n$/],
  ])('answers wrong SQL with one line: %s', (sql, said) => {
    const { status, output } = local('query', sql);
    expect(output).toMatch(said);
    expect(status).toBe(2);
  });

  it('sends nothing when no line can become a row', () => {
    const file = path.join(stack.paths.dir, 'bare.ndjson');
    writeFileSync(file, `${line}\n`);
    expect(local('send', file)).toMatchObject({ status: 2, output: expect.stringContaining('Nothing was sent') });
  });

  it('prints the logs of functions and jobs', () => {
    expect(local('logs').output).toMatch(/functions: .*sqs-processor.*\njobs: +(curated, )?standardized\n/);
    expect(local('logs', 'sqs-processor').output).toMatch(/^REPORT RequestId: /m);
    // The newest run may be that of another test, and may just have begun.
    const done = '"message": "topic done"';
    let said = '';
    // Each look may find a newer run, so what is expected is what the loop ended with.
    for (const end = Date.now() + 200_000; !said.includes(done) && Date.now() < end;) {
      said = local('logs', 'standardized').output;
    }
    expect(said).toContain(done);
    expect(local('logs', 'nope')).toMatchObject({ status: 2, output: expect.stringContaining('sqs-processor') });
  });

  it('names the stack and its addresses', () => {
    const { status, output: printed } = local('status');
    expect(status).toBe(0);
    expect(printed).toContain(`The local stack ${stack.name} is up since`);
    expect(printed).toContain(output(stack, 'ingest_queue_url'));
  });
});
