/** Runs steps one after the other and shows their progress on the terminal. */
import { Listr } from 'listr2';
import { isInterrupted } from './interrupt';
import type { Progress } from './python-environment';

/** One step of a longer task. It reports how it gets on through `progress`. */
export interface Step {
  readonly title: string;
  readonly run: (progress: Progress) => Promise<void>;
}

/** Time between two lines of progress in a log, where every line stays. On a terminal the last line is redrawn each time. */
const LOG_INTERVAL_MS = 5_000;

function reporter(write: Progress): { readonly progress: Progress; readonly flush: () => void } {
  if (process.stdout.isTTY) return { progress: write, flush: () => undefined };
  let last = '';
  let written = '';
  let at = Date.now();
  const flush = (): void => {
    if (last !== written) write((written = last));
    at = Date.now();
  };
  const progress = (line: string): void => {
    last = line;
    if (Date.now() - at >= LOG_INTERVAL_MS) flush();
  };
  return { progress, flush };
}

/**
 * Runs the steps and stops at the first that fails. The display only marks that step, so that its reason is printed once.
 *
 * @throws whatever the failing step threw
 */
export async function runSteps(steps: readonly Step[]): Promise<void> {
  const failures: unknown[] = [];
  const tasks = steps.map((step) => ({
    title: step.title,
    task: async (_: unknown, task: { output: string }) => {
      const { progress, flush } = reporter((line) => (task.output = line));
      try {
        await step.run(progress);
        flush();
      } catch (error) {
        // The handler of the signal ends this process; that the step lost its stack is no news.
        if (isInterrupted()) return new Promise<void>(() => undefined);
        failures.push(error);
        throw new Error('see below', { cause: error });
      }
    },
    rendererOptions: { persistentOutput: true },
  }));
  try {
    // Listr's own signal handler would exit at once, while the stack is still being taken down (see interrupt.ts).
    await new Listr(tasks, { concurrent: false, registerSignalListeners: false }).run();
  } catch (error) {
    throw failures[0] ?? error;
  }
}
