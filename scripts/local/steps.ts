/** Runs steps one after another with their progress on the terminal. */
import { Listr } from 'listr2';
import type { Progress } from './tools';

/** One thing to do; it says how it goes on through `progress`. */
export interface Step {
  readonly title: string;
  readonly run: (progress: Progress) => Promise<void>;
}

/** On a terminal the last line is redrawn at will; in a log every line stays, so one in a while is enough. */
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

/** @throws what the failing step threw; the display only marks the step, so that a reason is printed once. */
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
        failures.push(error);
        throw new Error('see below', { cause: error });
      }
    },
    rendererOptions: { persistentOutput: true },
  }));
  try {
    // Its own handler would exit at once, in the middle of whoever takes the stack down (see interrupt.ts).
    await new Listr(tasks, { concurrent: false, registerSignalListeners: false }).run();
  } catch (error) {
    throw failures[0] ?? error;
  }
}
