/** Runs `cleanUp` when the person at the terminal, or a supervisor, ends this process early. */
export function onInterrupt(cleanUp: () => Promise<unknown>): void {
  const handlers: readonly [NodeJS.Signals, number][] = [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ];
  let interrupted = false;
  for (const [signal, code] of handlers) {
    // Not `once`: execa, too, listens while a command runs, and ends this process at once when it finds itself alone.
    process.on(signal, () => {
      if (interrupted) return;
      interrupted = true;
      process.stderr.write('\ninterrupted: taking the local stack down\n');
      void cleanUp().finally(() => process.exit(code));
    });
  }
}
