import { dmlIdentifier } from '../warehouse/sql';
import type { OthersSql, TextSql } from './stored-texts';
import type { CastField } from './casts';
import type { NumberNames } from './number-sql';

/** Quoted names of the columns that hold a field's `prepared` expression and its value. */
export interface ColumnNames {
  readonly prepared: string;
  readonly value: string;
}

/**
 * Gives names to what the conditions of a statement share. No column of a table can have them: columns consist of a-z,
 * 0-9 and _ only. When a statement has the rules of two schemas, both get their names here, so that a rule which both
 * have is one condition, letter by letter.
 */
export interface SqlNames {
  /** The text of a field: that of the first of these columns which has one. */
  readonly ofText: (columns: readonly string[]) => TextSql;
  /** The names for the cast of a field's text: one cast, one pair of names. */
  readonly ofCast: (text: TextSql, field: CastField) => ColumnNames;
  /** The names for the parts of a text's number. */
  readonly ofNumber: (text: TextSql) => NumberNames;
  /** The name for the columns in rescued_data other than `but`. */
  readonly others: (but: readonly string[]) => OthersSql;
}

export function sqlNames(): SqlNames {
  const texts = numbers();
  const casts = numbers();
  const parts = numbers();
  const others = numbers();
  return {
    ofText: (columns) => {
      const [column = '', ...formerly] = columns;
      const name = formerly.length === 0 ? dmlIdentifier(column) : `"$f${texts(columns.join())}"`;
      return { name, of: columns };
    },
    ofCast: ({ of }, { types, athenaType, times }) => {
      const number = casts([of, types, athenaType, times.unit, times.zone, times.lenient].join(' '));
      return { prepared: `"$p${number}"`, value: `"$v${number}"` };
    },
    ofNumber: ({ of }) => {
      const number = parts(of.join());
      return { digits: `"$d${number}"`, point: `"$e${number}"` };
    },
    others: (but) => {
      const number = others([...but].sort().join());
      return { name: number === 0 ? '"$others"' : `"$others${number}"`, but };
    },
  };
}

/** Numbers keys from 0, in the order in which they come first. */
function numbers(): (key: string) => number {
  const known = new Map<string, number>();
  return (key) => {
    const number = known.get(key) ?? known.size;
    known.set(key, number);
    return number;
  };
}
