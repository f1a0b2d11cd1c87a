import type { Manifest } from '../../src/schema/manifest.ts';
import type { Summary } from '../../src/schema/summary.ts';
import { withThousands } from '../../src/core/units.ts';
import { countText, listText } from '../../src/core/words.ts';
import { certificateOfRunText } from '../certificate-words.ts';
import { commandText, sloText, timeTexts } from '../format.ts';
import { importedProvenance } from './imported.ts';
import { factLines, html, type Markup, section, type Section } from './markup.ts';

/** Command, versions, digests and settings: all that is needed to repeat the run. */
export function provenance(manifest: Manifest, { records_sha256, left_out }: Summary): Section {
  const { workload, target, machine, imported } = manifest;
  if (imported !== undefined) return importedProvenance(manifest, imported);
  const transforms = workload.transforms.map(
    ({ op, args }) =>
      `${op}(${Object.entries(args)
        .map(([name, value]) => `${name}=${value}`)
        .join(', ')})`,
  );
  const facts = Object.entries(target.facts).flatMap(([name, value]) => (value === null ? [] : [`${name}=${value}`]));
  const [wholeTimeout, ttftTimeout] = timeTexts([manifest.timeout_s, manifest.ttft_timeout_s]);
  const wide: [name: string, value: Markup | string][] = [
    [
      'target',
      `${target.spec}${target.adapter === 'none' ? '' : `, adapter ${target.adapter}`}${facts.length === 0 ? '' : `: ${facts.join(', ')}`}`,
    ],
  ];
  const lines: [name: string, value: Markup | string][] = [
    ['run', manifest.run_id],
    [
      'versions',
      Object.entries(manifest.versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(', '),
    ],
    ['workload', `${workload.name} (${workload.format}), ${workload.path}`],
    ['workload SHA-256', html`<code>${workload.sha256}</code>`],
    ['transforms', transforms.length === 0 ? 'none' : transforms.join(', then ')],
    ['measured', measuredText(left_out)],
    ['plan SHA-256', html`<code>${manifest.plan_sha256}</code>`],
    ['seed', `${manifest.seed}${manifest.salt === null ? '' : `, and the salt of the prompts ${manifest.salt}`}`],
    ['requests', bodyText(manifest)],
    ...(manifest.prepared === null
      ? []
      : [['before the run', preparedText(manifest.prepared)] satisfies [string, string]]),
    ['SLO', sloText(manifest.slo)],
    ['clock', manifest.clock],
    ['timeouts', `${wholeTimeout} to the last byte, ${ttftTimeout} to the first token`],
    [
      'machine',
      `${machine.os}, ${machine.cpu}, ${machine.cores} cores, ${withThousands((machine.memory_bytes / 2 ** 30).toFixed(1))} GiB`,
    ],
    ...(manifest.clock === 'virtual'
      ? []
      : [['certificate', certificateOfRunText(manifest)] satisfies [string, string]]),
    ...(records_sha256 === null
      ? []
      : [['records SHA-256', html`<code>${records_sha256}</code>`] satisfies [string, Markup]]),
  ];
  return section(
    { id: 'repeat', heading: 'How to repeat it', name: 'Provenance' },
    html`<div class="dense">
      ${factLines([['command', html`<code>${commandText(manifest.command)}</code>`]])}
      <details class="kept">
        <summary>versions, digests, settings and machine</summary>
        ${factLines(wide)}${factLines(lines, 'columns')}
      </details>
    </div>`,
  );
}

/** How the bodies of requests differ from the usual ones. */
function bodyText({ ignore_eos, stream, temperature, extra_body }: Manifest): string {
  return [
    ignore_eos ? 'outputs as long as the trace says' : 'outputs as the model ends them (--no-ignore-eos)',
    ...(stream ? [] : ["answers not streamed, token times by the server's clock (--no-stream)"]),
    `temperature ${temperature}`,
    ...(extra_body === null ? [] : [`every body with ${JSON.stringify(extra_body)}`]),
  ].join(', ');
}

function preparedText({ warmup_requests, cache_reset }: NonNullable<Manifest['prepared']>): string {
  const verified =
    cache_reset?.verified_by === 'cached_tokens'
      ? 'verified by cached_tokens'
      : cache_reset?.verified_by === 'hit_counters'
        ? "verified by the server's hit counters"
        : 'not verified';
  return listText([
    ...(warmup_requests === 0 ? [] : [countText(warmup_requests, 'warm-up request')]),
    ...(cache_reset === null ? [] : [`prefix cache emptied by POST ${cache_reset.route} (${verified})`]),
  ]);
}

function measuredText(left_out: Summary['left_out']): string {
  if (left_out === null) return 'every request';
  const { warmup_s, cooldown_s, from_s, to_s } = left_out;
  const [from, to, warmup, cooldown] = timeTexts([from_s, to_s, warmup_s, cooldown_s]);
  return `requests due from ${from} to ${to} (warm-up ${warmup}, cool-down ${cooldown})`;
}
