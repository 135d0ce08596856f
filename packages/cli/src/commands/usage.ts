/** What every command line of this repository has in common: texts for wrong usage, numeric options, and exit code 2. */
import { CommanderError, Help, InvalidArgumentError, type Command, type Option } from 'commander';

interface Streams {
  readonly writeOut: (text: string) => void;
  readonly writeErr: (text: string) => void;
}

/**
 * Sets up a program before it gets its commands, which inherit this: it never ends the process, and says what is wrong with
 * an option in one line.
 */
export function withPlainUsage(program: Command, streams: Streams): Command {
  return program
    .exitOverride()
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .configureHelp({ optionDescription: describeOption })
    .configureOutput({ ...streams, outputError: (text, write) => write(plainUsageError(text)) })
    .showHelpAfterError('See --help.');
}

/** A switch is off unless it is given, which needs no words. */
function describeOption(option: Option): string {
  return new Help().optionDescription(option).replace(/ \(default: false\)$/, '');
}

/** `--port must be a whole number from 1 to 65535.`, where Commander quotes the whole declaration of the option. */
export function plainUsageError(text: string): string {
  const [, option, variable, argument, rest] =
    /^error: (?:option '(?:-\w, )?(--[\w-]+)[^']*' (?:argument|value '.*' from env '(\w+)')|command-argument value)(?: '.*')? is invalid(?: for argument '([^']*)')?\. (.*)$/s.exec(
      text,
    ) ?? [];
  const name = variable ?? option ?? argument;
  if (name === undefined || rest === undefined) return text;
  const rule = rest.replace(/^(?:It )?(?=must )/, '').replace(/^Allowed choices are /, 'must be one of ');
  return rule.startsWith('must ') ? `error: ${name} ${rule}` : text;
}

/**
 * The exit code of a command line that Commander ended: 0 after help or the version, 2 after wrong usage.
 *
 * @returns undefined for any other error
 */
export function usageExitCode(error: unknown): 0 | 2 | undefined {
  if (!(error instanceof CommanderError)) return undefined;
  return error.exitCode === 0 ? 0 : 2;
}

export interface Range {
  readonly from: number;
  /** Without an end when left out. */
  readonly to?: number;
}

/** An option parser for whole numbers from `from` to `to`, both included. */
export function wholeNumber(range: Range): (text: string) => number {
  return numberIn(range, 'a whole number', /^\d{1,15}$/);
}

/** An option parser for numbers from `from` to `to`, both included, with or without decimals. */
export function decimalNumber(range: Range): (text: string) => number {
  return numberIn(range, 'a number', /^\d{1,15}(?:\.\d{1,15})?$/);
}

/** An option parser for a TCP port. */
export const portNumber = wholeNumber({ from: 1, to: 65_535 });

function numberIn({ from, to = Infinity }: Range, what: string, pattern: RegExp): (text: string) => number {
  return (text) => {
    const value = pattern.test(text) ? Number(text) : NaN;
    if (value >= from && value <= to) return value;
    throw new InvalidArgumentError(
      to === Infinity ? `must be ${what}, ${from} or more.` : `must be ${what} from ${from} to ${to}.`,
    );
  };
}
