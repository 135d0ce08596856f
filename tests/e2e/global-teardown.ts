import { local } from './global-setup';

// Jest takes the hook from the default export.
// eslint-disable-next-line import-x/no-default-export
export default function tearDown(): void {
  if (process.env['LEAN_E2E_STACK']?.includes('kept') === true) return;
  const down = local('down');
  if (down.status !== 0) throw new Error(`The stack did not go down:\n${down.output}`);
}
