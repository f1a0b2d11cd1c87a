import { nearest } from '../core/did-you-mean.ts';
import { engineCatalogue } from '../engine/index.ts';

/** `host:8000`, `10.0.0.1`, `name.example/v1`, `[::1]:8000`, `user@host:8000`. */
const HOST = /^(?:[^\s/@]*@)?(?:localhost|[\w-]+(?=:\d)|[\w-]+(?:\.[\w-]+)+|\[[\da-f:]+\])(?::\d+)?(?:[/?#]\S*)?$/i;

/** The target that a text probably means, which is neither a URL nor a reference target; null where none is near. */
export function nearTarget(text: string): string | null {
  const [, scheme, rest = ''] = /^([a-z]+)(?::?\/\/?|(?<=https?):)(?=[^/])(.*)$/is.exec(text) ?? [];
  const near = scheme === undefined ? undefined : nearest(scheme, ['http', 'https']);
  if (near !== undefined) return `${near}://${rest}`;
  const [, word = '', system] = /^([^:,=/]*)(?:[:,=/](.*))?$/s.exec(text) ?? [];
  const systems = engineCatalogue().systems.map(({ name }) => name);
  if (systems.includes(word.toLowerCase())) return `reference:${text.toLowerCase()}`;
  if (/^:?\d{2,5}$/.test(text)) return `http://127.0.0.1:${text.replace(':', '')}`;
  if (HOST.test(text)) return `http://${text}`;
  if (nearest(word, ['reference']) !== undefined) return system === undefined ? 'reference' : `reference:${system}`;
  const nearSystem = systems.find((name) => word.length > 1 && name.startsWith(word)) ?? nearest(word, systems);
  return nearSystem === undefined ? null : `reference:${nearSystem}${text.slice(word.length)}`;
}
