/** What the `X-Request-Id` of every call of a run begins with: the run's name in characters that a header may hold. */
export function idPrefix(runId: string): string {
  return runId.replaceAll(/[^\w.-]/g, '_');
}

/** The `X-Request-Id` of a request, by which a server's log has it. The ids of a trace may be any text. */
export function requestIdHeader(prefix: string, id: string): string {
  return `${prefix}-${id.replaceAll(/[^!-~]/g, '_')}`;
}
