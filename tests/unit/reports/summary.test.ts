/** The tables of `pnpm start`, `pnpm local cycle` and `pnpm local topics`, as they look on terminals. */
import { describe, expect, it } from '@jest/globals';
import { failuresOf, parseErrorsOnly, renderLedger, type LedgerRow } from '../../../scripts/local/reports/ledger';
import { renderAccount, renderTopics, type TopicAccount } from '../../../scripts/local/reports/topic-account';

const CURATED = { validated: 3145, rows: 3053, duplicates: 31, superseded: 39, rejected: 22 };
const account = (topic: string, changes: Partial<TopicAccount> = {}): TopicAccount => ({
  topic,
  received: 22_541,
  raw: 22_541,
  dlq: 0,
  standardized: 21_946,
  duplicates: 229,
  superseded: 292,
  parseErrors: 58,
  newColumns: 10,
  curated: undefined,
  ...changes,
});
const ACCOUNTS = [
  account('_unknown', {
    received: 14,
    raw: 0,
    dlq: 14,
    standardized: 0,
    duplicates: 0,
    superseded: 0,
    parseErrors: 0,
    newColumns: 0,
  }),
  account('logistics.parcel-scan', { curated: CURATED }),
  account('telemetry.climate', { curated: { ...CURATED, rejected: 0 } }),
];

const row = (topic: string, layer: string, changes: LedgerRow = {}): LedgerRow => ({
  topic_name: topic,
  layer,
  records_in: '2745',
  written: '2700',
  duplicates: '31',
  superseded: '12',
  parse_errors: '2',
  rejected: '0',
  nulled: '0',
  rescued: '0',
  new_columns: '0',
  status: 'SUCCEEDED',
  error: null,
  ...changes,
});
const LEDGER = [
  row('logistics.parcel-scan', 'standardized', { new_columns: '3' }),
  row('telemetry.climate', 'standardized'),
  row('logistics.parcel-scan', 'curated', { rejected: '17', parse_errors: '0' }),
  row('telemetry.climate', 'curated', {
    status: 'FAILED',
    error: 'access denied writing lean_ops_curated.telemetry_climate (glue:UpdateTable)',
  }),
];

describe.each([160, 100, 80])('within %i columns', (columns) => {
  const display = { columns, colour: false };
  it.each([
    ['the summary', renderAccount(ACCOUNTS, display)],
    ['the ledger of a cycle', renderLedger(LEDGER, display)],
    ['the topics', renderTopics(ACCOUNTS, display)],
  ])('%s fits', (_, text) => {
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(columns);
    expect(text).toMatchSnapshot();
  });
});

it('the ledger names the topics that failed, with the whole reason', () => {
  expect(failuresOf(LEDGER)).toEqual([
    'telemetry.climate (curated): FAILED: access denied writing lean_ops_curated.telemetry_climate (glue:UpdateTable)',
  ]);
});

it('the ledger says when no message became a row', () => {
  const row = {
    topic_name: 'a.b',
    layer: 'standardized',
    written: '0',
    duplicates: '0',
    superseded: '0',
    parse_errors: '3',
  };
  expect(parseErrorsOnly([row, { ...row, topic_name: 'c.d' }])).toEqual([
    'No message became a row of Standardized: 6 messages could not be parsed.',
  ]);
  expect(parseErrorsOnly([row, { ...row, duplicates: '1' }])).toEqual([]);
  expect(parseErrorsOnly([{ ...row, parse_errors: '0' }])).toEqual([]);
});
