import { describe, expect, it } from '@jest/globals';
import { decodeUpload } from '../src/upload';
import { uploadEvent } from './world';

describe('decodeUpload', () => {
  it('reads an Object Created event', () => {
    expect(decodeUpload(uploadEvent({ etag: '"abc"', sequencer: '0055aed6' }), 'schemas-bucket')).toEqual({
      ok: true,
      upload: {
        topic: 'telemetry.climate',
        bucket: 'schemas-bucket',
        key: 'schemas/telemetry.climate/pending/schema.json',
        etag: 'abc',
        bytes: 400,
        sequencer: `0055AED6${'0'.repeat(24)}`,
        at: new Date('2026-11-23T10:00:00Z'),
      },
    });
  });

  it.each([
    ['schemas/telemetry.climate/active/schema.json'],
    ['schemas/Telemetry/pending/schema.json'],
    ['schemas/../pending/schema.json'],
    ['schemas/a/b/pending/schema.json'],
    ['schemas//pending/schema.json'],
    ['schemas/a/pending/schema.json.bak'],
  ])('has nothing to do with %s', (key) => {
    expect(decodeUpload(uploadEvent({ key }), 'schemas-bucket')).toMatchObject({ ok: false, key });
  });

  it.each([
    [undefined],
    [null],
    ['text'],
    [{}],
    [{ detail: {} }],
    [{ detail: { bucket: { name: 'schemas-bucket' } } }],
  ])('does not throw over %j', (event) => {
    expect(decodeUpload(event, 'schemas-bucket').ok).toBe(false);
  });

  it('has nothing to do with another bucket', () => {
    expect(decodeUpload(uploadEvent({}), 'another')).toMatchObject({ ok: false });
  });
});
