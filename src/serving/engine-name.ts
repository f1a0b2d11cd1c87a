import { z } from 'zod';
import type { ServerAccess } from '../replay/transport.ts';
import { getJson } from './http-once.ts';
import { PATIENCE_MS, type ListedModel } from './reach.ts';

/** What a server says it is. */
export interface EngineName {
  /** Null where nothing tells. */
  readonly engine: string | null;
  readonly version: string | null;
  /** The dialect that such an engine speaks best. */
  readonly adapter: 'vllm' | 'sglang' | 'openai';
  /** Where the list of models does not say. */
  readonly contextTokens: number | null;
}

const versionPage = z.object({ version: z.string() });
// SGLang's arguments; others have a page of the same name, and other things on it.
const sglangPage = z.object({
  version: z.string().nullish(),
  model_path: z.string(),
  context_length: z.int().positive().nullish().catch(null),
});

// What SGLang's router has of it.
const modelPage = z.object({ model_path: z.string(), is_generation: z.boolean() });

/** SGLang's pages under their newer and older names. */
const SGLANG_PAGES = ['/server_info', '/get_server_info', '/model_info', '/get_model_info'];

/** Asks for the pages that only one engine has, and reads who owns the model. */
export async function nameEngine(access: ServerAccess, model: ListedModel | undefined): Promise<EngineName> {
  const owner = model?.owner ?? null;
  // A vLLM in development mode has a /server_info that may fail, and would say so in its log.
  const pages = ['/version', ...(owner === 'vllm' ? [] : SGLANG_PAGES)];
  const [version, ...infos] = await Promise.all(pages.map((page) => getJson(access, page, PATIENCE_MS)));
  const told = versionPage.safeParse(version).data?.version ?? null;
  const info = infos.map((page) => sglangPage.safeParse(page).data).find((page) => page !== undefined);
  const hasModelPage = infos.some((page) => modelPage.safeParse(page).success);
  const contextTokens = info?.context_length ?? null;
  if (owner === 'sglang' || info !== undefined || hasModelPage)
    return {
      engine: nameOf(info?.version, 'sglang'),
      version: info?.version ?? told,
      adapter: 'sglang',
      contextTokens,
    };
  if (owner === 'vllm' || told !== null)
    return { engine: nameOf(told, 'vllm'), version: told, adapter: 'vllm', contextTokens };
  return { engine: owner, version: null, adapter: 'openai', contextTokens };
}

/** The reference engine speaks as others do, and says that it is not one of them. */
function nameOf(version: string | null | undefined, otherwise: string): string {
  return version?.startsWith('reprise') === true ? 'reprise' : otherwise;
}
