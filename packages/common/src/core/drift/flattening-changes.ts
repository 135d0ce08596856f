/**
 * The changes of `x-flatten`: whether objects in a column's place are kept as the text that was sent. docs/decisions/0053-opaque-paths.md
 * says why one way is compatible and the other is not.
 */
import { breaking, CHANGE_KINDS, compatible, type SchemaChange } from './change';
import { opaqueColumns } from '../schema/opaque-columns';
import type { TopicSchema } from '../schema/model';

/** What brings the texts of older rows back, as people are told. */
function restore(topic: string): string {
  return `lean-ops topic rebuild ${topic} --from raw`;
}

/** The columns that are opaque in one of two versions only. Those of former names count as well, as cycles keep them alike. */
export function flatteningChanges(active: TopicSchema, candidate: TopicSchema): SchemaChange[] {
  const [before, after] = [active, candidate].map(opaqueColumns) as [string[], string[]];
  const pointers = new Map(
    [...active.columns, ...candidate.columns].flatMap(({ column, formerNames, pointer }) =>
      [column, ...formerNames.map((former) => former.column)].map((one) => [one, pointer] as const),
    ),
  );
  const place = (column: string) => ({
    kind: CHANGE_KINDS.flatteningChanged,
    path: pointers.get(column) ?? '',
    column,
  });
  return [
    ...after
      .filter((column) => !before.includes(column))
      .map((column) =>
        compatible({
          ...place(column),
          before: 'x-flatten true',
          after: 'x-flatten false',
          sentence:
            `objects in ${column} are kept as sent from the next cycle on; where older rows have them in columns, ` +
            `${restore(candidate.topic)} brings their text back`,
        }),
      ),
    ...before
      .filter((column) => !after.includes(column))
      .map((column) =>
        breaking(
          {
            ...place(column),
            before: 'x-flatten false',
            after: 'x-flatten true',
            sentence: `objects in ${column} are no longer kept as sent, so values that were valid would become violations`,
          },
          'keep "x-flatten": false, or add the fields beside it under other names',
        ),
      ),
  ];
}
