/** Bad days on demand: what the stack's emulator injects, and how much of it it has injected so far. */
import { endpointOf } from './emulator-process';
import { UserError } from './errors';

export interface FaultPlan {
  /** Probability that Firehose refuses a record, and that a whole call goes wrong. */
  readonly firehose_put?: number;
  /** Kills a busy worker of the function, at random moments that are so many seconds apart, at the least and at the most. */
  readonly lambda_kill?: {
    readonly function: string;
    readonly every_s: readonly [number, number];
    readonly times?: number;
  };
  readonly seed?: number;
}

/** Kind of fault → how often it was injected since the stack came up. */
export type Injected = Readonly<Partial<Record<string, number>>>;

/** Sets what is injected from now on; an empty plan turns everything off. */
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
