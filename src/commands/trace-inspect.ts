import { closeSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { z } from 'zod';
import { inspectionText, inspectTrace, resolveWorkload } from '../../workloads/index.ts';
import { EXIT, UserError, type ExitCode } from '../core/errors.ts';
import { checkOutputFile, openReplaceable, writeTo } from '../core/own-file.ts';
import type { TraceInspection } from '../core/trace-inspection.ts';
import { version } from '../core/version.ts';
import { keepYoungGenerationSmall } from '../core/young-generation.ts';
import { readingOf, TEXT_FIELDS, TRACE_FIELDS } from '../run/trace-options.ts';
import { readOptions } from './command.ts';
import { OPEN_OPTION, openInBrowser } from './open-report.ts';
import { print, tell } from './terminal.ts';
import type { TraceAction } from './trace-action.ts';
import { TEXT_OPTIONS, TRACE_OPTIONS } from './trace-options.ts';

/** Bad rows are counted here, whatever they are. */
const { 'on-bad-row': _counted, ...TRACE_READING } = TRACE_OPTIONS;

const schema = z.looseObject({
  file: z.string(),
  ...TRACE_FIELDS,
  ...TEXT_FIELDS,
  html: z.string().optional(),
  json: z.boolean(),
  open: z.boolean(),
  quiet: z.boolean(),
});

export const traceInspect: TraceAction = {
  examples: [
    'reprise trace inspect trace.csv',
    'reprise trace inspect trace.csv --html --open',
    'reprise trace inspect trace.csv --json',
  ],
  takes: 'FILE',
  options: {
    ...TRACE_READING,
    ...TEXT_OPTIONS,
    html: {
      type: 'string',
      requiresArg: false,
      describe:
        'write a page with charts too, to the file behind it [default: the trace’s name and .html, in this folder]',
    },
    open: OPEN_OPTION,
    json: { type: 'boolean', default: false, describe: 'for machines' },
    quiet: { type: 'boolean', default: false, describe: 'no progress' },
  },
  run: (all) => inspect(readOptions(schema, all)),
};

async function inspect({ file, html, json, open, quiet, ...options }: z.infer<typeof schema>): Promise<ExitCode> {
  const page =
    html === undefined ? null : resolve(html === '' ? `${file === '-' ? 'trace' : basename(file)}.html` : html);
  if (page === null && open) throw new UserError('--open: there is no page to open; give --html too');
  if (page !== null) checkOutputFile(page, isPage, '--html');
  keepYoungGenerationSmall();
  const inspection = await inspectTrace(resolveWorkload(file), readingOf(options), (news) => {
    if (!quiet) tell(news);
  });
  const { charts: _charts, ...figures } = inspection;
  print(json ? `${JSON.stringify(figures, null, 2)}\n` : `${inspectionText(inspection)}\n`);
  if (page === null) return EXIT.ok;
  await writePage(page, inspection);
  // What others read from stdout is one document.
  (json ? tell : print)(`${json ? '' : '\n'}page: ${page}${json ? '' : '\n'}`);
  if (open) await openInBrowser(page);
  return EXIT.ok;
}

async function writePage(page: string, inspection: TraceInspection): Promise<void> {
  // Only a page needs them, and they take as long to load, and as much memory, as a short trace to inspect.
  const [{ writeTraceHtml }, { usualKvCapacity }] = await Promise.all([
    import('../../reports/index.ts'),
    import('../engine/index.ts'),
  ]);
  const text = await writeTraceHtml(inspection, { reading: usualKvCapacity(), version: version() });
  const descriptor = openReplaceable(page, isPage, '--html');
  try {
    writeTo(descriptor, text, page, '--html');
  } finally {
    closeSync(descriptor);
  }
}

/** Every page of ours says so in its title. */
function isPage(head: string): boolean {
  return /<title>[^<]* - Reprise<\/title>/.test(head);
}
