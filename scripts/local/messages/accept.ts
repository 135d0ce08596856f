/** Decides what happens to messages of which some, or all, cannot become rows. */
import { UserError } from '../errors';
import type { Message } from '../send';
import { describeFaults, faultyMessages, inspectMessages } from './inspect';

/**
 * Some faulty lines are sent with the others, as the pipeline accounts for each. When all are faulty, nothing would come of
 * them, and that is almost always a mistake in the command.
 *
 * @param anyway send them even then
 * @returns a warning, when there is something to warn of
 * @throws {UserError} when no line can become a row
 */
export function acceptMessages(messages: readonly Message[], source: string, anyway: boolean): string | undefined {
  if (messages.length === 0) throw new UserError(`${source} has no lines: nothing to send.`);
  const inspection = inspectMessages(messages);
  const faulty = faultyMessages(inspection);
  if (faulty === 0) return undefined;
  const sentences = describeFaults(inspection).map((sentence) => `  ${sentence}`);
  if (faulty === messages.length && !anyway)
    throw new UserError(
      ['Nothing was sent: no line can become a row.', ...sentences, '--anyway sends the lines as they are.'].join('\n'),
    );
  return [
    'Warning: these lines cannot become rows. They are sent; `pnpm local status` shows where they end.',
    ...sentences,
  ].join('\n');
}
