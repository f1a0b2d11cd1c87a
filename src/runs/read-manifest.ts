import { z } from 'zod';
import { messageOf, UserError } from '../core/errors.ts';
import { foundAt, MOST_JSON_BYTES, readTextWithin } from '../core/read-within.ts';
import { type Manifest, manifestSchema } from '../schema/manifest.ts';
import { manifestFile } from './run-directory.ts';
import { refuse, sealProblem, type OnProblem } from './seal.ts';

/**
 * The manifest of a run. A UserError if `dir` is not a run directory, or its manifest is damaged; `problem` is told of one
 * that can be read and is not as it was written.
 */
export function readManifest(dir: string, problem: OnProblem = refuse): Manifest {
  const file = manifestFile(dir);
  if (foundAt(dir) === undefined) throw new UserError(`${dir}: no such directory`);
  if (foundAt(file) === undefined)
    throw new UserError(`${dir}: not a run directory: there is no run.json in it; name one that \`reprise run\` made`);
  let json: unknown;
  try {
    json = JSON.parse(readTextWithin(file, MOST_JSON_BYTES));
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(
      `${file}: damaged: ${messageOf(error)}; restore the file, or run again (the records beside it are whole files of their own)`,
      { cause: error },
    );
  }
  const parsed = manifestSchema.safeParse(json);
  if (parsed.success) {
    const wrong = sealProblem(file, json);
    if (wrong !== null) problem(wrong);
    return parsed.data;
  }
  throw new UserError(`${file}: not a manifest of this version of Reprise:\n${z.prettifyError(parsed.error)}`);
}
