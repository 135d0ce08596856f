/** Runs `cleanUp` when the person at the terminal, or a supervisor, ends this process early. */
export function onInterrupt(cleanUp: () => Promise<unknown>): void {
  const handlers: readonly [NodeJS.Signals, number][] = [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ];
  for (const [signal, code] of handlers) {
    process.once(signal, () => {
      process.stderr.write('\ninterrupted: taking the local stack down\n');
      void cleanUp().finally(() => process.exit(code));
    });
  }
}
