import { describeSystem, engineCatalogue, type EngineCatalogue, type SystemInfo } from '../engine/index.ts';
import { section } from './section.ts';

/** The catalogue of the reference engine as text or JSON; with `system`, that system's options. Ends in a newline. */
export function engineList(system: string, json: boolean): string {
  if (system === '') {
    const catalogue = engineCatalogue();
    return json ? `${JSON.stringify(catalogue, null, 2)}\n` : catalogueText(catalogue);
  }
  const info = describeSystem(system);
  return json ? `${JSON.stringify(info, null, 2)}\n` : systemText(info);
}

function catalogueText({ systems, models, gpus, costs }: EngineCatalogue): string {
  return [
    section(
      'Systems (reference:SYSTEM)',
      systems.map(({ name, source }) => [name, source]),
    ),
    section(
      'Models (model=)',
      models.map((model) => [
        model.name,
        `${(model.weight_bytes / 1e9).toFixed(1)} GB`,
        `${model.kv_bytes_per_token / 1024} KiB of KV a token`,
        `${model.max_model_len_tokens} tokens`,
        model.experts === 1 ? 'dense' : `${model.active_experts} of ${model.experts} experts`,
        `tp ${model.tp.join(' ')}`,
        model.source,
      ]),
    ),
    section(
      'GPUs (gpu=)',
      gpus.map((gpu) => [
        gpu.name,
        `${gpu.flops_per_s / 1e12} TFLOP/s`,
        `${gpu.bandwidth_bytes_per_s / 1e9} GB/s`,
        `${(gpu.memory_bytes / 1e9).toFixed(1)} GB`,
        `${gpu.link} ${gpu.link_bytes_per_s / 1e9} GB/s`,
        gpu.source,
      ]),
    ),
    section(
      'Cost models (cost=)',
      costs.map(({ name, about, source }) => [name, `${about} (${source})`]),
    ),
    'Options of a system: reprise engine list --system NAME\n',
  ].join('\n');
}

function systemText({ system, source, equals, options, warnings }: SystemInfo): string {
  const text = section(
    `${system}: ${source}`,
    options.map(({ key, value, about, expected, source: from }) => [
      `${key}=${value}`,
      `${about}; ${expected} (${from})`,
    ]),
  );
  const checked = `Equals ${equals}\n`;
  return [checked, text, ...warnings.map((warning) => `warning: ${warning}\n`)].join('');
}
