/** The signals that end a process early, each with the exit code that shells give it. */
const SIGNALS: readonly [NodeJS.Signals, number][] = [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
];

/** Runs `cleanUp` when the person at the terminal, or a supervisor, ends this process early. */
export function onInterrupt(cleanUp: () => Promise<unknown>): void {
  let interrupted = false;
  for (const [signal, code] of SIGNALS) {
    // `on` and not `once`: execa listens too while a command runs, and ends this process at once when it is the only listener.
    process.on(signal, () => {
      if (interrupted) return;
      interrupted = true;
      process.stderr.write('\ninterrupted: taking the local stack down\n');
      void cleanUp().finally(() => process.exit(code));
    });
  }
}
