import type { Request } from '../../../src/core/request.ts';

/** A request of which only the prompt matters. */
export const request = (id: string, inputTokens: number, blocks?: readonly number[]): Request => ({
  id,
  traceRow: 1,
  dueUs: 0,
  inputTokens,
  outputTokens: 1,
  ...(blocks === undefined ? {} : { blocks }),
});

/** How many leading elements two lists share. */
export function common(a: readonly unknown[], b: readonly unknown[]): number {
  const first = a.findIndex((each, i) => each !== b[i]);
  return first === -1 ? a.length : first;
}
