/** What the pipeline put into the archive instead of RAW, and why. */
import { ListExecutionsCommand } from '@aws-sdk/client-sfn';
import { totalOf } from '../../../packages/cli/src/dead-letters/count-by-reason';
import { countLetters, type CountedLetters } from '../../../packages/cli/src/dead-letters/read-letters';
import { counted } from '../../../packages/cli/src/format/text';
import { dynamoArchiveReader } from '../../../packages/common/src/aws/observe/archive-reader';
import { connect, output } from '../clients';
import type { Stack } from '../stack';

/** Every text sorts behind this one. */
const EVER = '0';

/** @param since ISO 8601; undefined for all that is there. */
export async function readDeadLetters(stack: Stack, since: string = EVER): Promise<CountedLetters> {
  return countLetters(dynamoArchiveReader(output(stack, 'dlq_archive_table'), connect(stack).dynamodb), { since });
}

/** When the newest cycle started, ISO 8601; undefined before the first one. */
export async function lastCycleStart(stack: Stack): Promise<string | undefined> {
  const { executions } = await connect(stack).sfn.send(
    new ListExecutionsCommand({ stateMachineArn: output(stack, 'state_machine_arn'), maxResults: 100 }),
  );
  return (executions ?? []).reduce<string | undefined>((latest, { startDate }) => {
    const start = startDate?.toISOString();
    return start !== undefined && (latest === undefined || start > latest) ? start : latest;
  }, undefined);
}

export function numberOfLetters({ reasons }: CountedLetters): number {
  return totalOf(reasons);
}

/** One line with the number, and one for each reason. */
export function renderDeadLetters(letters: CountedLetters, when: string): string {
  const reasons = letters.reasons.filter(({ count }) => count > 0);
  const lines = reasons.map(({ code, unit, meaning, count }) => `  ${counted(count, unit)}  ${code}: ${meaning}`);
  return [`Went to the archive ${when}: ${counted(numberOfLetters(letters), 'message')}`, ...lines].join('\n');
}
