import { describe, expect, it } from '@jest/globals';
import type { Document } from '@lean-ops/common/core';
import { verdictOn } from '../src/upload/upload-verdict';

const item = (changes: Document): Document => ({
  topic_name: 'tank.level',
  claimed_sequencer: '1',
  settled_sequencer: '1',
  ...changes,
});

describe('verdictOn', () => {
  const ready = item({ status: 'READY', schema_etag: 'old', schema_version: 1 });
  const next = { claimed_sequencer: '2', settled_sequencer: '2' };

  it.each<[string, Document | undefined, Document | undefined, string | undefined, object]>([
    ['not begun', ready, ready, 'mine', { verdict: 'WAITING', begun: false }],
    ['begun', ready, { ...ready, claimed_sequencer: '2' }, 'mine', { verdict: 'WAITING', begun: true }],
    ['no item yet', undefined, undefined, 'mine', { verdict: 'WAITING', begun: false }],
    [
      'active',
      ready,
      { ...ready, ...next, schema_etag: 'mine', schema_version: 2 },
      undefined,
      { verdict: 'READY', version: 2, operatorStatus: undefined },
    ],
    [
      'active, and pending/ not cleared yet',
      undefined,
      { ...ready, ...next, schema_etag: 'mine' },
      'mine',
      { verdict: 'READY', version: 1, operatorStatus: undefined },
    ],
    [
      'waiting for the release of its topic',
      ready,
      {
        ...ready,
        claimed_sequencer: '2',
        status: 'MAINTENANCE',
        hold: { operation_id: '20261130T062500Z-hold-ab12cd' },
        waiting_upload: { etag: 'mine', sequencer: '2' },
      },
      'mine',
      { verdict: 'PENDING_MAINTENANCE', heldBy: '20261130T062500Z-hold-ab12cd' },
    ],
    [
      'about to be handled after the release',
      ready,
      { ...ready, claimed_sequencer: '2', waiting_upload: { etag: 'mine', sequencer: '2' } },
      'mine',
      { verdict: 'WAITING', begun: true },
    ],
    [
      'not seen yet by schema-validator, while another upload waits',
      { ...ready, status: 'MAINTENANCE' },
      { ...ready, status: 'MAINTENANCE', waiting_upload: { etag: 'old', sequencer: '1' } },
      'mine',
      { verdict: 'WAITING', begun: false },
    ],
    [
      'active under an operator who holds the topic',
      item({ status: 'MAINTENANCE', schema_etag: 'old' }),
      item({ ...next, status: 'MAINTENANCE', schema_etag: 'mine', schema_version: 2 }),
      undefined,
      { verdict: 'READY', version: 2, operatorStatus: 'MAINTENANCE' },
    ],
    [
      'refused under an operator who holds the topic',
      item({ status: 'REBUILDING', schema_etag: 'old' }),
      item({ ...next, status: 'REBUILDING', schema_etag: 'old', failed_etag: '"mine"', error_code: 'X' }),
      undefined,
      { verdict: 'REFUSED', code: 'X', message: undefined },
    ],
    [
      'the text that was active, refused by newer rules',
      item({ schema_etag: 'mine' }),
      item({ ...next, schema_etag: 'mine', failed_etag: 'mine' }),
      undefined,
      { verdict: 'REFUSED', code: undefined, message: undefined },
    ],
    [
      'the text that was refused, before it is judged again',
      item({ status: 'ERROR', failed_etag: 'mine' }),
      item({ status: 'ERROR', failed_etag: 'mine' }),
      'mine',
      { verdict: 'WAITING', begun: false },
    ],
    [
      'the same text once more: the upload before cleared pending/ of this one',
      item({ schema_etag: 'mine', schema_version: 1, status: 'READY' }),
      item({ schema_etag: 'mine', schema_version: 1, status: 'READY', claimed_sequencer: '2' }),
      undefined,
      { verdict: 'READY', version: 1, operatorStatus: undefined },
    ],
    [
      'an upload before it was settled meanwhile, and this one is next',
      ready,
      { ...ready, ...next, failed_etag: 'other' },
      'mine',
      { verdict: 'WAITING', begun: true },
    ],
    ['a newer upload lies there', ready, ready, 'other', { verdict: 'SUPERSEDED' }],
    [
      'a newer upload became active',
      ready,
      { ...ready, ...next, schema_etag: 'other' },
      undefined,
      { verdict: 'SUPERSEDED' },
    ],
    [
      'active, though a newer upload lies there already',
      ready,
      { ...ready, ...next, schema_etag: 'mine' },
      'other',
      { verdict: 'READY', version: 1, operatorStatus: undefined },
    ],
    ['removed by somebody', ready, ready, undefined, { verdict: 'GONE' }],
    ['an item of nonsense', ready, { failed_etag: 7, schema_etag: null }, 'mine', { verdict: 'WAITING', begun: true }],
  ])('%s', (_, before, now, pending, expected) => {
    expect(verdictOn('mine', before, now, pending)).toEqual(expected);
  });
});
