import { breaking, CHANGE_KINDS, compatible, type SchemaChange } from './change';
import { memberPrefix } from '../schema/columns';

/**
 * Where `required` demands a value: in the rows that hold the object whose members' columns begin so, which are all rows
 * for an empty text; undefined where it is not required.
 */
export type Demand = string | undefined;

/** What `required` demands of one field or object: it counts where the object around it is there. */
export function demandOf({ path, required }: { readonly path: readonly string[]; readonly required: boolean }): Demand {
  return required ? memberPrefix(path.slice(0, -1)) : undefined;
}

/** What several objects of one column demand together. A row that holds a member of an inner object holds the outer one. */
export function strictest(demands: readonly Demand[]): Demand {
  return demands.reduce((most, one) => (allows(one, most) ? one : most), undefined);
}

/** Whether every row that meets `before` meets `after`. */
function allows(before: Demand, after: Demand): boolean {
  return after === undefined || (before !== undefined && after.startsWith(before));
}

/**
 * The change of what `required` demands of a column.
 *
 * @param pointer the place of the field or object in the candidate
 * @param met what rows that were valid meet anyway, as a critical field is there in all of them
 */
export function requiredChange(
  pointer: string,
  column: string,
  before: Demand,
  after: Demand,
  met: Demand = before,
): SchemaChange[] {
  if (before === after) return [];
  const moved = before !== undefined && after !== undefined;
  const facts = {
    kind: CHANGE_KINDS.constraintChanged,
    path: pointer,
    column,
    before: `required ${moved ? scopeOf(before) : before !== undefined}`,
    after: `required ${moved ? scopeOf(after) : after !== undefined}`,
  };
  if (after === undefined) return [compatible({ ...facts, sentence: `${column} is no longer required` })];
  const sentence = moved
    ? `${column} was required ${scopeOf(before)} and is now required ${scopeOf(after)}`
    : `${column} becomes required`;
  return allows(met, after)
    ? [compatible({ ...facts, sentence: `${sentence}; every row that was valid meets this` })]
    : [
        breaking(
          { ...facts, sentence: `${sentence}, but older rows may lack it` },
          "leave required as it was: only a topic's first version can require a field",
        ),
      ];
}

function scopeOf(demand: string): string {
  return demand === '' ? 'in every row' : `where ${demand.slice(0, -'__'.length)} is there`;
}
