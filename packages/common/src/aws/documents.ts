import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  type AttributeValue,
  type TransactWriteItem,
} from '@aws-sdk/client-dynamodb';
import type { Condition, Document, DocumentValue } from '../core/condition';
import { clientOptions, type ClientSettings } from './client-options';

/** Attributes to set and to remove. */
export interface DocumentChanges {
  readonly set?: Document;
  readonly remove?: readonly string[];
}

/** One write of a transaction. */
export type TransactionWrite =
  | { readonly op: 'put'; readonly table: string; readonly document: Document; readonly condition?: Condition }
  | {
      readonly op: 'update';
      readonly table: string;
      readonly key: Document;
      readonly changes: DocumentChanges;
      readonly condition?: Condition;
    }
  | { readonly op: 'delete'; readonly table: string; readonly key: Document; readonly condition?: Condition };

/** A page of a query's documents. */
export interface DocumentPage {
  readonly documents: readonly Document[];
  /** The key after which the next page begins; undefined after the last page. */
  readonly next: Document | undefined;
}

/**
 * Documents in DynamoDB tables. Reads are consistent. A conditional write gives false when its condition did not hold,
 * and throws for every other failure.
 */
export interface DocumentStore {
  get(table: string, key: Document): Promise<Document | undefined>;
  put(table: string, document: Document, condition?: Condition): Promise<boolean>;
  /** Changes a document, and creates it when it is not there, unless the condition says otherwise. */
  update(table: string, key: Document, changes: DocumentChanges, condition?: Condition): Promise<boolean>;
  delete(table: string, key: Document, condition?: Condition): Promise<boolean>;
  /**
   * Makes all of the writes or none, each to a document of its own. Gives false when a condition did not hold, or when another
   * write of one of the documents was under way: whoever reads again sees which.
   */
  transact(writes: readonly TransactionWrite[]): Promise<boolean>;
  /**
   * Gives a page of one partition's documents, from a sort key on, in its order.
   *
   * @param from the partition attribute, then the sort attribute: `{ topic_name: 'a.b', failed_at_message_id: '2026-11-23' }`
   * @param after `next` of the page before
   * @throws RangeError for a `from` without both
   */
  query(table: string, from: Document, after?: Document): Promise<DocumentPage>;
  /** Reads a whole table, which should have no more than some thousand small documents. */
  scan(table: string): Promise<readonly Document[]>;
}

/**
 * Turns a plain value into DynamoDB's tagged form.
 *
 * @throws RangeError for a number that DynamoDB cannot hold
 */
export function marshal(value: DocumentValue): AttributeValue {
  if (value === null) return { NULL: true };
  if (typeof value === 'string') return { S: value };
  if (typeof value === 'boolean') return { BOOL: value };
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new RangeError(`DynamoDB cannot hold ${value}`);
    return { N: String(value) };
  }
  if (isList(value)) return { L: value.map(marshal) };
  return { M: marshalDocument(value) };
}

function isList(value: DocumentValue): value is readonly DocumentValue[] {
  return Array.isArray(value);
}

export function marshalDocument(document: Document): Record<string, AttributeValue> {
  return Object.fromEntries(Object.entries(document).map(([name, value]) => [name, marshal(value)]));
}

/**
 * Turns DynamoDB's tagged form into a plain value. Sets become lists.
 *
 * @throws TypeError for a binary, of which no table here has any
 */
export function unmarshal(value: AttributeValue): DocumentValue {
  if (value.S !== undefined) return value.S;
  if (value.N !== undefined) return Number(value.N);
  if (value.BOOL !== undefined) return value.BOOL;
  if (value.NULL !== undefined) return null;
  if (value.L !== undefined) return value.L.map(unmarshal);
  if (value.M !== undefined) return unmarshalDocument(value.M);
  if (value.SS !== undefined) return value.SS;
  if (value.NS !== undefined) return value.NS.map(Number);
  throw new TypeError(`a DynamoDB value of type ${Object.keys(value).join(', ')} is not a document value`);
}

export function unmarshalDocument(item: Record<string, AttributeValue>): Document {
  return Object.fromEntries(Object.entries(item).map(([name, value]) => [name, unmarshal(value)]));
}

/** The placeholders of one request. No name or value stands in an expression itself, so reserved words do no harm. */
class Placeholders {
  readonly names: Record<string, string> = {};
  readonly values: Record<string, AttributeValue> = {};
  #count = 0;

  /** @param attribute a name, or the path to a member of a map with dots between the names */
  name(attribute: string): string {
    return attribute
      .split('.')
      .map((name) => {
        const placeholder = `#n${this.#count++}`;
        this.names[placeholder] = name;
        return placeholder;
      })
      .join('.');
  }

  value(value: DocumentValue): string {
    const placeholder = `:v${this.#count++}`;
    this.values[placeholder] = marshal(value);
    return placeholder;
  }

  condition(condition: Condition): string {
    switch (condition.op) {
      case 'any':
      case 'all':
        return condition.of.map((one) => `(${this.condition(one)})`).join(condition.op === 'any' ? ' OR ' : ' AND ');
      case 'absent':
        return `attribute_not_exists(${this.name(condition.attribute)})`;
      case 'present':
        return `attribute_exists(${this.name(condition.attribute)})`;
      case '=':
      case '<':
      case '<=':
        return `${this.name(condition.attribute)} ${condition.op} ${this.value(condition.value)}`;
    }
  }

  /** The members of a request that DynamoDB allows only when an expression uses them. */
  used() {
    return {
      ...(Object.keys(this.names).length > 0 && { ExpressionAttributeNames: this.names }),
      ...(Object.keys(this.values).length > 0 && { ExpressionAttributeValues: this.values }),
    };
  }
}

function updateExpression({ set = {}, remove = [] }: DocumentChanges, placeholders: Placeholders): string {
  const sets = Object.entries(set).map(
    ([attribute, value]) => `${placeholders.name(attribute)} = ${placeholders.value(value)}`,
  );
  const removes = remove.map((attribute) => placeholders.name(attribute));
  return [sets.length > 0 && `SET ${sets.join(', ')}`, removes.length > 0 && `REMOVE ${removes.join(', ')}`]
    .filter(Boolean)
    .join(' ');
}

async function falseWhenRefused(call: Promise<unknown>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}

/** Reasons for which a transaction is cancelled because of what others wrote. */
const WRITTEN_BY_OTHERS: ReadonlySet<unknown> = new Set(['ConditionalCheckFailed', 'TransactionConflict']);

async function falseWhenCancelled(call: Promise<unknown>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    const reasons = error instanceof TransactionCanceledException ? (error.CancellationReasons ?? []) : [];
    const causes = reasons.map(({ Code }) => Code).filter((code) => code !== undefined && code !== 'None');
    if (causes.length > 0 && causes.every((code) => WRITTEN_BY_OTHERS.has(code))) return false;
    throw error;
  }
}

function transactItem(write: TransactionWrite): TransactWriteItem {
  const placeholders = new Placeholders();
  const common = () => ({
    TableName: write.table,
    ...(write.condition && { ConditionExpression: placeholders.condition(write.condition) }),
    ...placeholders.used(),
  });
  switch (write.op) {
    case 'put':
      return { Put: { Item: marshalDocument(write.document), ...common() } };
    case 'update': {
      const UpdateExpression = updateExpression(write.changes, placeholders);
      return { Update: { Key: marshalDocument(write.key), UpdateExpression, ...common() } };
    }
    case 'delete':
      return { Delete: { Key: marshalDocument(write.key), ...common() } };
  }
}

export function dynamoClient(settings: Pick<ClientSettings, 'region'> = {}): DynamoDBClient {
  return new DynamoDBClient(clientOptions({ ...settings, requestTimeoutMs: 5_000 }));
}

export function dynamoDocumentStore(client: DynamoDBClient = dynamoClient()): DocumentStore {
  return {
    async get(table, key) {
      const { Item } = await client.send(
        new GetItemCommand({ TableName: table, Key: marshalDocument(key), ConsistentRead: true }),
      );
      return Item && unmarshalDocument(Item);
    },
    put(table, document, condition) {
      const placeholders = new Placeholders();
      return falseWhenRefused(
        client.send(
          new PutItemCommand({
            TableName: table,
            Item: marshalDocument(document),
            ...(condition && { ConditionExpression: placeholders.condition(condition) }),
            ...placeholders.used(),
          }),
        ),
      );
    },
    update(table, key, changes, condition) {
      const placeholders = new Placeholders();
      const expression = updateExpression(changes, placeholders);
      return falseWhenRefused(
        client.send(
          new UpdateItemCommand({
            TableName: table,
            Key: marshalDocument(key),
            ...(expression !== '' && { UpdateExpression: expression }),
            ...(condition && { ConditionExpression: placeholders.condition(condition) }),
            ...placeholders.used(),
          }),
        ),
      );
    },
    delete(table, key, condition) {
      const placeholders = new Placeholders();
      return falseWhenRefused(
        client.send(
          new DeleteItemCommand({
            TableName: table,
            Key: marshalDocument(key),
            ...(condition && { ConditionExpression: placeholders.condition(condition) }),
            ...placeholders.used(),
          }),
        ),
      );
    },
    transact(writes) {
      return falseWhenCancelled(
        client.send(new TransactWriteItemsCommand({ TransactItems: writes.map(transactItem) })),
      );
    },
    async query(table, from, after) {
      const [partition, sort] = Object.entries(from);
      if (partition === undefined || sort === undefined) throw new RangeError('a query names partition and sort key');
      const placeholders = new Placeholders();
      const KeyConditionExpression =
        `${placeholders.name(partition[0])} = ${placeholders.value(partition[1])}` +
        ` AND ${placeholders.name(sort[0])} >= ${placeholders.value(sort[1])}`;
      const page = await client.send(
        new QueryCommand({
          TableName: table,
          ConsistentRead: true,
          KeyConditionExpression,
          ...placeholders.used(),
          ...(after && { ExclusiveStartKey: marshalDocument(after) }),
        }),
      );
      return {
        documents: (page.Items ?? []).map(unmarshalDocument),
        next: page.LastEvaluatedKey && unmarshalDocument(page.LastEvaluatedKey),
      };
    },
    async scan(table) {
      const documents: Document[] = [];
      let start: Record<string, AttributeValue> | undefined;
      do {
        const page = await client.send(
          new ScanCommand({ TableName: table, ConsistentRead: true, ExclusiveStartKey: start }),
        );
        for (const item of page.Items ?? []) documents.push(unmarshalDocument(item));
        start = page.LastEvaluatedKey;
      } while (start !== undefined);
      return documents;
    },
  };
}
