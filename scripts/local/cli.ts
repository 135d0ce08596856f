/** `pnpm local …`: starts, uses and ends the whole cloud on this machine. */
import { runProgram } from './commands/program';
import { localProgram } from './commands/local-program';

await runProgram(localProgram());
