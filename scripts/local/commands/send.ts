import type { Command } from 'commander';
import { UserError } from '../errors';
import { acceptMessages } from '../messages/accept';
import { readMessages, sendMessages, STANDARD_INPUT } from '../send';
import { requireStack } from '../stack';
import { userPath } from './program';

const SHOWN_REFUSALS = 20;

export function registerSend(program: Command): void {
  program
    .command('send')
    .description('send NDJSON: whole envelopes, or bare payloads with --topic')
    .argument('<file>', 'the file, or - for standard input')
    .option('--topic <topic>', 'the topic of every line')
    .option('--anyway', 'send even when no line can become a row, to see where such messages end')
    .action(async (file: string, options: { topic?: string; anyway?: boolean }) => {
      const messages = await readMessages(file === STANDARD_INPUT ? file : userPath(file), options.topic);
      const warning = acceptMessages(messages, file, options.anyway === true);
      if (warning !== undefined) console.error(warning);
      const result = await sendMessages(requireStack(), messages, (sent) => {
        if (process.stderr.isTTY) process.stderr.write(`\r${sent}/${messages.length}`);
      });
      if (process.stderr.isTTY) process.stderr.write('\r');
      console.log(`Sent ${result.accepted} of ${messages.length} messages.`);
      for (const { index, reason } of result.refused.slice(0, SHOWN_REFUSALS))
        console.error(`  line ${messages[index]?.line ?? index + 1}: ${reason}`);
      if (result.refused.length > 0)
        throw new UserError(`SQS refused ${result.refused.length} messages. Mend those lines and send them again.`);
    });
}
