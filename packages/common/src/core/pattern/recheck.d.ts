/** The build of recheck without workers, a JVM or binaries: `checkSync` runs in this thread. */
declare module 'recheck/lib/browser.js' {
  import type * as recheck from 'recheck';
  export const checkSync: typeof recheck.checkSync;
  const exported: { readonly checkSync: typeof recheck.checkSync };
  // eslint-disable-next-line import-x/no-default-export -- how a CommonJS file looks to Node
  export default exported;
}
