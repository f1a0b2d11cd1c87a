import { readFileSync } from 'node:fs';

/** What the kernel says in a file of /proc; null where it has none such: another system, or what it is of has ended. */
export function kernelFile(path: `/proc/${string}`): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return null;
  }
}
