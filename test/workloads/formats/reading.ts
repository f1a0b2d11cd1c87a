import type { Request } from '../../../src/core/request.ts';
import type { BadRow, LeftOut } from '../../../workloads/formats/format.ts';
import { openSource } from '../../../workloads/index.ts';
import type { OpenedSource, OpenOptions } from '../../../workloads/open-source.ts';
import { requestsOf, temporaryFiles } from '../temporary-files.ts';

/** What comes out of a file. */
export interface Reading {
  readonly format: string;
  readonly starts: 'none' | undefined;
  readonly blockTokens: number | undefined;
  readonly requests: readonly Request[];
  /** `LINE: message` of each bad row. */
  readonly bad: readonly string[];
  /** `LINE: reason` of each row that is no request to replay. */
  readonly leftOut: readonly string[];
  readonly notes: readonly string[];
}

/** Reads texts as trace files, their bad rows skipped. */
export function reader(): (text: string | Buffer, options?: Partial<OpenOptions>) => Promise<Reading> {
  const file = temporaryFiles();
  return async (text, options = {}) => {
    const bad: string[] = [];
    const leftOut: string[] = [];
    const source = await openSource(file('trace', text), {
      onBadRow: 'skip',
      onSkipped: ({ line, message }: BadRow) => bad.push(`${line}: ${message}`),
      onLeftOut: ({ line, reason }: LeftOut) => leftOut.push(`${line}: ${reason}`),
      ...options,
    });
    const requests = await requestsOf(source.open());
    const { format, starts, blockTokens } = source;
    return { format, starts, blockTokens, requests, bad, leftOut, notes: source.notes() };
  };
}

/** JSON Lines. */
export function lines(...rows: readonly unknown[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

/** Reads texts as trace files in which a bad row is an error. */
export function strictReader(): {
  readonly opened: (text: string) => Promise<OpenedSource>;
  readonly read: (text: string) => Promise<Request[]>;
  readonly notes: (text: string) => Promise<string>;
} {
  const file = temporaryFiles();
  const opened = (text: string): Promise<OpenedSource> => openSource(file('a', text), { onBadRow: 'fail' });
  return {
    opened,
    read: async (text) => requestsOf((await opened(text)).open()),
    async notes(text) {
      const source = await opened(text);
      await requestsOf(source.open());
      return source.notes().join('\n');
    },
  };
}

/** How many ids two prompts have in common from their beginning on. */
export function shared(a: readonly number[] = [], b: readonly number[] = []): number {
  const at = a.findIndex((id, i) => id !== b[i]);
  return at === -1 ? a.length : at;
}
