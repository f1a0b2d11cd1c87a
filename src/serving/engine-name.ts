import { z } from 'zod';
import type { ServerAccess } from '../replay/transport.ts';
import { getJson } from './http-once.ts';
import { PATIENCE_MS, type ListedModel } from './reach.ts';

/** A server's engine, as its own pages name it. */
export interface EngineName {
  /** Null where no page names one. */
  readonly engine: string | null;
  readonly version: string | null;
  /** The dialect that serves such an engine best. */
  readonly adapter: 'vllm' | 'sglang' | 'distserve' | 'openai';
  /** For a list of models that has none. */
  readonly contextTokens: number | null;
}

const versionPage = z.object({ version: z.string() });
// SGLang's arguments; other engines have a page of this name with other contents.
const sglangPage = z.object({
  version: z.string().nullish(),
  model_path: z.string(),
  context_length: z.int().positive().nullish().catch(null),
});

// SGLang's router has these alone.
const modelPage = z.object({ model_path: z.string(), is_generation: z.boolean() });

// FastAPI's page of all routes: DistServe's server has one, and no page of its own.
const routesPage = z.object({ paths: z.record(z.string(), z.record(z.string(), z.unknown())) });

/** SGLang's pages under their newer and older names. */
const SGLANG_PAGES = ['/server_info', '/get_server_info', '/model_info', '/get_model_info'];

/** Reads the pages that only one engine has, and the owner of the model. */
export async function nameEngine(access: ServerAccess, model: ListedModel | undefined): Promise<EngineName> {
  const owner = model?.owner ?? null;
  // In development mode vLLM has a /server_info that may fail, with a line in its log.
  const pages = ['/version', ...(owner === 'vllm' ? [] : SGLANG_PAGES)];
  const [version, ...infos] = await Promise.all(pages.map((page) => getJson(access, page, PATIENCE_MS)));
  const pageVersion = versionPage.safeParse(version).data?.version ?? null;
  const info = infos.map((page) => sglangPage.safeParse(page).data).find((page) => page !== undefined);
  const hasModelPage = infos.some((page) => modelPage.safeParse(page).success);
  const contextTokens = info?.context_length ?? null;
  if (owner === 'sglang' || info !== undefined || hasModelPage)
    return {
      engine: nameOf(info?.version, 'sglang'),
      version: info?.version ?? pageVersion,
      adapter: 'sglang',
      contextTokens,
    };
  if (owner === 'vllm' || pageVersion !== null)
    return { engine: nameOf(pageVersion, 'vllm'), version: pageVersion, adapter: 'vllm', contextTokens };
  if (model === undefined && (await hasGenerateAlone(access)))
    return { engine: 'distserve', version: null, adapter: 'distserve', contextTokens };
  return { engine: owner, version: null, adapter: 'openai', contextTokens };
}

/** Whether a server lists `POST /generate` and nothing else, as DistServe's does; the probe shows whether it is that. */
async function hasGenerateAlone(access: ServerAccess): Promise<boolean> {
  const { paths = {} } = routesPage.safeParse(await getJson(access, '/openapi.json', PATIENCE_MS)).data ?? {};
  const [[path, methods] = [], ...others] = Object.entries(paths);
  return path === '/generate' && Object.keys(methods ?? {}).join() === 'post' && others.length === 0;
}

/** The reference engine has the pages of other engines, and its own name in the version. */
function nameOf(version: string | null | undefined, otherwise: string): string {
  return version?.startsWith('reprise') === true ? 'reprise' : otherwise;
}
