import type { Log, MessageQueue, MetricsPort } from '@lean-ops/common/aws';
import { isObject, LeanOpsError, TRIES_ENDED, type SchemaProblem } from '@lean-ops/common/core';
import type { SQSBatchResponse, SQSRecord } from 'aws-lambda';
import type { Collaborators, Resources } from './collaborators';
import { endUpload } from './process-upload';
import { decodeUpload, type Upload } from './upload';

/** What a report and the registry keep of an error's message. */
const MAX_REASON = 1_000;
const SEND_TIMEOUT_MS = 10_000;

export interface EndedUploadsPorts {
  readonly schemaBucket: string;
  readonly resources: Resources;
  readonly deps: Collaborators;
  /** The queue whose messages alarm the operators. */
  readonly attention: MessageQueue;
  readonly log: Log;
  readonly metrics: MetricsPort;
}

/** An event that nobody handled, and why, in words that end a sentence. */
export interface EndedEvent {
  readonly event: unknown;
  readonly why: string;
}

/**
 * Gives each upload whose tries have ended its verdict, and passes the message on to the operators' queue: not where another
 * run came to a verdict, a newer upload overtook it or it is gone, as nobody has to do anything then. A message that was due
 * and was not passed on is reported as failed: SQS delivers it again, and in the end moves it to that queue itself.
 */
export async function endUploads(
  records: readonly SQSRecord[],
  { schemaBucket, resources, deps, attention, log, metrics }: EndedUploadsPorts,
): Promise<SQSBatchResponse> {
  const failed: string[] = [];
  for (const record of records) {
    try {
      const { event, why } = decodeEnded(record);
      const decoded = decodeUpload(event, schemaBucket);
      if (decoded.ok) {
        const { topic, etag, sequencer } = decoded.upload;
        const outcome = await endUpload(decoded.upload, triesEnded(decoded.upload, why), resources, deps);
        const fields = { topic, etag, sequencer, why, ...outcome };
        if (outcome.outcome !== 'ENDED') {
          log.info('schema upload', fields);
          continue;
        }
        log.error('schema upload', fields);
        metrics.count('SchemaEnded');
      } else log.warn('schema upload', { outcome: 'IGNORED', reason: decoded.reason, key: decoded.key });
      await passOn(record, attention);
    } catch (error) {
      log.error('schema upload', { outcome: 'RETRY', message_id: record.messageId, error });
      metrics.count('SchemaRetry');
      failed.push(record.messageId);
    }
  }
  return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
}

/**
 * Reads a message about an event that could not be handled: Lambda's record of an invocation whose tries failed, or the
 * event itself, which EventBridge could not deliver and to which it adds attributes. Never throws.
 */
export function decodeEnded({ body, messageAttributes }: Pick<SQSRecord, 'body' | 'messageAttributes'>): EndedEvent {
  let document: unknown;
  try {
    document = JSON.parse(body);
  } catch {
    return { event: undefined, why: 'the message is no JSON' };
  }
  const { requestContext, requestPayload, responsePayload } = isObject(document) ? document : {};
  if (isObject(document) && requestPayload !== undefined) {
    const condition = isObject(requestContext) ? requestContext['condition'] : undefined;
    const { errorType, errorMessage } = isObject(responsePayload) ? responsePayload : {};
    const said = [errorType, errorMessage].filter((text) => typeof text === 'string' && text !== '').join(': ');
    return { event: requestPayload, why: bounded(said || `Lambda: ${text(condition) || 'no answer'}`) };
  }
  const code = messageAttributes['ERROR_CODE']?.stringValue;
  const message = messageAttributes['ERROR_MESSAGE']?.stringValue;
  return { event: document, why: bounded(`EventBridge: ${[code, message].filter(Boolean).join(': ') || 'no reason'}`) };
}

function triesEnded({ key }: Upload, why: string): SchemaProblem {
  return {
    code: TRIES_ENDED,
    path: '',
    message: `the upload could not be handled, and the last try ended with: ${why}`,
    hint: `nothing was found wrong with the schema; once the operators have mended the cause, upload it to ${key} again`,
  };
}

async function passOn({ body, messageAttributes }: SQSRecord, queue: MessageQueue): Promise<void> {
  const texts = Object.entries(messageAttributes).flatMap(([name, { stringValue: value }]) =>
    value === undefined || value === '' ? [] : [[name, value] as const],
  );
  const [receipt] = await queue.sendBatch([{ body, attributes: Object.fromEntries(texts) }], SEND_TIMEOUT_MS);
  if (receipt?.ok === true) return;
  throw new LeanOpsError('NOT_PASSED_ON', `the operators' queue did not take it: ${receipt?.code ?? 'no receipt'}`);
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

function bounded(reason: string): string {
  return reason.length > MAX_REASON ? `${reason.slice(0, MAX_REASON)}…` : reason;
}
