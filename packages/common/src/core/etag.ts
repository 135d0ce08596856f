/** Takes off the quotes that S3's API puts round an ETag; S3's events write it without them. */
export function bareEtag(etag: string): string {
  return etag.replace(/^"|"$/g, '');
}
