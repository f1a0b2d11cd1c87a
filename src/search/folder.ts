import { UserError } from '../core/errors.ts';
import { withDirectory } from '../runs/owner.ts';
import { LOCK_FILE } from '../runs/run-directory.ts';

/**
 * Does work that has its folder to itself: two commands in one folder would take each other's runs. Throws a UserError
 * where another goes on there; `option` names the folder on the command line.
 */
export function withFolder<T>(dir: string, work: () => Promise<T>, option = '--out'): Promise<T> {
  const goesOn = (): UserError =>
    new UserError(
      `${dir}: another command goes on here ("fuser ${dir}/${LOCK_FILE}" names its process); wait for it, end it, or choose another ${option}`,
    );
  return withDirectory(dir, work, goesOn);
}
