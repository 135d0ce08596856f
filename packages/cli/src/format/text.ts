/** Longest pointer that a line shows whole: a name in a schema may have thousands of characters. */
const MAX_POINTER = 160;

/**
 * Text of a file that others wrote, fit for a terminal: control characters and those that turn the writing direction are
 * shown by number, so that no pull request can repaint the report on it.
 */
export function plain(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu,
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );
}

export function shortPointer(pointer: string): string {
  const text = plain(pointer);
  return text.length > MAX_POINTER ? `${text.slice(0, MAX_POINTER / 2)}…${text.slice(-MAX_POINTER / 2)}` : text;
}

export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return count === 0 ? `no ${plural}` : `${count} ${count === 1 ? noun : plural}`;
}

/** Lines of text, indented. */
export function indent(text: string, spaces: number): string {
  return text
    .split('\n')
    .map((line) => ' '.repeat(spaces) + line)
    .join('\n');
}
