/** Fault injection: tells the stack's emulator which faults to inject, and reads how many it has injected. */
import { endpointOf } from './emulator-process';
import { UserError } from './errors';

export interface FaultPlan {
  /** The probability that Firehose refuses a record, and that a whole call fails. */
  readonly firehose_put?: number;
  /** What a stream takes in a second, as its quota does: the records beyond are throttled. 0 throttles all. */
  readonly firehose_bytes_per_s?: number;
  /** Kills a busy worker of the function at random moments. `every_s` has the least and the most seconds between two. */
  readonly lambda_kill?: {
    readonly function: string;
    readonly every_s: readonly [number, number];
    readonly times?: number;
  };
  /** Kills the function when it puts a record with this text, as if that message were what ends it. */
  readonly lambda_kill_on?: { readonly function: string; readonly text: string };
  /** How many calls of StartJobRun are refused as too many. */
  readonly glue_starts_throttled?: number;
  /** The probability that a call of the Glue Data Catalog is refused as one too many. */
  readonly glue_catalog?: number;
  /** The name of a table: the next commit to it gets its answer when other faults are set, and its run sleeps until then. */
  readonly glue_commit_held?: string;
  /** Denies a role everything for a time from its first call, as when its rights have not spread yet. */
  readonly deny?: { readonly role: string; readonly seconds: number };
  readonly seed?: number;
}

/** How often each kind of fault was injected since the stack came up. */
export type Injected = Readonly<Partial<Record<string, number>>>;

/** Sets the faults that are injected from now on; an empty plan turns all of them off. */
export async function setFaults(port: number, plan: FaultPlan): Promise<void> {
  const response = await fetch(`${endpointOf(port)}/_lean_ops/faults`, {
    method: 'POST',
    body: JSON.stringify(plan),
    signal: AbortSignal.timeout(10_000),
  });
  if (!response.ok) throw new UserError(`The local stack refuses these faults: ${await response.text()}`);
}

export async function readInjected(port: number): Promise<Injected> {
  const response = await fetch(`${endpointOf(port)}/_lean_ops/faults`, { signal: AbortSignal.timeout(10_000) });
  return ((await response.json()) as { injected: Injected }).injected;
}
