import type { DocumentChanges, DocumentStore } from '../aws/documents';
import { holds, type Document } from '../core/condition';

/**
 * A DocumentStore in memory, with DynamoDB's conditions. `documents` is by the table's name and the JSON of the key.
 *
 * @param keys for each table the attributes of its key
 */
export function memoryDocuments(keys: Readonly<Record<string, readonly string[]>>): DocumentStore & {
  readonly documents: Map<string, Document>;
  /** Puts documents there without a condition, to prepare a test. */
  seed(table: string, ...items: readonly Document[]): void;
} {
  const documents = new Map<string, Document>();
  const nameOf = (table: string, document: Document): string => {
    const key = keys[table];
    if (key === undefined) throw new Error(`no table ${table}`);
    return `${table} ${JSON.stringify(key.map((attribute) => document[attribute]))}`;
  };
  const changed = (key: Document, stored: Document | undefined, { set = {}, remove = [] }: DocumentChanges): Document =>
    Object.fromEntries(
      Object.entries({ ...key, ...stored, ...set }).filter(([attribute]) => !remove.includes(attribute)),
    );
  return {
    documents,
    seed(table, ...items) {
      for (const item of items) documents.set(nameOf(table, item), item);
    },
    async get(table, key) {
      await Promise.resolve();
      return documents.get(nameOf(table, key));
    },
    async put(table, document, condition) {
      await Promise.resolve();
      const name = nameOf(table, document);
      if (condition && !holds(condition, documents.get(name))) return false;
      documents.set(name, document);
      return true;
    },
    async update(table, key, changes, condition) {
      await Promise.resolve();
      const name = nameOf(table, key);
      const stored = documents.get(name);
      if (condition && !holds(condition, stored)) return false;
      documents.set(name, changed(key, stored, changes));
      return true;
    },
    async delete(table, key, condition) {
      await Promise.resolve();
      const name = nameOf(table, key);
      if (condition && !holds(condition, documents.get(name))) return false;
      documents.delete(name);
      return true;
    },
    async transact(writes) {
      await Promise.resolve();
      const named = writes.map((write) => ({
        write,
        name: nameOf(write.table, write.op === 'put' ? write.document : write.key),
      }));
      // As DynamoDB, which refuses two writes of one item in a transaction.
      if (new Set(named.map(({ name }) => name)).size < named.length) throw new Error('two writes of one document');
      if (named.some(({ write, name }) => write.condition && !holds(write.condition, documents.get(name))))
        return false;
      for (const { write, name } of named) {
        if (write.op === 'put') documents.set(name, write.document);
        else if (write.op === 'update') documents.set(name, changed(write.key, documents.get(name), write.changes));
        else documents.delete(name);
      }
      return true;
    },
    async query(table, from, after) {
      await Promise.resolve();
      const [partition = '', sort = ''] = Object.keys(from);
      const sortOf = (document: Document | undefined): string => JSON.stringify(document?.[sort] ?? '');
      const [document, ...rest] = [...documents]
        .filter(([name, stored]) => name.startsWith(`${table} `) && stored[partition] === from[partition])
        .map(([, stored]) => stored)
        .filter((stored) => sortOf(stored) >= sortOf(from).slice(0, -1))
        .filter((stored) => after === undefined || sortOf(stored) > sortOf(after))
        .sort((a, b) => (sortOf(a) < sortOf(b) ? -1 : 1));
      // A page has one document, as nobody may count on a whole answer at once.
      if (document === undefined) return { documents: [], next: undefined };
      return { documents: [document], next: rest.length > 0 ? { [sort]: document[sort] ?? '' } : undefined };
    },
    async scan(table) {
      await Promise.resolve();
      return [...documents].filter(([name]) => name.startsWith(`${table} `)).map(([, document]) => document);
    },
  };
}
