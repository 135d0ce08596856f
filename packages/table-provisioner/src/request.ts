import { isObject, LeanOpsError } from '@lean-ops/common/core';

export type ProvisionRequest =
  | { readonly action: 'system' }
  /** Topics as they came: unchecked. */
  | { readonly action: 'standardized'; readonly topics: readonly string[] };

/** Topics of one request: with eight tables at a time and some two seconds each, what a Lambda manages in 15 minutes. */
export const MAX_TOPICS = 2_000;

function bad(message: string): LeanOpsError {
  return new LeanOpsError('BAD_REQUEST', `table-provisioner: ${message}`);
}

/** @throws LeanOpsError BAD_REQUEST */
export function decodeRequest(event: unknown): ProvisionRequest {
  if (!isObject(event)) throw bad('the event must be an object with an "action"');
  const { action, topics } = event;
  if (action === 'system') return { action };
  if (action !== 'standardized') throw bad('"action" must be "system" or "standardized"');
  if (!Array.isArray(topics) || !topics.every((topic) => typeof topic === 'string')) {
    throw bad('"topics" must be a list of topic names');
  }
  if (topics.length > MAX_TOPICS) throw bad(`at most ${MAX_TOPICS} topics in one request, not ${topics.length}`);
  return { action, topics };
}
