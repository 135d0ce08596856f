const swc = {
  '^.+\\.[jt]sx?$': [
    '@swc/jest',
    { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'commonjs' } },
  ],
};
/** execa (unit tests of the command run git by it) and what it imports. */
const EXECA = [
  'execa',
  '@sec-ant',
  '@sindresorhus',
  'figures',
  'get-stream',
  'human-signals',
  'is-plain-obj',
  'is-stream',
  'is-unicode-supported',
  'npm-run-path',
  'parse-ms',
  'path-key',
  'pretty-ms',
  'strip-final-newline',
  'unicorn-magic',
  'yoctocolors',
];
/** Packages that are published as ES modules only, which Jest's CommonJS cannot load as they are. */
const ESM_ONLY = ['hyparquet', 'hyparquet-compressors', 'hysnappy', 'fzstd', ...EXECA];
const shared = {
  testEnvironment: 'node',
  setupFiles: ['<rootDir>/tests/setup/repeatable.ts'],
  transform: swc,
  transformIgnorePatterns: [`/node_modules/(?!(\\.pnpm/)?(${ESM_ONLY.join('|')})[@+/])`],
  // Exported under the condition "import" only, which to set for all packages would change what the others give.
  moduleNameMapper: { '^unicorn-magic$': '<rootDir>/node_modules/.pnpm/node_modules/unicorn-magic/node.js' },
  extensionsToTreatAsEsm: [],
  modulePathIgnorePatterns: ['<rootDir>/.local', '/dist/'],
};

/** @type {import('jest').Config} */
export default {
  projects: [
    {
      ...shared,
      displayName: 'unit',
      testMatch: ['<rootDir>/packages/*/tests/**/*.test.ts', '<rootDir>/tests/unit/**/*.test.ts'],
    },
    {
      ...shared,
      displayName: 'e2e',
      testMatch: ['<rootDir>/tests/e2e/**/*.test.ts'],
      globalSetup: '<rootDir>/tests/e2e/global-setup.ts',
      globalTeardown: '<rootDir>/tests/e2e/global-teardown.ts',
      setupFilesAfterEnv: ['<rootDir>/tests/e2e/timeout.ts'],
    },
  ],
};
