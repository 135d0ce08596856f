/** Bundles a Lambda as one CommonJS file with the SDK in it, so that a release does not depend on a runtime image's SDK. */
import { build } from 'tsup';

/** Writes the bundle of `entry` to `outDir/index.js`. */
export async function bundle(entry: string, outDir: string): Promise<void> {
  await build({
    entry: { index: entry },
    outDir,
    format: ['cjs'],
    platform: 'node',
    target: 'node20',
    bundle: true,
    // keepNames stays off: it names every closure each time it is made, which took a fifth of a batch's time.
    minify: true,
    noExternal: [/.*/],
    sourcemap: false,
    treeshake: true,
    clean: true,
    silent: true,
    config: false,
    // The package has "type": "module", but the zip has no package.json, so Lambda takes .js for CommonJS.
    outExtension: () => ({ js: '.js' }),
    esbuildOptions: (options) => {
      options.legalComments = 'none';
    },
  });
}
