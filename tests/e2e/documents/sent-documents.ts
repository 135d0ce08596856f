/** Picks from a plan of Terraform the documents that the provider would send to AWS as they are. */
import { isObject } from '../../../packages/common/src/core';

type Document = Readonly<Record<string, unknown>>;

/** Documents by the address of the resource that sends them; lint_documents.py reads them under these names. */
export interface SentDocuments {
  readonly templates: Readonly<Record<string, Document>>;
  readonly identity_policies: Readonly<Record<string, Document>>;
  readonly trust_policies: Readonly<Record<string, Document>>;
  readonly bucket_policies: Readonly<Record<string, Document>>;
  readonly state_machines: Readonly<Record<string, Document>>;
}

/** The attributes that are documents, by type of resource. */
const ATTRIBUTES: Readonly<Record<string, readonly (readonly [attribute: string, kind: keyof SentDocuments])[]>> = {
  aws_cloudformation_stack: [['template_body', 'templates']],
  aws_iam_role: [['assume_role_policy', 'trust_policies']],
  aws_iam_role_policy: [['policy', 'identity_policies']],
  aws_iam_policy: [['policy', 'identity_policies']],
  aws_s3_bucket_policy: [['policy', 'bucket_policies']],
  aws_sfn_state_machine: [['definition', 'state_machines']],
};
/** Members by which a document is known wherever it stands: of a policy, a state machine, a template. */
const SIGNS = ['Statement', 'StartAt', 'Resources'];

/**
 * @param plan what `terraform show -json` prints of a plan
 * @throws TypeError when a document is not known before the apply, or stands in an attribute that nobody lints
 */
export function sentDocuments(plan: unknown): SentDocuments {
  const found: Record<keyof SentDocuments, Record<string, Document>> = {
    templates: {},
    identity_policies: {},
    trust_policies: {},
    bucket_policies: {},
    state_machines: {},
  };
  for (const { address, type, after } of managedResources(plan)) {
    const attributes = ATTRIBUTES[type] ?? [];
    for (const [attribute, kind] of attributes) {
      const text = after[attribute];
      if (typeof text !== 'string') throw new TypeError(`${address}: ${attribute} is not known before the apply`);
      found[kind][address] = JSON.parse(text) as Document;
    }
    const linted = new Set(attributes.map(([attribute]) => attribute));
    const unseen = Object.keys(after).filter((name) => !linted.has(name) && holdsDocument(after[name]));
    if (unseen.length > 0) throw new TypeError(`${address}: nobody lints the document in ${unseen.join(', ')}`);
  }
  return found;
}

function holdsDocument(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(holdsDocument);
  if (isObject(value)) return Object.values(value).some(holdsDocument);
  if (typeof value !== 'string' || !value.startsWith('{')) return false;
  try {
    const parsed: unknown = JSON.parse(value);
    return isObject(parsed) && SIGNS.some((sign) => Object.hasOwn(parsed, sign));
  } catch {
    return false;
  }
}

interface Planned {
  readonly address: string;
  readonly type: string;
  readonly after: Document;
}

function managedResources(plan: unknown): Planned[] {
  const changes =
    isObject(plan) && Array.isArray(plan['resource_changes']) ? (plan['resource_changes'] as unknown[]) : [];
  return changes.flatMap((each) => {
    if (!isObject(each) || each['mode'] !== 'managed') return [];
    const { address, type, change } = each;
    if (typeof address !== 'string' || typeof type !== 'string' || !isObject(change)) return [];
    return isObject(change['after']) ? [{ address, type, after: change['after'] }] : [];
  });
}
