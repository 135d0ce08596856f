/** What we use of the package, which has no types of its own. */
declare module 'asl-validator' {
  interface Result {
    readonly isValid: boolean;
    readonly errors: readonly { readonly 'Error code': string; readonly Message?: string; readonly path?: string }[];
    /** The errors as one text. */
    readonly errorsText: (separator?: string) => string;
  }
  /** Changes the definition: states get the language that their machine is in. */
  function validate(definition: object): Result;
  // eslint-disable-next-line import-x/no-default-export -- how a CommonJS file looks to Node
  export default validate;
}
