/** A value of a document: one of DynamoDB's types without sets and binaries. Ids past 2^53 are strings. */
export type DocumentValue =
  string | number | boolean | null | readonly DocumentValue[] | { readonly [name: string]: DocumentValue };

export type Document = Readonly<Record<string, DocumentValue>>;

/**
 * A condition on the stored document, without which a write does not happen. It is data, so that the DynamoDB adapter
 * can compile it and the in-memory fake can evaluate it. An attribute with dots is a member of a map: `ddl.by`.
 */
export type Condition =
  | { readonly op: 'absent'; readonly attribute: string }
  | { readonly op: 'present'; readonly attribute: string }
  | { readonly op: '=' | '<' | '<='; readonly attribute: string; readonly value: string | number | boolean }
  | { readonly op: 'any' | 'all'; readonly of: readonly Condition[] };

export const absent = (attribute: string): Condition => ({ op: 'absent', attribute });
export const present = (attribute: string): Condition => ({ op: 'present', attribute });
export const equals = (attribute: string, value: string | number | boolean): Condition => ({
  op: '=',
  attribute,
  value,
});
export const below = (attribute: string, value: string | number): Condition => ({ op: '<', attribute, value });
export const atMost = (attribute: string, value: string | number): Condition => ({ op: '<=', attribute, value });
export const any = (...of: readonly Condition[]): Condition => ({ op: 'any', of });
export const all = (...of: readonly Condition[]): Condition => ({ op: 'all', of });

/**
 * Evaluates a condition as DynamoDB does: a comparison with an attribute that is absent or of another type is false.
 * DynamoDB compares strings by UTF-8 bytes, which for the ASCII strings here is the order of code units.
 *
 * @param document the stored document; undefined where there is none
 */
export function holds(condition: Condition, document: Document | undefined): boolean {
  switch (condition.op) {
    case 'any':
      return condition.of.some((one) => holds(one, document));
    case 'all':
      return condition.of.every((one) => holds(one, document));
    case 'absent':
      return valueOf(document, condition.attribute) === undefined;
    case 'present':
      return valueOf(document, condition.attribute) !== undefined;
    case '=':
      return valueOf(document, condition.attribute) === condition.value;
    case '<':
    case '<=': {
      const stored = valueOf(document, condition.attribute);
      if (stored === undefined || stored === null || typeof stored !== typeof condition.value) return false;
      return condition.op === '<' ? stored < condition.value : stored <= condition.value;
    }
  }
}

function valueOf(document: Document | undefined, attribute: string): DocumentValue | undefined {
  let value: DocumentValue | undefined = document;
  for (const name of attribute.split('.')) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    value = (value as Document)[name];
  }
  return value;
}
