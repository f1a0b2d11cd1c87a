import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { sweepMarkdown, writeSweepHtml } from '../../../reports/index.ts';
import { messageOf, UserError } from '../../core/errors.ts';
import { MOST_JSON_BYTES, readTextWithin } from '../../core/read-within.ts';
import { checkTogether, makeDirectory, writeWhole } from '../../runs/run-directory.ts';
import { sweepSchema, type SweepReport } from '../../schema/sweep.ts';

const sweepFile = (dir: string): string => join(dir, 'sweep.json');

/** The page of a sweep; `judged` names another SLO than its own, whose files stand beside those of the sweep. */
export function sweepPage(dir: string, judged: string | null = null): string {
  return join(dir, `sweep${suffix(judged)}.html`);
}

function suffix(judged: string | null): string {
  return judged === null ? '' : `-${judged}`;
}

/** Throws a UserError where the files of a sweep would replace others. */
export function checkSweepFiles(dir: string, judged: string | null = null): void {
  const names = ['json', 'md', 'html'].map((kind) => `sweep${suffix(judged)}.${kind}`);
  const [first = '', ...others] = names;
  checkTogether(dir, [first, ...others], 'at');
}

/** Writes `sweep.json`, `sweep.md` and `sweep.html` beside the runs. */
export async function writeSweep(dir: string, report: SweepReport, judged: string | null = null): Promise<void> {
  checkSweepFiles(dir, judged);
  const page = await writeSweepHtml(report, judged);
  makeDirectory(dir);
  writeWhole(join(dir, `sweep${suffix(judged)}.json`), `${JSON.stringify(report, null, 2)}\n`);
  writeWhole(join(dir, `sweep${suffix(judged)}.md`), sweepMarkdown(report));
  writeWhole(sweepPage(dir, judged), page);
}

export function isSweep(dir: string): boolean {
  return existsSync(sweepFile(dir));
}

/** Throws a UserError where `sweep.json` is damaged. */
export function readSweep(dir: string): SweepReport {
  const file = sweepFile(dir);
  let json: unknown;
  try {
    json = JSON.parse(readTextWithin(file, MOST_JSON_BYTES));
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${file}: damaged: ${messageOf(error)}; repeat the command of the sweep, which reads its runs`);
  }
  const parsed = sweepSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new UserError(`${file}: not a sweep of this version of Reprise:\n${z.prettifyError(parsed.error)}`);
}
