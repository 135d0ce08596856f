/** What asl-validator finds in state machines: cfn-lint knows the shape of each state, but not where the states lead. */
import validate from 'asl-validator';
import type { Finding } from './lint';
import type { SentDocuments } from './sent-documents';

export function stateMachineFindings(machines: SentDocuments['state_machines']): readonly Finding[] {
  return Object.entries(machines).flatMap(([document, definition]) =>
    validate(structuredClone(definition)).errors.map((error) => ({
      document,
      linter: 'asl-validator',
      code: error['Error code'],
      message: JSON.stringify(error),
    })),
  );
}
