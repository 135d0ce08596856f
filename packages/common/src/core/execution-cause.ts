/** Why an execution of the cycle did not succeed, in one line. */
import { accessDenied } from './access-denied';

/** What DescribeExecution says of an execution that has ended. */
export interface EndedExecution {
  readonly status: string;
  readonly error?: string | undefined;
  readonly cause?: string | undefined;
}

export interface ExecutionCause {
  /** The step of the cycle that failed first. Undefined when no step is to blame, or the execution does not name it. */
  readonly step: string | undefined;
  /** A whole sentence without its full stop: `Standardized failed: access denied writing …`. */
  readonly text: string;
}

const ENDED_BY_OTHERS: Readonly<Record<string, string>> = {
  TIMED_OUT: 'The cycle ran longer than it may and was ended',
  ABORTED: 'Somebody stopped the cycle',
};
const STEP_FAILED = /^(?<step>[A-Z]\w*) failed: (?<why>[^]+)$/;
const QUOTED_MESSAGE = /"[eE]rrorMessage":\s*(?<quoted>"(?:[^"\\]|\\.)+")/;
/** What Glue and Python put before a job's own words. */
const BEFORE_THE_WORDS = /^(?:Error Category: [A-Z_]+; )?SystemExit: /;
const MAX_WHY = 1_000;

/**
 * The state machine words the cause of a cycle that failed (`ExplainFailure` in modules/orchestration/definition.tf). Causes
 * from before it did so are JSON of Glue or Lambda, of which only the message is kept.
 */
export function executionCause({ status, error, cause }: EndedExecution): ExecutionCause {
  const ended = ENDED_BY_OTHERS[status];
  if (ended !== undefined) return { step: undefined, text: cause ? `${ended}: ${oneLine(cause)}` : ended };
  const groups = STEP_FAILED.exec(cause ?? '')?.groups;
  const step = groups?.['step'];
  const why = inWords(groups?.['why'] ?? (cause === undefined || cause === '' ? error : cause));
  return { step, text: `${step ?? 'The cycle'} failed: ${why ?? 'no cause was given'}` };
}

function inWords(said: string | undefined): string | undefined {
  if (said === undefined || said === '') return undefined;
  const quoted = QUOTED_MESSAGE.exec(said)?.groups?.['quoted'];
  const message = oneLine(quoted === undefined ? said : unquoted(quoted)).replace(BEFORE_THE_WORDS, '');
  const words = accessDenied(message) ?? message;
  return words.length > MAX_WHY ? `${words.slice(0, MAX_WHY)}…` : words;
}

/** The text of a JSON string; the string itself when an escape in it is none. */
function unquoted(quoted: string): string {
  try {
    return String(JSON.parse(quoted));
  } catch {
    return quoted;
  }
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
