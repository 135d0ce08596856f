import type { ObjectStore } from '@lean-ops/common/aws';
import {
  isObject,
  schemaKeys,
  statedRules,
  type StatedRule,
  type TopicName,
  type ViolatedRule,
} from '@lean-ops/common/core';
import { CliError } from '../errors';
import { locator } from '../schemas/locate-problems';

/** Where a rule stands in the text of a schema. */
export interface LocatedRule extends ViolatedRule {
  readonly state: StatedRule['state'];
  /** The line of the schema's text, from 1. */
  readonly line: number;
  /** The line, without the white space around it; empty where the schema has no such field. */
  readonly text: string;
}

/** The rules of one schema, or why they could not be found. */
export type SchemaRules =
  | {
      readonly found: true;
      /** The object in the schema bucket. */
      readonly key: string;
      readonly version: number | undefined;
      readonly rules: readonly LocatedRule[];
    }
  | {
      readonly found: false;
      readonly problem: string;
      /** Whether a service refused, so that there may be one. */
      readonly unread: boolean;
    };

/** Finds the broken rules in the topic's schema that is in force. It never throws for a service that refuses. */
export async function locateRules(
  topic: TopicName,
  rules: readonly ViolatedRule[],
  bucket: string,
  objects: Pick<ObjectStore, 'get'>,
): Promise<SchemaRules> {
  const key = schemaKeys.active(topic);
  let text: string | undefined;
  try {
    text = (await objects.get(bucket, key))?.body;
  } catch (error) {
    if (error instanceof CliError) return { found: false, problem: error.message, unread: true };
    throw error;
  }
  if (text === undefined) return { found: false, problem: 'no schema is in force', unread: false };
  const document = parsed(text);
  if (document === undefined) return { found: false, problem: `${key} is not a JSON object`, unread: true };
  const lines = text.split(/\r\n|\r|\n/);
  const locate = locator(text);
  const located = statedRules(text, document, rules).map(({ column, rule, pointer, state }) => {
    const { line } = locate(pointer);
    return { column, rule, state, line, text: state === 'no field' ? '' : (lines[line - 1] ?? '').trim() };
  });
  const version = document['x-version'];
  return { found: true, key, version: typeof version === 'number' ? version : undefined, rules: located };
}

function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const document: unknown = JSON.parse(text);
    return isObject(document) ? document : undefined;
  } catch {
    return undefined;
  }
}
