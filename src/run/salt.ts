import { randomBytes } from 'node:crypto';

/** A salt for one run: only a command, or the door for programs, may ask for it. */
export function newSalt(): string {
  return randomBytes(6).toString('hex');
}
