/** The signals that end a process early, each with the exit code that shells give it. */
const SIGNALS: readonly [NodeJS.Signals, number][] = [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
];

let interrupted = false;

/** Whether a signal has ended the work: what fails from then on fails because the stack is being taken down. */
export function isInterrupted(): boolean {
  return interrupted;
}

/** Runs `cleanUp` when the person at the terminal, or a supervisor, ends this process early. */
export function onInterrupt(cleanUp: () => Promise<unknown>): void {
  for (const [signal, code] of SIGNALS) {
    // `on` and not `once`: execa listens too while a command runs, and ends this process at once when it is the only listener.
    process.on(signal, () => {
      if (interrupted) return;
      interrupted = true;
      process.stderr.write('\nInterrupted: taking the local stack down … ');
      void cleanUp()
        .then(() => process.stderr.write('it is down.\n'))
        .catch((error: unknown) => process.stderr.write(`that failed: ${String(error)}\n`))
        .finally(() => process.exit(code));
    });
  }
}
