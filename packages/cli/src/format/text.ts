/** Longest pointer that a line shows whole, in characters: a name in a schema may have thousands. */
const MAX_POINTER = 160;

/**
 * Text from a file that somebody else wrote, made safe for a terminal. Control characters and characters that change the
 * writing direction are shown by number, so that no pull request can repaint the report on it.
 */
export function plain(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu,
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );
}

/** A JSON pointer, safe for a terminal, and cut in the middle when it is long. */
export function shortPointer(pointer: string): string {
  const text = plain(pointer);
  return text.length > MAX_POINTER ? `${text.slice(0, MAX_POINTER / 2)}…${text.slice(-MAX_POINTER / 2)}` : text;
}

/** A count with its noun: `no files`, `1 file`, `2 files`. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return count === 0 ? `no ${plural}` : `${count} ${count === 1 ? noun : plural}`;
}

/** The text with every line indented by `spaces`. */
export function indent(text: string, spaces: number): string {
  return text
    .split('\n')
    .map((line) => ' '.repeat(spaces) + line)
    .join('\n');
}

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** A size with three digits at the most: `512 bytes`, `3.4 MiB`. */
export function sizeText(bytes: number): string {
  const at = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1_024 ** at;
  return `${at === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[at] ?? ''}`;
}

/** A word as a shell takes it. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
