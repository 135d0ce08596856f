import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';
import { importX } from 'eslint-plugin-import-x';
import globals from 'globals';
import tseslint from 'typescript-eslint';

const LAMBDAS = [
  'sqs-processor',
  'firehose-transform',
  'dlq-archiver',
  'schema-validator',
  'table-provisioner',
  'cycle-planner',
  'stream-error-reader',
  'operation-steps',
];

/** Who may import whom: no Lambda package reads another Lambda package, and nothing ships test helpers. */
const zones = [
  ...LAMBDAS.map((name) => ({
    target: `./packages/${name}`,
    from: './packages',
    except: [`./${name}`, './common'],
    message: 'A Lambda package imports @lean-ops/common only.',
  })),
  {
    target: './packages/cli',
    from: './packages',
    except: ['./cli', './common'],
    message: 'The operator command imports @lean-ops/common only: what a Lambda knows and it needs belongs there.',
  },
  {
    target: './packages/common',
    from: './packages',
    except: ['./common'],
    message: 'The common package imports no other one.',
  },
  {
    target: './packages/*/src/**',
    from: ['./scripts', './tests'],
    message: 'What ships knows neither the scripts nor the tests.',
  },
  {
    target: './packages/common/src/core',
    from: ['./packages/common/src/aws', './packages/common/src/testing'],
    message: 'core knows neither AWS nor test helpers.',
  },
  { target: './packages/common/src/aws', from: './packages/common/src/testing', message: 'testing is for tests.' },
  { target: './packages/*/src/!(testing)/**', from: './packages/common/src/testing', message: 'testing is for tests.' },
];

export default tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**', '.local/**', 'coverage/**'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
      globals: globals.node,
    },
    plugins: { 'import-x': importX },
    settings: { 'import-x/resolver-next': [createTypeScriptImportResolver({ project: './tsconfig.json' })] },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      'import-x/no-restricted-paths': ['error', { basePath: import.meta.dirname, zones }],
      'import-x/no-default-export': 'error',
      'import-x/no-cycle': 'error',
      'no-console': 'error',
    },
  },
  {
    // The pure core: no AWS, no environment, no clock, no randomness.
    files: ['packages/common/src/core/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              group: [
                '@aws-sdk/*',
                '@aws-lambda-powertools/*',
                '@smithy/*',
                'node:fs*',
                'node:os',
                'node:process',
                'node:http*',
                'node:net',
              ],
              message: 'core is pure: no AWS, environment or input/output.',
            },
          ],
        },
      ],
      'no-restricted-globals': [
        'error',
        { name: 'process', message: 'core does not read the environment: take it as a parameter.' },
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'core has no clock: take the time as a parameter.' },
        { object: 'Math', property: 'random', message: 'core is deterministic: take randomness as a parameter.' },
      ],
      'no-restricted-syntax': [
        'error',
        {
          selector: "NewExpression[callee.name='Date'][arguments.length=0]",
          message: 'core has no clock: take the time as a parameter.',
        },
      ],
    },
  },
  {
    // Only common/src/aws talks to the SDK.
    files: ['packages/*/src/**/*.ts'],
    ignores: ['packages/common/src/core/**', 'packages/common/src/aws/**', 'packages/common/src/testing/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            { group: ['@aws-sdk/*', '@smithy/*'], message: 'Only @lean-ops/common/aws talks to the AWS SDK.' },
            { group: ['@lean-ops/common/testing'], message: 'testing is for tests.' },
          ],
        },
      ],
    },
  },
  { files: ['scripts/**/*.ts', 'tests/bench/**/*.ts'], rules: { 'no-console': 'off' } },
  {
    files: ['**/tests/**/*.ts'],
    rules: { '@typescript-eslint/no-non-null-assertion': 'off', '@typescript-eslint/no-unsafe-assignment': 'off' },
  },
  {
    files: ['**/*.mjs', '*.config.ts'],
    rules: { 'import-x/no-default-export': 'off' },
    languageOptions: { globals: globals.node },
  },
  prettier,
);
