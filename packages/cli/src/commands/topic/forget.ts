import { isUtf8 } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { messageOf } from '@lean-ops/common/core';
import { CliError } from '../../errors';
import { shellWord } from '../../format/text';
import { MAX_KEYS, planForget, type KeysToForget } from '../../operations/forget-plan';
import { refused } from '../../operations/plan';
import type { Terminal } from '../../terminal';
import type { RegisterCommand } from '../command';
import { operateTopic, withOperateOptions, type OperateOptions } from './operate-topic';

interface ForgetOptions extends OperateOptions {
  readonly key?: readonly string[];
  readonly keys?: string;
}

const MAX_KEY_LENGTH = 1_024;

export const registerTopicForget: RegisterCommand = (topic, { terminal, operate, setExitCode }) => {
  const command = topic
    .command('forget')
    .description(
      'erase records for good, by their idempotency_key: rows, snapshots, dead letters; the topic is held meanwhile',
    )
    .argument('<topic>', 'the topic')
    .option('--key <key...>', 'the idempotency_key of a record to erase; may be given several times')
    .option('--keys <file>', 'a file of keys: one a line, or a JSON array of texts');
  withOperateOptions(command).action(async (name: string, options: ForgetOptions) => {
    const wanted = await readKeys(options, terminal);
    setExitCode(
      await operateTopic(name, options, terminal, operate, async (situation, deployment, operator) => {
        const { reason = '' } = options;
        if (wanted.keys.some((key) => reason.includes(key))) {
          return refused('KEY_IN_REASON', 'the reason has one of the keys in it, and would stay on record');
        }
        return planForget(situation, wanted, deployment, operator);
      }),
    );
  });
};

/** @throws CliError for a file that cannot be read, and for what is no key */
async function readKeys(
  { key = [], keys: file }: ForgetOptions,
  { cwd }: Pick<Terminal, 'cwd'>,
): Promise<KeysToForget> {
  if (key.length > 0 === (file !== undefined)) throw new CliError('give --key, or --keys FILE.');
  const given = file === undefined ? key : keysIn(await textOf(file, cwd), file);
  const keys = [...new Set(given)];
  if (keys.length === 0) throw new CliError(`${file ?? '--key'} has no keys.`);
  if (keys.length > MAX_KEYS) throw new CliError(`${keys.length} keys are too many: give ${MAX_KEYS} at a time.`);
  const odd = keys.findIndex((one) => one === '' || one.length > MAX_KEY_LENGTH);
  if (odd >= 0)
    throw new CliError(`key ${odd + 1} has not from 1 to ${MAX_KEY_LENGTH} characters, so no record has it.`);
  const spaced = keys.findIndex((one) => file !== undefined && one !== one.trim());
  if (spaced >= 0) {
    throw new CliError(
      `key ${spaced + 1} of ${file ?? ''} begins or ends with white space: take that out, or give the key by --key where it is part of it.`,
    );
  }
  const words = file === undefined ? keys.flatMap((one) => ['--key', shellWord(one)]) : ['--keys', shellWord(file)];
  return { keys, words };
}

/**
 * The text of a file of keys, without the mark that some editors put before it. A key with a wrong character in it is found nowhere,
 * so an erasure would leave its records and say that it is done.
 */
async function textOf(file: string, cwd: string): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path.resolve(cwd, file));
  } catch (error) {
    throw new CliError(`${file} cannot be read: ${messageOf(error)}`, { cause: error });
  }
  if (!isUtf8(bytes) || bytes.includes(0)) {
    throw new CliError(`${file} is not UTF-8 text: save it as that (its encoding may be UTF-16, Latin-1 or ANSI).`);
  }
  return bytes.toString('utf8').replace(/^\uFEFF/, '');
}

function keysIn(text: string, file: string): string[] {
  if (!text.trimStart().startsWith('[')) return text.split(/\r\n|[\r\n]/).filter((line) => line !== '');
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    found = undefined;
  }
  if (Array.isArray(found) && found.every((one): one is string => typeof one === 'string')) return found;
  throw new CliError(`${file} begins as a JSON array and is none of texts.`);
}
