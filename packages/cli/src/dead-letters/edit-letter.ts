/** A corrected body in the place of one dead letter: a new message that names the letter. */
import { deliver, type DeliveryContext } from '@lean-ops/common/core';
import { CliError } from '../errors';
import type { OperatedDeployment } from '../pipeline/deployment';
import type { Redeliverer } from '../pipeline/redeliverer';
import { editId, prepareEdit, readArchived, type OriginalMessage, type Prepared } from './archived-message';
import type { Sent } from './apply-replay';
import type { DeadLetter } from './dead-letter';
import { isAsPlanned, markSent, readEntry, type LetterOperation } from './marks';
import type { ReplayWish } from './plan-replay';
import { selectLetters } from './select-letters';

export interface EditPlan {
  readonly letter: DeadLetter;
  readonly original: OriginalMessage;
  /** Of the corrected body. */
  readonly verdict: Prepared;
  /** What the plan rests on, as a word. */
  readonly basis: string;
}

const SEND_MS = 60_000;
const CALL_TIMEOUT_MS = 10_000;
const SEND_ATTEMPTS = 8;
const BACKOFF = { baseMs: 200, capMs: 5_000 } as const;
/** As long as an operation's id, which is part of the message whose size counts. */
const PLANNED = '20000101T000000Z-edit-000000';

/** @throws CliError when the id means no letter or several, or one that cannot be corrected */
export async function planEdit(
  body: string,
  wish: ReplayWish,
  { archiveBucket }: OperatedDeployment,
  { archive, objects, clock }: Redeliverer,
): Promise<EditPlan> {
  const [id = ''] = wish.ids ?? [];
  const { letters } = await selectLetters(archive, wish);
  const [letter, ...others] = letters;
  if (letter === undefined) throw new CliError(`no dead letter ${id} was found.`);
  if (others.length > 0) {
    const keys = letters.map(({ s3Key }) => s3Key).join(', ');
    throw new CliError(`${id} means ${letters.length} letters: name one of them by its key (${keys}).`);
  }
  if (letter.fromFirehose) {
    throw new CliError(`${id} is of Firehose and may stand for many records: they are sent again as they are.`);
  }
  if (letter.closed !== undefined && (!wish.again || letter.closed.how === 'discarded')) {
    throw new CliError(`${id} was ${letter.closed.how} ${letter.closed.at}: lean-ops dlq show ${id}`);
  }
  const read = readArchived((await objects.get(archiveBucket, letter.s3Key))?.body, letter.s3Key);
  if (!read.ok) throw new CliError(`${read.code}: ${read.message}.`);
  const sending = { topicAs: wish.topicAs, operation: PLANNED };
  return {
    letter,
    original: read.message,
    verdict: prepareEdit(body, letter.s3Key, read.message, sending, clock.now()),
    basis: `edit=${editId(letter.s3Key, body).slice('edit-'.length)}`,
  };
}

/** Sends the correction. Killed before it is noted, it may be sent once more, as the same message. */
export async function applyEdit(
  { letter, original }: EditPlan,
  {
    body,
    topicAs,
    operation,
    deployment,
    redeliverer,
  }: {
    readonly body: string;
    readonly topicAs: string | undefined;
    readonly operation: LetterOperation;
    readonly deployment: OperatedDeployment;
    readonly redeliverer: Redeliverer;
  },
): Promise<Sent> {
  const { clock, random, ingest } = redeliverer;
  if (!isAsPlanned(await readEntry(letter, deployment.archiveTable, redeliverer), letter)) {
    return { sent: 0, unnoted: 0, skipped: 1, left: {}, stopped: undefined };
  }
  const endsMs = clock.now() + SEND_MS;
  const context: DeliveryContext = {
    remainingMs: () => endsMs - clock.now(),
    sleep: (milliseconds) => clock.sleep(milliseconds),
    random,
  };
  const sending = { topicAs, operation: operation.operationId };
  const prepared = prepareEdit(body, letter.s3Key, original, sending, clock.now());
  if (!prepared.ok) throw new CliError(`${prepared.code}: ${prepared.message}.`);
  const report = await deliver(
    [prepared.outgoing],
    {
      maxCount: 1,
      maxBytes: 1,
      sizeOf: () => 1,
      send: (batch, timeoutMs) => ingest.sendBatch(batch, timeoutMs),
      concurrency: 1,
      maxAttempts: SEND_ATTEMPTS,
      backoff: BACKOFF,
      callTimeoutMs: CALL_TIMEOUT_MS,
    },
    context,
  );
  const [left] = report.left;
  if (left !== undefined) {
    const stopped = { code: 'NOT_TAKEN', reason: `${left.code}: ${left.message}` } as const;
    return { sent: 0, unnoted: 0, skipped: 0, left: { [left.code]: 1 }, stopped };
  }
  const at = new Date(clock.now()).toISOString();
  const noted = await markSent(letter, operation, at, deployment.archiveTable, redeliverer);
  return { sent: 1, unnoted: noted ? 0 : 1, skipped: 0, left: {}, stopped: undefined };
}
