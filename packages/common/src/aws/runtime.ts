import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

/** Time as a collaborator, so that tests can pass their own. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  sleep(milliseconds: number): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (milliseconds) => {
    await delay(milliseconds);
  },
};

/** A random number, uniform in [0, 1). */
export const systemRandom = (): number => Math.random();

/** A random UUID. */
export const systemIds = (): string => randomUUID();
