/** Draws every property test's examples by the seed of the run, so that a run can be repeated; the runner prints it. */
import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env['LEAN_SEED'] ?? 1) });
