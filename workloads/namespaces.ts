import type { Request } from '../src/core/request.ts';
import { Numbers } from './numbers.ts';

/** Gives a request of one of several traces names that no other of them has: its id, what it refers to, its blocks. */
export type Renamer = (request: Request) => Request;

/** Ids, sessions and references by `name`; blocks by `block`, null: they stay. */
export function renamer(name: (id: string) => string, block: ((id: number) => number) | null): Renamer {
  return (request) => {
    const { session, parent, after, blocks } = request;
    return {
      ...request,
      id: name(request.id),
      ...(session === undefined ? {} : { session: name(session) }),
      ...(parent === undefined ? {} : { parent: name(parent) }),
      ...(after === undefined ? {} : { after: after.map(({ id, thinkUs }) => ({ id: name(id), thinkUs })) }),
      ...(blocks === undefined || block === null ? {} : { blocks: blocks.map(block) }),
    };
  };
}

/**
 * Block ids of copies of a trace that share no block: those of copy 0 stay, the others' are moved behind. Where there is
 * no room for that, all are numbered first.
 */
export function blockCopies(requests: Iterable<Request>, copies: number): (copy: number) => (id: number) => number {
  let most = -1;
  for (const { blocks = [] } of requests) for (const id of blocks) if (id > most) most = id;
  if ((most + 1) * copies <= Number.MAX_SAFE_INTEGER) return (copy) => (id) => id + copy * (most + 1);
  const numbers = new Numbers();
  for (const { blocks = [] } of requests) for (const id of blocks) numbers.of(id);
  return (copy) => (id) => numbers.of(id) + copy * numbers.size;
}

/**
 * Block ids of several traces that share no block, by the largest id of each (-1: it has none): those of the first stay,
 * the others' are moved behind. Where there is no room for that, all are numbered as they come.
 */
export function blockScopes(largest: readonly number[]): ((id: number) => number)[] {
  const total = largest.reduce((sum, most) => sum + most + 1, 0);
  let end = 0;
  return largest.map((most, scope) => {
    const start = end;
    end += most + 1;
    if (total <= Number.MAX_SAFE_INTEGER) return (id) => id + start;
    const numbers = new Numbers();
    return (id) => numbers.of(id) * largest.length + scope;
  });
}
