import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { UserError } from '../../core/errors.ts';
import { branchFolder } from './history.ts';

/** Of a folder that is in no repository. */
const NO_BRANCH = 'main';
/** What default branches are called, where git does not tell. */
const USUAL_DEFAULTS = ['main', 'master'] as const;

/** The commit that is checked out; null outside a repository, and before its first commit. */
export function currentCommit(): string | null {
  return git('rev-parse', '--verify', '--quiet', 'HEAD');
}

/** The branch that is checked out. Throws a UserError where a commit is, as in many CI jobs. */
export function currentBranch(): string {
  const branch = git('symbolic-ref', '--quiet', '--short', 'HEAD');
  if (branch !== null) return branch;
  if (git('rev-parse', '--git-dir') === null) return NO_BRANCH;
  throw new UserError('--branch: no branch is checked out here, but a commit; say whose history this night belongs to');
}

/** The branch that others come from, as the remote says or as it is usually called; null: none has a history. */
export function defaultBranch(dir: string): string | null {
  const ofRemote = git('symbolic-ref', '--quiet', '--short', 'refs/remotes/origin/HEAD')?.replace(/^origin\//, '');
  return (
    [ofRemote, ...USUAL_DEFAULTS].find((name) => name !== undefined && existsSync(branchFolder(dir, name))) ?? null
  );
}

/** What git prints; null where there is no git, no repository, or nothing to print. */
function git(...args: readonly string[]): string | null {
  const { status, stdout } = spawnSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return status === 0 && stdout.trim() !== '' ? stdout.trim() : null;
}
