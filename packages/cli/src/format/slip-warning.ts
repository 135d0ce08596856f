import { listed } from '@lean-ops/common/core';
import type { Slip } from '../plan/slips';
import { counted } from './text';

/** A slip in words. The names and codes are part of `--format json`. */
export interface SlipWarning {
  /** A note does not count for `--strict`: the merge brings nothing new, or it may be meant so. */
  readonly severity: 'warning' | 'note';
  readonly code: Slip['code'];
  /** JSON pointer to the field in the schema file; empty for what is about all of it. */
  readonly pointer: string;
  /** The column of the field; null for what is about the whole schema. */
  readonly field: string | null;
  readonly message: string;
  /** What the field may mean, as the data has it. */
  readonly suggestion: string | null;
  /** The columns that the schema leaves out; empty for any other code. */
  readonly columns: readonly string[];
}

/**
 * Puts a slip into words.
 *
 * @param rows how many rows were looked at
 * @param table the table that has them, as `database.table`
 */
export function slipWarning(slip: Slip, rows: number, table: string): SlipWarning {
  if (slip.code === 'NOT_IN_SCHEMA') {
    const { code, columns } = slip;
    const are = columns.length === 1 ? 'is' : 'are';
    const message = `${counted(columns.length, 'column')} of ${table} ${are} not in the schema: ${listed(columns)}`;
    return { severity: 'note', code, pointer: '', field: null, message, suggestion: null, columns };
  }
  const { code, field, inForce } = slip;
  const where = `in 0 of ${counted(rows, 'row')}${inForce ? ', and in the active version already' : ''}`;
  return {
    severity: inForce ? 'note' : 'warning',
    code,
    pointer: field.pointer,
    field: field.column,
    message: `${where}; ${adviceOf(slip)}`,
    suggestion: slip.suggestion ?? null,
    columns: [],
  };
}

function adviceOf({ code, field, suggestion }: Exclude<Slip, { code: 'NOT_IN_SCHEMA' }>): string {
  if (code === 'DOT_IN_NAME') {
    return `did you mean the nested ${suggestion}? A dot does not nest: declare the objects`;
  }
  if (suggestion !== undefined) return `did you mean ${suggestion}?`;
  return field.cde ? 'as it is critical, every row is rejected' : 'its column would hold nothing but NULL';
}
