const swc = {
  '^.+\\.[jt]sx?$': [
    '@swc/jest',
    { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'commonjs' } },
  ],
};
/** Packages that are published as ES modules only, which Jest's CommonJS cannot load as they are. */
const ESM_ONLY = ['hyparquet', 'hyparquet-compressors', 'hysnappy', 'fzstd'];
const shared = {
  testEnvironment: 'node',
  transform: swc,
  transformIgnorePatterns: [`/node_modules/(?!(\\.pnpm/)?(${ESM_ONLY.join('|')})[@/])`],
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
