import type { Request } from '../../src/core/request.ts';
import type { TraceWriter } from './writer.ts';

/** The day on which a trace that says none begins. */
const START_MS = Date.UTC(2000, 0, 1);

/** Azure's CSV of 2023: wall-clock times with seven decimals, from the start of 2000 on, and two lengths. */
export const azureWriter: TraceWriter = {
  name: 'azure',
  holds: new Set<keyof Request>(),
  open() {
    const last = { second: -1, text: '' };
    return {
      header: () => 'TIMESTAMP,ContextTokens,GeneratedTokens\n',
      line({ dueUs, inputTokens, outputTokens }) {
        const second = Math.floor(dueUs / 1e6);
        if (second !== last.second) {
          last.second = second;
          last.text = new Date(START_MS + second * 1000).toISOString().slice(0, 19).replace('T', ' ');
        }
        return `${last.text}.${String(dueUs - second * 1e6).padStart(6, '0')}0,${inputTokens},${outputTokens}\n`;
      },
      notes: [],
    };
  },
};
