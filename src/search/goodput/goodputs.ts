import { basename, join } from 'node:path';
import { UserError } from '../../core/errors.ts';
import { goodputsMarkdown, writeGoodputsHtml } from '../../../reports/index.ts';
import { checkTogether, LOCK_FILE, writeWhole } from '../../runs/run-directory.ts';
import type { GoodputReport, GoodputsReport } from '../../schema/goodput.ts';
import { checkTarget } from '../../target/target-spec.ts';
import type { GoodputSearch, SearchHooks } from './context.ts';
import { leaveGoodput } from './files.ts';
import { checkFolder, searchGoodput } from './goodput.ts';
import { withFolder } from '../folder.ts';

/** The search of one target among several. */
export interface NamedSearch {
  /** No other has it. */
  readonly name: string;
  readonly search: GoodputSearch;
}

/** A target whose search has failed; the others go on. */
interface FailedSearch {
  readonly name: string;
  readonly error: UserError;
}

export interface Goodputs {
  readonly targets: GoodputsReport['targets'];
  readonly failed: readonly FailedSearch[];
}

/** The searches of several targets, each in a folder of its own in `dir`: `1-NAME`. */
export function namedSearches(dir: string, searches: readonly GoodputSearch[]): NamedSearch[] {
  const names = searches.map(({ target }) => target.spec.name);
  return searches.map((search, i) => {
    const own = names[i] ?? '';
    const isShared = names.indexOf(own) !== names.lastIndexOf(own);
    return { name: isShared ? `${own}-${i + 1}` : own, search: { ...search, dir: join(dir, `${i + 1}-${own}`) } };
  });
}

/**
 * The goodputs of several targets by the same requests, one target after another. A target that fails does not end the
 * others; what it needs to be searched for again stays until all have been found. Writes `goodputs.json`.
 * Throws a UserError where it is interrupted: it goes on from there in the same folder.
 */
export async function searchGoodputs(
  dir: string,
  searches: readonly NamedSearch[],
  hooksOf: (of: NamedSearch) => SearchHooks,
): Promise<Goodputs> {
  checkFolder(dir, [LOCK_FILE, ...searches.map(({ search }) => basename(search.dir))]);
  checkTogether(dir, ['goodputs.json', 'goodputs.md', 'goodputs.html'], 'targets');
  for (const { search } of searches) checkTarget(search.target);
  return withFolder(dir, async () => {
    const found: (NamedSearch & { readonly report: GoodputReport })[] = [];
    const failed: FailedSearch[] = [];
    for (const each of searches) {
      const hooks = hooksOf(each);
      try {
        const others = searches.filter((other) => other !== each).map(({ search: of }) => of.specAt(null, of.dir));
        const report = await searchGoodput({ ...each.search, keep: 'all' }, hooks, null, others);
        found.push({ ...each, report });
      } catch (error) {
        if (!(error instanceof UserError) || hooks.stop.aborted) throw error;
        failed.push({ name: each.name, error });
      }
    }
    const targets: GoodputsReport['targets'][number][] = [];
    for (const { name, search, report } of found) {
      const kept = failed.length > 0 ? report : await leaveGoodput(search.dir, report, search.keep);
      targets.push({ name, dir: basename(search.dir), report: kept });
    }
    if (targets.length > 0) await writeGoodputs(dir, { schema: 1, targets });
    return { targets, failed };
  });
}

async function writeGoodputs(dir: string, report: GoodputsReport): Promise<void> {
  const page = await writeGoodputsHtml(report.targets);
  writeWhole(join(dir, 'goodputs.json'), `${JSON.stringify(report, null, 2)}\n`);
  writeWhole(join(dir, 'goodputs.md'), goodputsMarkdown(report.targets));
  writeWhole(join(dir, 'goodputs.html'), page);
}
