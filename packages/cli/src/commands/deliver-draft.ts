import { checkSchema, type JsonObject, type TopicName } from '@lean-ops/common/core';
import { plain } from '../format/text';
import { EXIT, type ExitCode, type Format, type Terminal } from '../terminal';
import { saveFile } from './save-file';

/** A draft of a schema, with remarks for its author, one sentence each. */
export interface Draft {
  readonly topic: TopicName;
  readonly document: JsonObject;
  readonly notes: readonly string[];
}

/**
 * Writes a draft to a file, or to standard output where none is named. Remarks go to standard error; with `--format json`
 * the draft, the remarks and the problems that the draft still has are one document on standard output.
 *
 * @param file the path to write to, as the user gave it
 * @throws CliError when the file exists, as it may be somebody's work, or cannot be written
 */
export async function deliverDraft(
  { topic, document, notes }: Draft,
  file: string | undefined,
  format: Format,
  terminal: Terminal,
): Promise<ExitCode> {
  const text = `${JSON.stringify(document, null, 2)}\n`;
  const check = checkSchema(text, { topic });
  const problems = check.ok ? [] : check.problems;
  if (file !== undefined) await saveFile(file, text, terminal.cwd);
  if (format === 'json') {
    terminal.write(`${JSON.stringify({ topic, file: file ?? null, schema: document, notes, problems }, null, 2)}\n`);
    return check.ok ? EXIT.clean : EXIT.problems;
  }
  if (file === undefined) terminal.write(text);
  const more = problems.map((one) => `${one.path} still has to be corrected: ${one.message}`);
  terminal.writeError([...notes, ...more].map((note) => `note: ${plain(note)}\n`).join(''));
  return check.ok ? EXIT.clean : EXIT.problems;
}
