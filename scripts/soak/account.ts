/** Where every message went, by the id that SQS gave it, and whether that is everything. */

/** What is at rest after a run. */
export interface Found {
  /** Message id → rows of it. */
  readonly raw: ReadonlyMap<string, number>;
  /** Message id → codes under which it is archived. */
  readonly dlq: ReadonlyMap<string, ReadonlySet<string>>;
  /** Message ids of the records below Firehose's error prefix. */
  readonly firehoseErrors: ReadonlySet<string>;
}

export interface Account {
  readonly sent: number;
  readonly rawRows: number;
  readonly raw: number;
  readonly dlq: number;
  readonly dlqByCode: Readonly<Record<string, number>>;
  /** In RAW and in the DLQ. */
  readonly both: readonly string[];
  /** Sent, and neither in RAW nor in the DLQ. */
  readonly missing: readonly string[];
  /** In RAW or in the DLQ, and never sent. */
  readonly unknown: readonly string[];
  /** Records below Firehose's error prefix, and those of them that are neither in RAW nor in the DLQ. */
  readonly firehoseErrors: number;
  readonly stranded: readonly string[];
  /** Every law that does not hold, as a sentence. */
  readonly faults: readonly string[];
}

/**
 * The reason under which SQS gives up on a message that nobody refused. Only such a message may be in both: Firehose took
 * it, the function died before it could say so, and that as often as the queue allows.
 */
const MAX_RECEIVES = 'MAX_RECEIVES';

/** @param sent message id → whether the message is one that has to be refused */
export function takeAccount(sent: ReadonlyMap<string, boolean>, found: Found): Account {
  const { raw, dlq, firehoseErrors } = found;
  const ids = [...sent.keys()];
  const missing = ids.filter((id) => !raw.has(id) && !dlq.has(id));
  const unknown = [...new Set([...raw.keys(), ...dlq.keys(), ...firehoseErrors])].filter((id) => !sent.has(id));
  const both = [...dlq.keys()].filter((id) => raw.has(id));
  const stranded = [...firehoseErrors].filter((id) => !raw.has(id) && !dlq.has(id));

  const faults: string[] = [];
  const none = (wrong: readonly string[], law: string): void => {
    if (wrong.length > 0) faults.push(`${law}: ${wrong.length} are not, for example ${wrong.slice(0, 10).join(', ')}`);
  };
  none(missing, 'every message that was sent is in RAW or in the DLQ');
  none(unknown, 'every message that arrived was sent');
  none(stranded, 'every record that Firehose could not deliver is in RAW or in the DLQ besides');
  none(
    ids.filter((id) => sent.get(id) === true && raw.has(id)),
    'every message that has to be refused is kept out of RAW',
  );
  none(
    ids.filter((id) => sent.get(id) === false && [...(dlq.get(id) ?? [])].some((code) => code !== MAX_RECEIVES)),
    `every good message in the DLQ is there for ${MAX_RECEIVES} alone`,
  );
  // Follows from the sets; added up all the same, as it is the sentence that people ask for.
  if (faults.length === 0 && ids.length !== raw.size + dlq.size - both.length)
    faults.push(`${ids.length} sent ≠ ${raw.size} in RAW + ${dlq.size} in the DLQ − ${both.length} in both`);

  const dlqByCode: Record<string, number> = {};
  for (const codes of dlq.values()) {
    const code = [...codes].sort().join('+');
    dlqByCode[code] = (dlqByCode[code] ?? 0) + 1;
  }
  return {
    sent: sent.size,
    rawRows: [...raw.values()].reduce((sum, rows) => sum + rows, 0),
    raw: raw.size,
    dlq: dlq.size,
    dlqByCode,
    both,
    missing,
    unknown,
    firehoseErrors: firehoseErrors.size,
    stranded,
    faults,
  };
}
