/** JSON texts whose numbers keep the digits that they have in another text. */

/** Gives the text of a number; undefined where JavaScript's own is right. */
export type DigitsOf = (value: number) => string | undefined;

/** Writes a JSON value with two spaces for each level, as the samples are. */
export function printJson(value: unknown, digitsOf: DigitsOf, indent = ''): string {
  if (typeof value === 'number') return digitsOf(value) ?? JSON.stringify(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const inner = `${indent}  `;
  const isList = Array.isArray(value);
  const items = isList
    ? (value as unknown[]).map((one) => printJson(one, digitsOf, inner))
    : Object.entries(value)
        .filter(([, one]) => one !== undefined)
        .map(([name, one]) => `${JSON.stringify(name)}: ${printJson(one, digitsOf, inner)}`);
  const [open, close] = isList ? ['[', ']'] : ['{', '}'];
  return items.length === 0 ? `${open}${close}` : `${open}\n${inner}${items.join(`,\n${inner}`)}\n${indent}${close}`;
}
