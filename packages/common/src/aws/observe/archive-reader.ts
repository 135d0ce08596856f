import { QueryCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Document } from '../../core/condition';
import { dynamoClient, marshal, marshalDocument, unmarshalDocument } from '../documents';

/** The index of the archive by error code and time. modules/state/tables.tf makes it. */
const BY_ERROR_CODE = 'by_error_code';

/** The entries of one topic, or those of one error code. There is no way to query all of them at once. */
export type ArchiveSelection = { readonly topic: string } | { readonly code: string };

export interface ArchiveQuery {
  readonly of: ArchiveSelection;
  /** ISO 8601, or the beginning of it: entries that failed at this time or later. */
  readonly since: string;
  /** The same: entries that failed until then. One that failed in just this millisecond may be among them. */
  readonly until?: string;
  /** By default the newest come first. */
  readonly oldestFirst?: boolean;
  /** The attributes to return; all of them when this is left out. */
  readonly attributes?: readonly string[];
  /** The most entries in the page; without it a page has as many as fit into 1 MB. */
  readonly limit?: number;
  /** `next` of the page before. */
  readonly after?: Document;
}

export interface ArchivePage {
  readonly entries: readonly Document[];
  /** The key after which the next page begins; undefined after the last page. */
  readonly next: Document | undefined;
}

/** Reads the index of archived dead letters. */
export interface ArchiveReader {
  page(query: ArchiveQuery): Promise<ArchivePage>;
}

/**
 * A reader of one archive table. It never scans: the table may have millions of entries. An answer by code comes from an
 * index, which may be some seconds behind the table.
 */
export function dynamoArchiveReader(table: string, client: DynamoDBClient = dynamoClient()): ArchiveReader {
  return {
    async page({ of, since, until, oldestFirst = false, attributes, limit, after }) {
      const byCode = 'code' in of;
      const names: Record<string, string> = {
        '#partition': byCode ? 'error_code' : 'topic_name',
        '#sort': byCode ? 'failed_at' : 'failed_at_message_id',
      };
      attributes?.forEach((attribute, index) => (names[`#a${index}`] = attribute));
      const answer = await client.send(
        new QueryCommand({
          TableName: table,
          ...(byCode && { IndexName: BY_ERROR_CODE }),
          KeyConditionExpression:
            until === undefined
              ? '#partition = :partition AND #sort >= :since'
              : '#partition = :partition AND #sort BETWEEN :since AND :until',
          ExpressionAttributeNames: names,
          ExpressionAttributeValues: {
            ':partition': marshal(byCode ? of.code : of.topic),
            ':since': marshal(since),
            ...(until !== undefined && { ':until': marshal(until) }),
          },
          ...(attributes && { ProjectionExpression: attributes.map((_, index) => `#a${index}`).join(', ') }),
          ScanIndexForward: oldestFirst,
          ...(limit !== undefined && { Limit: limit }),
          ...(after && { ExclusiveStartKey: marshalDocument(after) }),
        }),
      );
      return {
        entries: (answer.Items ?? []).map(unmarshalDocument),
        next: answer.LastEvaluatedKey && unmarshalDocument(answer.LastEvaluatedKey),
      };
    },
  };
}
