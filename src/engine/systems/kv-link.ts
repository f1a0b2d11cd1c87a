import { GPUS } from '../hardware/gpus.ts';
import type { LinkShape } from '../hardware/link.ts';
import { kvBytesPerToken } from '../models/llm.ts';
import { LLMS } from '../models/llms.ts';
import type { RoleDeployment } from './deployment.ts';
import { OURS, type OptionReader } from './option-reader.ts';

/** Time until the first byte moves (AIConfigurator, latency of transfers between GPUs). */
const LATENCY_US = 10;

const LINKS = { node: {}, instant: {} };
const UNIT = 'gbps';

/** The link that carries KV memory from a prefill instance to a decode instance. */
export type KvLink = { readonly link: string };

export function readKvLink(given: OptionReader): KvLink {
  const link = given.nameOrAmount('link', LINKS, {
    unit: UNIT,
    fallback: 'node',
    about:
      'what KV memory moves over between each two instances: the link of the GPUs in a node (NVLink or PCIe), so many ' +
      'Gbit/s, or nothing that takes time',
    source: `${OURS}: all in one node; DistServe's nodes had 25${UNIT} between them`,
  });
  return { link };
}

/**
 * The links between instances of two roles, and the bytes that move over them. Within a node every GPU moves its part.
 */
export function kvTransfer(
  { link }: KvLink,
  from: RoleDeployment,
  to: RoleDeployment,
): { readonly link: LinkShape | null; readonly kvBytesPerToken: number } {
  return { link: shapeOf(link, from, to), kvBytesPerToken: kvBytesPerToken(LLMS[from.model]) };
}

function shapeOf(link: string, from: RoleDeployment, to: RoleDeployment): LinkShape | null {
  if (link === 'instant') return null;
  const gpu = GPUS[from.gpu].link;
  const pairs = Math.min(from.tp * from.pp, to.tp * to.pp);
  const bytesPerS =
    link === 'node' ? pairs * gpu.bytesPerS * gpu.efficiency : (Number(link.slice(0, -UNIT.length)) * 1e9) / 8;
  return { bytesPerS, latencyUs: LATENCY_US, segmentUs: 0 };
}
