import { basename, dirname, join } from 'node:path';
import type { z } from 'zod';
import { applyTransforms, convertTrace, openSource, partsOf, resolveWorkload } from '../../workloads/index.ts';
import { EXIT, type ExitCode } from '../core/errors.ts';
import { SILENT } from '../core/log.ts';
import { text } from '../core/option-fields.ts';
import { countText } from '../core/words.ts';
import { readingOf } from '../run/trace-options.ts';
import { transformsOf } from '../run/transform-options.ts';
import { readOptions } from './command.ts';
import { print, printWarning, tell } from './terminal.ts';
import type { TraceAction } from './trace-action.ts';
import { convertSchema, traceConvert } from './trace-convert.ts';

const schema = convertSchema.extend({ by: text.default('class') });

export const traceSplit: TraceAction = {
  examples: ['reprise trace split trace.jsonl parts.rtrace.jsonl --by class'],
  takes: 'FILE OUT',
  options: {
    ...traceConvert.options,
    by: {
      type: 'string',
      describe:
        'split: field whose values are apart, as --filter knows it; each is written as OUT with -VALUE behind its name [default: class]',
    },
  },
  run: (all) => split(readOptions(schema, all)),
};

async function split(options: z.infer<typeof schema>): Promise<ExitCode> {
  const { file, out, by, to, quiet } = options;
  const log = { ...SILENT, warn: printWarning, ...(quiet ? {} : { info: tell }) };
  const spec = { path: resolveWorkload(file), ...readingOf(options), transforms: transformsOf(options) };
  const { source } = await applyTransforms(await openSource(spec.path, spec), spec.transforms);
  const taken = new Set<string>();
  for (const { value, transform } of await partsOf(source, by)) {
    const path = partFile(out, value, taken);
    const part = { ...spec, transforms: [...spec.transforms, transform] };
    const { format, requests } = await convertTrace(part, path, to ?? null, log);
    print(`${path}: ${countText(requests, 'request')} of ${by} ${JSON.stringify(value)} as ${format}\n`);
  }
  return EXIT.ok;
}

/** `parts.jsonl` -> `parts-chat.jsonl`; what is no letter, digit, `.` or `-` becomes `_`. */
function partFile(out: string, value: string, taken: Set<string>): string {
  const [, stem = '', ends = ''] = /^([^.]*)(.*)$/s.exec(basename(out)) ?? [];
  const name = value.replaceAll(/[^\w.-]/g, '_').slice(0, 100);
  let path = join(dirname(out), `${stem}-${name}${ends}`);
  for (let n = 2; taken.has(path); n++) path = join(dirname(out), `${stem}-${name}-${n}${ends}`);
  taken.add(path);
  return path;
}
