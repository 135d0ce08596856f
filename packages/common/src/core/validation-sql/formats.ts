/** The formats that texts are judged by as patterns. The twin is scripts/glue/lean_ops/validation/formats.py. */
import formats from '../../../../../schemas/formats.json';
import { athenaPattern } from '../pattern/athena-pattern';
import { stringLiteral } from '../warehouse/sql';

interface Format {
  readonly pattern: string;
  readonly maxLength?: number;
}

/** Whether a text has a format, as SQL; undefined for a format that no pattern says. */
export function isFormatSql(text: string, word: string): string | undefined {
  const found = (formats as Readonly<Record<string, Format>>)[word];
  if (found === undefined) return undefined;
  const matches = `regexp_like(${text}, ${stringLiteral(athenaPattern(found.pattern))})`;
  return found.maxLength === undefined ? matches : `(length(${text}) <= ${found.maxLength} AND ${matches})`;
}
