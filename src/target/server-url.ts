import type { ApiEndpoint } from '../../adapters/index.ts';
import { UserError } from '../core/errors.ts';
import { withoutQueryValues } from '../core/secrets.ts';
import { endsInVersion } from '../replay/transport.ts';

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

/** Routes that a user may have copied with the URL, and their endpoints. */
const ROUTES: readonly (readonly [route: RegExp, endpoint: ApiEndpoint | null])[] = [
  [/\/chat\/completions\/*$/, 'chat'],
  [/\/completions\/*$/, 'completions'],
  [/\/generate\/*$/, 'generate'],
  [/\/models\/*$/, null],
];

/** Reads `--target`: a base URL, or the URL of a route, which gives its base and its endpoint. Throws a UserError. */
export function readServerUrl(text: string): ServerUrl {
  const url = parseUrl(text);
  const query = url.search;
  url.search = '';
  url.hash = '';
  const [route, endpoint] = ROUTES.find(([each]) => each.test(url.pathname)) ?? [];
  if (route === undefined) return { url: url.href, query, isUnversioned: false, endpoint: null };
  url.pathname = url.pathname.replace(route, '');
  // SGLang's own route has no version, and its server has the other routes below /v1.
  const isUnversioned = endpoint !== 'generate' && !endsInVersion(url);
  return { url: url.href, query, isUnversioned, endpoint: endpoint ?? null };
}

/** Throws a UserError that names `option` if `text` is no HTTP URL, or holds a password. */
export function parseUrl(text: string, option = '--target'): URL {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text))
    throw new UserError(
      option === '--target'
        ? `--target: "${withoutQueryValues(text)}" is neither a URL (http://127.0.0.1:8000) nor reference[:SYSTEM[,key=value...]]`
        : `${option}: "${withoutQueryValues(text)}" is not a URL such as http://127.0.0.1:8000/health`,
    );
  const url = new URL(text);
  if (url.username !== '' || url.password !== '')
    throw new UserError(
      `${option}: a URL with a password would end up in files and logs; pass it by --api-key-env or --header instead`,
    );
  return url;
}
