import { AthenaStatementError, isDenied, LeanOpsError, messageOf } from '@lean-ops/common/core';
import type { Clock } from '@lean-ops/common/aws';

/** Milliseconds from the first refusal to the last try. AWS names no limit; policies are known everywhere within seconds to a minute. */
export const RIGHTS_SPREAD_MS = 120_000;
const PAUSE_MS = 5_000;

/** The action and the resource of a refusal, as AWS words it. */
const REFUSED = /is not authorized to perform: ([\w:*]+)(?: on resource: ([^\s)]+))?/;

export interface Waiting {
  readonly clock: Clock;
  /** Called with each refusal that is tried again. */
  readonly onRefused?: (error: unknown) => void;
}

/**
 * Runs work again while it is refused for want of a right: the rights of a role that `terraform apply` has just made take a
 * while to be known to every service. The work must be safe to repeat.
 *
 * @throws LeanOpsError ACCESS_DENIED naming the right, when it is missing after two minutes still
 */
export async function awaitRights<T>(work: () => Promise<T>, { clock, onRefused }: Waiting): Promise<T> {
  let deadline: number | undefined;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isRefusal(error)) throw error;
      deadline ??= clock.now() + RIGHTS_SPREAD_MS;
      if (clock.now() + PAUSE_MS > deadline) throw stillRefused(error);
      onRefused?.(error);
      await clock.sleep(PAUSE_MS);
    }
  }
}

function isRefusal(error: unknown): boolean {
  return isDenied(error) || (error instanceof AthenaStatementError && error.code === 'ACCESS_DENIED');
}

function stillRefused(error: unknown): LeanOpsError {
  const [, action, resource] = REFUSED.exec(messageOf(error)) ?? [];
  const right = action === undefined ? 'a right' : `${action}${resource === undefined ? '' : ` on ${resource}`}`;
  return new LeanOpsError(
    'ACCESS_DENIED',
    `the function's role lacks ${right}, and did so for ${RIGHTS_SPREAD_MS / 1000} s: ` +
      `look for a boundary, an organisation's policy or Lake Formation that denies it. ${messageOf(error)}`,
    { cause: error },
  );
}
