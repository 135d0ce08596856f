import type { Command } from 'commander';
import { renderTopics, takeAccount } from '../reports/topic-account';
import { requireStack } from '../stack';
import { display } from './program';

export function registerTopics(program: Command): void {
  program
    .command('topics')
    .description('list the topics with what each layer has of them')
    .action(async () => {
      const accounts = await takeAccount(requireStack(), new Map());
      console.log(
        accounts.length === 0
          ? 'No topics yet. Send events: `pnpm local send FILE --topic T`, then `pnpm local cycle`.'
          : renderTopics(accounts, display()).trimEnd(),
      );
    });
}
