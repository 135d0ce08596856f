import { isObject, LeanOpsError } from '@lean-ops/common/core';

/** Most topics of one request: a Lambda makes so many tables in 15 minutes, eight at a time and some two seconds each. */
export const MAX_TOPICS = 2_000;

export type ProvisionRequest =
  | { readonly action: 'system' }
  | { readonly action: 'count-versions' }
  /** The topic names are not checked yet. */
  | { readonly action: 'standardized'; readonly topics: readonly string[] };

function badRequest(message: string): LeanOpsError {
  return new LeanOpsError('BAD_REQUEST', `table-provisioner: ${message}`);
}

/** @throws LeanOpsError BAD_REQUEST */
export function decodeRequest(event: unknown): ProvisionRequest {
  if (!isObject(event)) throw badRequest('the event must be an object with an "action"');
  const { action, topics } = event;
  if (action === 'system' || action === 'count-versions') return { action };
  if (action !== 'standardized') throw badRequest('"action" must be "system", "standardized" or "count-versions"');
  if (!Array.isArray(topics) || !topics.every((topic) => typeof topic === 'string')) {
    throw badRequest('"topics" must be a list of topic names');
  }
  if (topics.length > MAX_TOPICS) throw badRequest(`at most ${MAX_TOPICS} topics in one request, not ${topics.length}`);
  return { action, topics };
}
