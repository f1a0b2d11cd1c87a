import module from 'node:module';
import { extname } from 'node:path';

/** Where our own code begins: `src/` with the folders beside it, as TypeScript or as it was built. */
const OURS = new URL('../..', import.meta.url).href;
const PACKAGES = `${OURS}node_modules/`;
const FORMAT = extname(import.meta.filename) === '.ts' ? 'module-typescript' : 'module';

/**
 * Modules that a package loads for an export of which nothing here is used, and what is loaded in their place: each
 * costs every process and thread that uses the package some 50 ms of CPU or more.
 */
const INSTEAD: readonly {
  readonly of: RegExp;
  readonly asks: string;
  /** Null: nothing. */
  readonly gets: string | null;
}[] = [
  // It takes four functions from there that vega-util has: all charts and maps of Vega, 300 modules.
  { of: /\/node_modules\/vega-lite\//, asks: 'vega', gets: 'vega-util' },
  // Its messages in 50 languages; it loads the English ones by themselves.
  { of: /\/node_modules\/zod\//, asks: '../locales/index.js', gets: null },
  // How wide emoji and the scripts of Asia are, of which no help has any.
  {
    of: /\/node_modules\/(?:yargs|cliui|wrap-ansi)\//,
    asks: 'string-width',
    gets: new URL(`./text-width${extname(import.meta.filename)}`, import.meta.url).href,
  },
];

/** For the thread that imports this module, of what it imports later. */
module.registerHooks({
  resolve(asked, context, next) {
    const { parentURL = '' } = context;
    // An import of ours names the file itself: Node would look at each folder of its path, and for a package.json in them.
    if (asked.startsWith('.') && asked.endsWith(extname(import.meta.filename)) && isOurs(parentURL))
      return { url: new URL(asked, parentURL).href, format: FORMAT, shortCircuit: true };
    const found = INSTEAD.find(({ of, asks }) => asks === asked && of.test(parentURL));
    if (found === undefined) return next(asked, context);
    if (found.gets === null) return { url: 'data:text/javascript,', format: 'module', shortCircuit: true };
    return next(found.gets, context);
  },
});

function isOurs(url: string): boolean {
  return url.startsWith(OURS) && !url.startsWith(PACKAGES);
}
