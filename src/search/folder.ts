import { UserError } from '../core/errors.ts';
import { withDirectory } from '../runs/owner.ts';
import { LOCK_FILE } from '../runs/run-directory.ts';

/**
 * Does work that has its folder to itself: two commands in one folder would take each other's runs. Throws a UserError
 * where another goes on there.
 */
export function withFolder<T>(dir: string, work: () => Promise<T>): Promise<T> {
  const goesOn = (): UserError =>
    new UserError(
      `${dir}: another command goes on here ("fuser ${dir}/${LOCK_FILE}" names its process); wait for it, end it, or choose another --out`,
    );
  return withDirectory(dir, work, goesOn);
}
