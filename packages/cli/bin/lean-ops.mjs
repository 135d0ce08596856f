#!/usr/bin/env node
/**
 * `lean-ops` from any directory and for any user of this checkout: `node …/packages/cli/bin/lean-ops.mjs schema lint`. It
 * needs no build and nothing on the PATH: tsx is the package's own, and reads this repository's tsconfig, not that of
 * the directory it is started in.
 */
import { fileURLToPath } from 'node:url';
import { register } from 'tsx/esm/api';

// The SDK is pinned here: people who run the command need no warning about a later one.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
register({ tsconfig: fileURLToPath(new URL('../../../tsconfig.json', import.meta.url)) });
await import('../src/main.ts');
