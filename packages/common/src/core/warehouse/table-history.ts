/** The history of a topic's table, as its metadata file has it: commits of cycles, schemas, and the tags of operations. */
import { elementSources, memberSources } from '../json/scan';
import { isObject } from '../json/value';
import { TableMetadataError } from './iceberg-metadata';

/** A snapshot with what a commit of the pipeline says in its summary. Ids are texts of exact digits. */
export interface HistorySnapshot {
  readonly id: string;
  readonly parentId: string | undefined;
  /** It grows with every commit to the table. */
  readonly sequence: number;
  /** Epoch milliseconds. */
  readonly committedAt: number;
  readonly operation: string;
  readonly schemaId: number | undefined;
  /** The cycle that made it; undefined for a commit of others, as of a compaction. */
  readonly cycleId: string | undefined;
  /** Of Curated: the last cycle whose messages it has, and the version of the schema that validated them. */
  readonly through: string | undefined;
  readonly schemaVersion: number | undefined;
  /** The rebuild whose swap it is, and the id of the partitioning that the table had before that. */
  readonly rebuiltBy: string | undefined;
  readonly specBefore: number | undefined;
  /** What the table held then. */
  readonly rows: number;
  readonly files: number;
  readonly bytes: number;
}

/** A column of a schema. Iceberg goes by the id, and people by the name. */
export interface HistoryColumn {
  readonly id: number;
  readonly name: string;
  readonly type: string;
}

export interface TableHistory {
  /** Undefined for a table without a snapshot. */
  readonly currentId: string | undefined;
  readonly currentSchemaId: number | undefined;
  readonly byId: ReadonlyMap<string, HistorySnapshot>;
  /** The columns of each schema that the table ever had. */
  readonly schemas: ReadonlyMap<number, readonly HistoryColumn[]>;
  /** Operation to the snapshot that was current before it, of those that can be undone. */
  readonly undoTags: ReadonlyMap<string, string>;
}

/** How the tags begin by which an operation is undone. The twin is UNDO_TAG in scripts/glue/lean_ops/tables/moves.py. */
export const UNDO_TAG = 'lean-ops-undo-';

/**
 * Reads the history of a table from the text of its `metadata.json`.
 *
 * @throws TableMetadataError for a text that is no table metadata
 */
export function readTableHistory(text: string): TableHistory {
  const document = membersOf(text);
  if (!document.has('format-version')) throw new TableMetadataError('no format-version');
  const snapshots = elementsOf(document.get('snapshots')).map(snapshotOf);
  const current = document.get('current-snapshot-id');
  return {
    currentId: current !== undefined && /^\d+$/.test(current) ? current : undefined,
    currentSchemaId: numberOf(document.get('current-schema-id')),
    byId: new Map(snapshots.map((one) => [one.id, one])),
    schemas: new Map(elementsOf(document.get('schemas')).flatMap(schemaOf)),
    undoTags: new Map(tagsOf(document.get('refs'))),
  };
}

/** The current snapshot and those before it, as far as they are kept without a gap. */
export function lineageOf({ currentId, byId }: TableHistory): HistorySnapshot[] {
  const lineage: HistorySnapshot[] = [];
  let snapshot = byId.get(currentId ?? '');
  // A lineage that is bent into a ring would have no end.
  while (snapshot !== undefined && lineage.length < byId.size) {
    lineage.push(snapshot);
    snapshot = byId.get(snapshot.parentId ?? '');
  }
  return lineage;
}

const WIDER: ReadonlySet<string> = new Set(['int long', 'float double']);
const DECIMAL = /^decimal\((\d+), *(\d+)\)$/;

/**
 * Whether rows that were written under one schema can be read under another: every column that both have keeps its type or has
 * a wider one. The twin is scripts/glue/lean_ops/tables/schema_promotion.py; tests/conformance/promotions.json holds both.
 */
export function readsAs(written: readonly HistoryColumn[], reading: readonly HistoryColumn[]): boolean {
  const types = new Map(reading.map(({ id, type }) => [id, type]));
  return written.every(({ id, type }) => {
    const after = types.get(id);
    return after === undefined || isReadAs(type, after);
  });
}

/**
 * The columns of one schema that another one has anew, under another id: of rows that were written under the first one, the second
 * one reads NULL there. The twin is hidden_columns in scripts/glue/lean_ops/tables/schema_promotion.py.
 */
export function hiddenColumns(written: readonly HistoryColumn[], reading: readonly HistoryColumn[]): string[] {
  const ids = new Set(reading.map(({ id }) => id));
  const names = new Set(reading.map(({ name }) => name));
  return written.flatMap(({ id, name }) => (!ids.has(id) && names.has(name) ? [name] : []));
}

function isReadAs(before: string, after: string): boolean {
  if (before === after || WIDER.has(`${before} ${after}`)) return true;
  const [, precision, scale] = DECIMAL.exec(before) ?? [];
  const [, wider, same] = DECIMAL.exec(after) ?? [];
  return scale !== undefined && scale === same && Number(precision) <= Number(wider);
}

function snapshotOf(text: string): HistorySnapshot {
  // Ids are taken from the text, as a number of JavaScript rounds their 63 bits.
  const members = membersOf(text);
  const id = members.get('snapshot-id');
  if (id === undefined) throw new TableMetadataError('a snapshot has no id');
  const summary: unknown = JSON.parse(members.get('summary') ?? '{}');
  const said = (name: string): string | undefined => {
    const value = isObject(summary) ? summary[name] : undefined;
    return typeof value === 'string' ? value : undefined;
  };
  return {
    id,
    parentId: members.get('parent-snapshot-id'),
    sequence: numberOf(members.get('sequence-number')) ?? 0,
    committedAt: numberOf(members.get('timestamp-ms')) ?? 0,
    operation: said('operation') ?? 'unknown',
    schemaId: numberOf(members.get('schema-id')),
    cycleId: said('lean-ops.cycle-id'),
    through: said('lean-ops.delta-through'),
    schemaVersion: numberOf(said('lean-ops.schema-version')),
    rebuiltBy: said('lean-ops.operation'),
    specBefore: numberOf(said('lean-ops.spec-before')),
    rows: (numberOf(said('total-records')) ?? 0) - (numberOf(said('total-position-deletes')) ?? 0),
    files: numberOf(said('total-data-files')) ?? 0,
    bytes: numberOf(said('total-files-size')) ?? 0,
  };
}

function schemaOf(text: string): [id: number, columns: readonly HistoryColumn[]][] {
  const schema: unknown = JSON.parse(text);
  if (!isObject(schema) || typeof schema['schema-id'] !== 'number' || !Array.isArray(schema['fields'])) return [];
  return [[schema['schema-id'], schema['fields'].filter(isObject).map(columnOf)]];
}

function columnOf({ id, name, type }: Readonly<Record<string, unknown>>): HistoryColumn {
  return {
    id: typeof id === 'number' ? id : -1,
    name: typeof name === 'string' ? name : '',
    type: typeof type === 'string' ? type : isObject(type) ? String(type['type']) : '',
  };
}

function* tagsOf(source: string | undefined): Generator<[operation: string, snapshotId: string]> {
  for (const [name, text] of source === undefined ? [] : (memberSources(source) ?? [])) {
    const id = memberSources(text)?.get('snapshot-id');
    if (name.startsWith(UNDO_TAG) && id !== undefined) yield [name.slice(UNDO_TAG.length), id];
  }
}

function elementsOf(source: string | undefined): readonly string[] {
  return source === undefined ? [] : (elementSources(source) ?? []);
}

function membersOf(text: string): ReadonlyMap<string, string> {
  const members = memberSources(text);
  if (members === undefined) throw new TableMetadataError('it is no JSON object');
  return members;
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}
