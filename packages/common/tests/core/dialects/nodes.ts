/** All objects and arrays of a document, the document first. */
export function arraysAndObjects(document: object): object[] {
  const all = [document];
  // The list grows while it is read.
  for (const node of all) {
    all.push(...Object.values(node).filter((inner): inner is object => typeof inner === 'object' && inner !== null));
  }
  return all;
}
