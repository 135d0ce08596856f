import { LETTER_OPERATIONS, type Document } from '@lean-ops/common/core';
import { readArchived } from '../../dead-letters/archived-message';
import type { DeadLetter } from '../../dead-letters/dead-letter';
import { selectLetters } from '../../dead-letters/select-letters';
import { CliError } from '../../errors';
import { letterOperationText, shownJson, shownText, type ShownLetter } from '../../format/dead-letters/show';
import { readOperatedDeployment } from '../../pipeline/deployment';
import type { Observe } from '../../pipeline/observer';
import { EXIT, type ExitCode, type Terminal } from '../../terminal';
import type { RegisterCommand } from '../command';
import { formatOption, outputsOption } from '../options';

const HELP = `
Without --payload, the message itself is not read. A message that died again after it was sent is shown once for
each time. The id of an operation, such as 20261201T100000Z-replay-ab12cd, shows who did what, and why.

Exit codes:
  0  it was dealt with: sent again, corrected, or discarded
  1  it is open
  2  the command could not do its work: no such letter, no outputs, no right to ask`;

const OPERATION = /^\d{8}T\d{6}Z-(?:replay|edit|discard|reopen)-[0-9a-f]{6}$/;

export interface DlqShowOptions {
  readonly topic?: string;
  readonly payload: boolean;
  readonly outputs?: string;
  readonly format: 'text' | 'json';
}

export const registerDlqShow: RegisterCommand = (dlq, { terminal, observe, setExitCode }) => {
  dlq
    .command('show')
    .description('one dead letter: why it died, when, and what became of it')
    .argument('<id>', 'a message id, or a key of the archive as dlq list prints it; or the id of an operation')
    .option('--topic <topic>', 'its topic, so that less is read')
    .option('--payload', 'show the message, too', false)
    .addOption(outputsOption())
    .addOption(formatOption(['text', 'json']))
    .addHelpText('after', HELP)
    .action(async (id: string, options: DlqShowOptions) => {
      setExitCode(await dlqShow(id, options, terminal, observe));
    });
};

/** `dlq show`: everything that the index has of a letter, and with --payload the message. */
export async function dlqShow(
  id: string,
  { topic, payload, outputs, format }: DlqShowOptions,
  terminal: Terminal,
  observe: Observe,
): Promise<ExitCode> {
  const deployment = await readOperatedDeployment(outputs, terminal);
  const { archive, objects, documents, clock } = observe(deployment);
  if (OPERATION.test(id)) {
    const key = { topic_name: LETTER_OPERATIONS, failed_at_message_id: id };
    const found: Document | undefined = await documents.get(deployment.archiveTable, key);
    if (found === undefined) throw new CliError(`no operation ${id} is on record.`);
    terminal.write(format === 'json' ? `${JSON.stringify(found, null, 2)}\n` : letterOperationText(id, found));
    return EXIT.clean;
  }
  const { letters, more } = await selectLetters(archive, {
    topic,
    since: '0',
    ids: [id.replace(/^s3:\/\/[^/]+\//, '')],
  });
  if (letters.length === 0) {
    const where = more ? ' among the oldest that were read: give its key, or --topic' : '';
    throw new CliError(`no dead letter ${id} was found${where}.`);
  }
  const read = async (letter: DeadLetter): Promise<ShownLetter> => {
    if (!payload || letter.fromFirehose) return { letter };
    const stored = await objects.get(deployment.archiveBucket, letter.s3Key);
    return { letter, message: readArchived(stored?.body, letter.s3Key) };
  };
  const shown = await Promise.all(letters.map(read));
  terminal.write(format === 'json' ? shownJson(shown) : shownText(shown, deployment, clock.now()));
  return letters.some(({ closed }) => closed === undefined) ? EXIT.problems : EXIT.clean;
}
