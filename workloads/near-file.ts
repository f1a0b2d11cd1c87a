import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { nearest } from '../src/core/did-you-mean.ts';
import { SAMPLES } from './samples/index.ts';

/** `did you mean ...? Else `: the sample, or the file of the same folder, that a path probably means; empty where none is near. */
export function nearFile(path: string): string {
  const name = basename(path);
  const isBare = name === path;
  const near = nearest(name, [...(isBare ? Object.keys(SAMPLES) : []), ...filesOf(dirname(path))]);
  return near === undefined ? '' : `did you mean ${isBare ? near : join(dirname(path), near)}? Else `;
}

function filesOf(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map(({ name }) => name);
  } catch {
    // No such folder, or not ours to list: there is nothing to suggest.
    return [];
  }
}
