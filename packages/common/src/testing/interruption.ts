/**
 * Thrown where a test lets the process die: nothing after that call happens. Not a LeanOpsError, as no code of the
 * project may recognise it.
 */
export class KilledError extends Error {
  override readonly name = 'KilledError';
}

export interface Interruption {
  /** The number of calls that went through the ports so far. */
  calls(): number;
  /**
   * The port, which dies at call number `at` (from 1, over all ports): before the call is made, or after it took
   * effect.
   */
  through<T extends object>(port: T): T;
  /** The same for a port that is one function. */
  throughFunction<A extends unknown[], R>(port: (...args: A) => Promise<R>): (...args: A) => Promise<R>;
}

/**
 * Kills a run at one of its calls to the outside world, so that a test can go through all of them and see what a retry
 * makes of the remains. With Infinity as `at` it only counts the calls.
 */
export function interruption(at: number, moment: 'before' | 'after'): Interruption {
  let calls = 0;
  function guarded<A extends unknown[], R>(call: (...args: A) => Promise<R>) {
    return async (...args: A): Promise<R> => {
      calls += 1;
      const dies = calls === at;
      if (calls > at || (dies && moment === 'before')) throw new KilledError(`at call ${calls}`);
      const result = await call(...args);
      if (dies) throw new KilledError(`after call ${calls}`);
      return result;
    };
  }
  return {
    calls: () => calls,
    throughFunction: guarded,
    through: (port) =>
      new Proxy(port, {
        get(target, name, receiver) {
          const member: unknown = Reflect.get(target, name, receiver);
          return typeof member === 'function'
            ? guarded((member as (...args: unknown[]) => Promise<unknown>).bind(target))
            : member;
        },
      }),
  };
}
