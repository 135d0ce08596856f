/** The account of a soak: where every message went, by the id that SQS gave it, and whether all laws hold. */

/**
 * The error codes of a message that nobody refused for what it is: it was received as often as the queue allows, or the
 * function was killed while it handled this one alone, twice in a row. Only such a message may be in RAW and in the DLQ:
 * Firehose took it, and each time the function died before it could acknowledge it.
 */
const KILLED_TOO_OFTEN: readonly string[] = ['MAX_RECEIVES', 'ENDS_FUNCTION'];
/** Number of messages that a broken law names. */
const EXAMPLES = 10;

/** The messages that are at rest after a run. */
export interface FoundMessages {
  /** The number of rows in RAW, by message id. */
  readonly raw: ReadonlyMap<string, number>;
  /** The codes under which a message is archived, by message id. */
  readonly dlq: ReadonlyMap<string, ReadonlySet<string>>;
  /** The message ids of the records below Firehose's error prefix. */
  readonly firehoseErrors: ReadonlySet<string>;
}

export interface Account {
  readonly sent: number;
  readonly rawRows: number;
  readonly raw: number;
  readonly dlq: number;
  readonly dlqByCode: Readonly<Record<string, number>>;
  /** Messages that are in RAW and in the DLQ. */
  readonly both: readonly string[];
  /** Messages that were sent, and are neither in RAW nor in the DLQ. */
  readonly missing: readonly string[];
  /** Messages that are in RAW or in the DLQ, and were never sent. */
  readonly unknown: readonly string[];
  /** Number of records below Firehose's error prefix. */
  readonly firehoseErrors: number;
  /** Records below Firehose's error prefix that are neither in RAW nor in the DLQ. */
  readonly stranded: readonly string[];
  /** A sentence for each law that does not hold. The name is part of `pnpm soak --json`. */
  readonly faults: readonly string[];
}

/**
 * Compares the messages that were sent with those that were found.
 *
 * @param sent for each message id, whether the message has to be refused
 */
export function takeAccount(sent: ReadonlyMap<string, boolean>, found: FoundMessages): Account {
  const { raw, dlq, firehoseErrors } = found;
  const ids = [...sent.keys()];
  const missing = ids.filter((id) => !raw.has(id) && !dlq.has(id));
  const unknown = [...new Set([...raw.keys(), ...dlq.keys(), ...firehoseErrors])].filter((id) => !sent.has(id));
  const both = [...dlq.keys()].filter((id) => raw.has(id));
  const stranded = [...firehoseErrors].filter((id) => !raw.has(id) && !dlq.has(id));

  const faults: string[] = [];
  const none = (wrong: readonly string[], law: string): void => {
    if (wrong.length > 0)
      faults.push(`${law}: ${wrong.length} are not, for example ${wrong.slice(0, EXAMPLES).join(', ')}`);
  };
  none(missing, 'every message that was sent is in RAW or in the DLQ');
  none(unknown, 'every message that arrived was sent');
  none(stranded, 'every record that Firehose could not deliver is in RAW or in the DLQ besides');
  none(
    ids.filter((id) => sent.get(id) === true && raw.has(id)),
    'every message that has to be refused is kept out of RAW',
  );
  none(
    ids.filter(
      (id) => sent.get(id) === false && [...(dlq.get(id) ?? [])].some((code) => !KILLED_TOO_OFTEN.includes(code)),
    ),
    `every good message in the DLQ is there for ${KILLED_TOO_OFTEN.join(' or ')} alone`,
  );
  // This sum follows from the sets. It is checked all the same, because it is the law that people ask for.
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
