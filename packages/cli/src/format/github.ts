/** What GitHub shows beside a line of a file. */
export interface Annotation {
  readonly level: 'error' | 'notice';
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly title: string;
  /** May have several lines. */
  readonly message: string;
}

// https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts: what a runner takes back.
function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}

/** A workflow command, on one line whatever the texts hold. */
export function annotate({ level, file, line, column, title, message }: Annotation): string {
  return `::${level} file=${property(file)},line=${line},col=${column},title=${property(title)}::${data(message)}\n`;
}
