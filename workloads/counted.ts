import type { Source } from '../src/core/plan.ts';
import { withThousands } from '../src/core/units.ts';

/** So many requests are read in a few seconds. */
const EVERY = 1_000_000;

/** The same source, which reports how far it has been read, a line now and then. */
export function counted(source: Source, info: (text: string) => void, every = EVERY): Source {
  return {
    ...source,
    open: async function* () {
      let read = 0;
      for await (const batch of source.open()) {
        yield batch;
        const before = read;
        read += batch.length;
        if (Math.floor(read / every) > Math.floor(before / every))
          info(`${source.name}: ${withThousands(read)} requests read`);
      }
    },
  };
}
