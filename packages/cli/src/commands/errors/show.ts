import { isFingerprint } from '@lean-ops/common/core';
import { InvalidArgumentError, Option } from 'commander';
import { shownErrorJson, shownErrorText } from '../../format/shown-error';
import type { Connect } from '../../pipeline/aws-clients';
import { readDeployment } from '../../pipeline/deployment';
import { readShown } from '../../recorded-errors/read-errors';
import { EXIT, type ExitCode, type Terminal } from '../../terminal';
import type { RegisterCommand } from '../command';
import { formatOption, outputsOption, wholeNumber } from '../options';

const HELP = `
Without --payload, no value, record or payload is read, not even into the results that Athena keeps.

Exit codes:
  0  none of its rows is open
  1  some are open
  2  the command could not do its work: no such fingerprint, wrong arguments, no right to ask
     (docs/policies/errors.json); or none is open, and the schema could not be read`;

export interface ErrorsShowOptions {
  readonly topic?: string;
  readonly limit: number;
  readonly payload?: boolean;
  readonly outputs?: string;
  readonly format: 'text' | 'json';
}

export const registerErrorsShow: RegisterCommand = (errors, { terminal, connect, setExitCode }) => {
  errors
    .command('show')
    .description('one fingerprint: what is wrong, where the schema states it, and with which messages')
    .argument('<fingerprint>', 'as errors top prints it', parseFingerprint)
    .option('--topic <topic>', 'its topic, so that less is read')
    .addOption(
      new Option('--limit <number>', 'how many of its newest rows to show')
        .argParser(wholeNumber({ from: 0, to: 100 }))
        .default(3),
    )
    .option('--payload', 'show values, and the record or the payload')
    .addOption(outputsOption())
    .addOption(formatOption(['text', 'json']))
    .addHelpText('after', HELP)
    .action(async (fingerprint: string, options: ErrorsShowOptions) => {
      setExitCode(await errorsShow(fingerprint, options, terminal, connect));
    });
};

/** An option parser for a fingerprint of the present version. */
export function parseFingerprint(text: string): string {
  if (isFingerprint(text)) return text;
  throw new InvalidArgumentError('must be a fingerprint such as E1-3f0ac91b7d, as lean-ops errors top prints it.');
}

/** `errors show`: one fingerprint, with its newest rows and the schema's lines. */
export async function errorsShow(
  fingerprint: string,
  { topic, limit, payload = false, outputs, format }: ErrorsShowOptions,
  terminal: Terminal,
  connect: Connect,
): Promise<ExitCode> {
  const deployment = await readDeployment(outputs, terminal);
  const cloud = connect(deployment);
  const now = cloud.clock.now();
  const shown = await readShown(deployment, cloud, { topic, fingerprint, limit, payload, now: new Date(now) });
  terminal.write(format === 'json' ? shownErrorJson(shown) : shownErrorText(shown, now));
  if (shown.group.rows > 0) return EXIT.problems;
  return shown.schema?.found === false && shown.schema.unread ? EXIT.failed : EXIT.clean;
}
