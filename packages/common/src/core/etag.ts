/** An ETag without the quotes that S3's API puts round it, and its events do not. */
export function bareEtag(etag: string): string {
  return etag.replace(/^"|"$/g, '');
}
