import { appendFileSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../core/errors.ts';
import { MOST_JSON_BYTES, readTextWithin } from '../../core/read-within.ts';
import { makeDirectory, writeError, writeWhole } from '../../runs/run-directory.ts';
import { readKept } from '../../runs/kept-json.ts';
import { sealed } from '../../runs/seal.ts';
import { acceptedSchema, nightSchema, type Accepted, type Night } from '../../schema/history.ts';

/** Runs of so many last nights are never deleted. */
const KEPT_NIGHTS = 40;

/** The nights of a branch, as its folder has them. */
export interface BranchHistory {
  readonly folder: string;
  readonly nights: readonly Night[];
  readonly accepted: Accepted | null;
}

/** The folder of a branch, whose name may hold what a folder's may not. */
export function branchFolder(dir: string, branch: string): string {
  return join(dir, branch.replaceAll(/[^\w.-]+/g, '-').replace(/^\.+/, '-'));
}

/** Folders of branches below `dir`, or `dir` itself. Throws a UserError where there is no history. */
export function branchFolders(dir: string): string[] {
  if (existsSync(historyFile(dir))) return [dir];
  const found = existsSync(dir)
    ? readdirSync(dir)
        .map((name) => join(dir, name))
        .filter((folder) => existsSync(historyFile(folder)))
        .sort()
    : [];
  if (found.length === 0)
    throw new UserError(`${dir}: no history.jsonl in it, nor in its folders; name the --baseline of reprise nightly`);
  return found;
}

/** What a folder holds; nothing where it is not there yet. A UserError names a line that cannot be read. */
export function readHistory(folder: string): BranchHistory {
  const file = historyFile(folder);
  const lines = existsSync(file) ? readTextWithin(file, MOST_JSON_BYTES).split('\n') : [];
  const nights = lines.flatMap((line, i) =>
    line.trim() === '' ? [] : [unsealed(readKept(nightSchema, line, `${file}:${i + 1}`))],
  );
  const chosen = acceptedFile(folder);
  const accepted = existsSync(chosen)
    ? unsealed(readKept(acceptedSchema, readTextWithin(chosen, MOST_JSON_BYTES), chosen))
    : null;
  return { folder, nights, accepted };
}

function unsealed<T extends { readonly seal?: string | undefined }>(kept: T): Omit<T, 'seal'> {
  const { seal: _, ...content } = kept;
  return content;
}

/** The nights of a branch; a UserError where the folder is of another branch with such a name. */
export function historyOf(dir: string, branch: string): BranchHistory {
  const history = readHistory(branchFolder(dir, branch));
  const other = history.nights.find((night) => night.branch !== branch);
  if (other !== undefined)
    throw new UserError(
      `--branch ${branch}: ${history.folder} is that of the branch ${other.branch}; give this one another --baseline folder`,
    );
  return history;
}

/** Adds a line, which is never changed again. */
export function appendNight(folder: string, night: Night): void {
  const file = historyFile(folder);
  makeDirectory(folder);
  // What a crash left of a line is not continued.
  const isTorn = existsSync(file) && !/(?:^|\n)$/.test(readTextWithin(file, MOST_JSON_BYTES));
  try {
    appendFileSync(file, `${isTorn ? '\n' : ''}${JSON.stringify(sealed(night))}\n`);
  } catch (error) {
    throw writeError(file, error);
  }
}

/** Later nights are compared with this one. */
export function acceptNight({ folder }: BranchHistory, { run_id, dir }: Night, acceptedAt: string): Accepted {
  const accepted: Accepted = { schema: 1, run_id, dir, accepted_at: acceptedAt };
  makeDirectory(folder);
  writeWhole(acceptedFile(folder), `${JSON.stringify(sealed(accepted), null, 2)}\n`);
  return accepted;
}

/** The newest valid night, or the one that is named. A UserError says why a night cannot be accepted. */
export function nightToAccept({ folder, nights }: BranchHistory, runId: string | null): Night {
  const night =
    runId === null ? nights.findLast(({ valid }) => valid) : nights.findLast(({ run_id }) => run_id === runId);
  if (night === undefined)
    throw new UserError(
      runId === null
        ? `--accept: ${folder} has no valid night yet; run one first`
        : `--accept ${runId}: ${folder} has no such night; it has ${named(nights)}`,
    );
  if (!night.valid) throw new UserError(`--accept ${night.run_id}: is not valid: ${night.reasons.join('; ')}`);
  if (!existsSync(join(folder, night.dir)))
    throw new UserError(`--accept ${night.run_id}: its run is gone (${join(folder, night.dir)}); accept a later one`);
  return night;
}

/** Deletes the runs of nights that started before `beforeIso`, but for the last ones and the accepted one. */
export function expireRuns({ folder, nights, accepted }: BranchHistory, beforeIso: string): string[] {
  const old = nights
    .slice(0, -KEPT_NIGHTS)
    .filter(({ started_at, run_id }) => started_at < beforeIso && run_id !== accepted?.run_id)
    .map(({ dir }) => join(folder, dir))
    .filter((dir) => existsSync(dir));
  for (const dir of old) rmSync(dir, { recursive: true, force: true });
  return old;
}

/** The page of what a night measured, from the folder of its branch; null: it has expired, or was interrupted before. */
export function nightPage(folder: string, { dir, measured }: Night): string | null {
  const page = join(dir, measured.kind === 'run' ? 'report.html' : 'goodput.html');
  return existsSync(join(folder, page)) ? page : null;
}

export const trendFiles = (folder: string): { readonly page: string; readonly markdown: string } => ({
  page: join(folder, 'trend.html'),
  markdown: join(folder, 'trend.md'),
});

export const hasHistory = (folder: string): boolean => existsSync(historyFile(folder));

const historyFile = (folder: string): string => join(folder, 'history.jsonl');
const acceptedFile = (folder: string): string => join(folder, 'accepted.json');

const SHOWN = 5;

function named(nights: readonly Night[]): string {
  if (nights.length === 0) return 'none';
  const last = nights.slice(-SHOWN).map(({ run_id }) => run_id);
  return `${nights.length > SHOWN ? '..., ' : ''}${last.join(', ')}`;
}
