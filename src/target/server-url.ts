import type { ApiEndpoint } from '../../adapters/index.ts';
import { UserError } from '../core/errors.ts';
import { withoutQueryValues } from '../core/secrets.ts';
import { endsInVersion } from '../replay/transport.ts';
import { nearTarget } from './near-target.ts';

/** A server's URL, read once: plain data. */
export interface ServerUrl {
  /** The base of all routes, without a query. */
  readonly url: string;
  /** Sent with every call; empty where there is none. It may hold a key, and is in no message or file. */
  readonly query: string;
  /** Whether OpenAI's routes are known to stand right below the URL rather than below `/v1`. */
  readonly isUnversioned: boolean;
  /** Endpoint of the route that the URL names; null where it names none. */
  readonly endpoint: ApiEndpoint | null;
}

/** Routes that a user may have copied with the URL, and their endpoints; `page`: one that has no version. */
const ROUTES: readonly (readonly [route: RegExp, endpoint: ApiEndpoint | 'page' | null])[] = [
  [/\/chat\/completions\/*$/, 'chat'],
  [/\/completions\/*$/, 'completions'],
  [/\/generate\/*$/, 'generate'],
  [/\/models\/*$/, null],
  [/\/(?:metrics|health|health_generate|ping|version|docs|redoc|openapi\.json|tokenize|get_model_info)\/*$/, 'page'],
];
/** Routes of endpoints that are not replayed. */
const OTHER_ROUTES = /\/(?:responses|messages|embeddings|audio\/\w+|images\/\w+|rerank|score|classify)\/*$/;

/** Reads `--target`: a base URL, or the URL of a route, which gives its base and its endpoint. Throws a UserError. */
export function readServerUrl(text: string): ServerUrl {
  const url = parseUrl(text);
  const query = url.search;
  url.search = '';
  url.hash = '';
  const [route, endpoint] = ROUTES.find(([each]) => each.test(url.pathname)) ?? [];
  if (route === undefined) {
    refuseOtherRoute(url);
    return { url: url.href, query, isUnversioned: false, endpoint: null };
  }
  url.pathname = url.pathname.replace(route, '');
  if (endpoint === 'page') return { url: url.href, query, isUnversioned: false, endpoint: null };
  // SGLang's own route has no version, and its server has the other routes below /v1.
  const isUnversioned = endpoint !== 'generate' && !endsInVersion(url);
  return { url: url.href, query, isUnversioned, endpoint: endpoint ?? null };
}

function refuseOtherRoute(url: URL): void {
  const [route] = OTHER_ROUTES.exec(url.pathname) ?? [];
  if (route === undefined) return;
  const base = new URL(url);
  base.pathname = url.pathname.slice(0, -route.length);
  throw new UserError(
    `--target: ${route} is an endpoint that reprise does not replay; name the base of the server, ${base.href}, and --endpoint chat or completions`,
  );
}

/** Throws a UserError that names `option` if `text` is no HTTP URL, or holds a password. */
export function parseUrl(text: string, option = '--target'): URL {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text))
    throw new UserError(
      option === '--target'
        ? `--target: "${withoutQueryValues(text)}" is neither a URL (http://127.0.0.1:8000) nor reference[:SYSTEM[,key=value...]]${hint(text)}`
        : `${option}: "${withoutQueryValues(text)}" is not a URL such as http://127.0.0.1:8000/health`,
    );
  const url = new URL(text);
  if (url.username !== '' || url.password !== '')
    throw new UserError(
      `${option}: a URL with a password would end up in files and logs; pass it by --api-key-env or --header instead`,
    );
  return url;
}

function hint(text: string): string {
  const near = nearTarget(text);
  if (near === null) return '';
  if (/^https?:/i.test(near) && !URL.canParse(near))
    return Number(/:(\d+)(?=[/?#]|$)/.exec(near)?.[1]) > 65_535 ? '; a port is a number up to 65535' : '';
  return `; did you mean ${withoutQueryValues(near)}?`;
}
