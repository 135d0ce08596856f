/** How a Lambda is bundled: one CommonJS file, SDK included, so that a release does not depend on the SDK of a runtime image. */
import { build } from 'tsup';

/** Writes `outDir/index.js`. */
export async function bundle(entry: string, outDir: string): Promise<void> {
  await build({
    entry: { index: entry },
    outDir,
    format: ['cjs'],
    platform: 'node',
    target: 'node20',
    bundle: true,
    // Not keepNames: it names every closure anew each time it is made, which is a fifth of the time of a batch.
    minify: true,
    noExternal: [/.*/],
    sourcemap: false,
    treeshake: true,
    clean: true,
    silent: true,
    config: false,
    // The package is "type": "module"; inside the zip there is no package.json, so .js is CommonJS for Lambda.
    outExtension: () => ({ js: '.js' }),
    esbuildOptions: (options) => {
      options.legalComments = 'none';
    },
  });
}
