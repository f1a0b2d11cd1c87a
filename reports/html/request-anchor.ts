/** The id of the record of a request in a page, for links to it: `report.html#request-r12`. */
export function requestAnchor(requestId: string): string {
  return `request-${encodeURIComponent(requestId.toWellFormed())}`;
}
