/** Runs all linters on the documents that the provider would send. */
import { execa } from 'execa';
import path from 'node:path';
import { TOOLS } from '../../../scripts/local/paths';
import type { SentDocuments } from './sent-documents';
import { stateMachineFindings } from './state-machine-findings';

export interface Finding {
  /** The address of the resource that sends the document. */
  readonly document: string;
  readonly linter: string;
  readonly code: string;
  readonly message: string;
}

const LINT_IN_PYTHON = path.join(__dirname, 'lint_documents.py');

export async function lint(sent: SentDocuments, regions: readonly string[]): Promise<readonly Finding[]> {
  const { stdout } = await execa(TOOLS.python, [LINT_IN_PYTHON], { input: JSON.stringify({ regions, ...sent }) });
  return [...(JSON.parse(stdout) as Finding[]), ...stateMachineFindings(sent.state_machines)];
}
