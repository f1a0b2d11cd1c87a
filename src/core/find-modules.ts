import module from 'node:module';
import { extname } from 'node:path';

const EXTENSION = extname(import.meta.filename);
/** Where our own code begins: `src/` with the folders beside it, as TypeScript or as it was built. */
const OURS = new URL('../..', import.meta.url).href;
const PACKAGES = `${OURS}node_modules/`;
const FORMAT = EXTENSION === '.ts' ? 'module-typescript' : 'module';
const FOR_YARGS = new URL(`./for-yargs${EXTENSION}`, import.meta.url).href;
const NOTHING = 'data:text/javascript,';

/**
 * Modules that a package loads of which nothing here is used, or little, and what is loaded in their place: each costs
 * every process and thread that uses the package 5 to 100 ms of CPU.
 */
const INSTEAD: readonly { readonly of: RegExp; readonly asks: string; readonly gets: string }[] = [
  // It takes four functions from there that vega-util has: all charts and maps of Vega, 300 modules.
  { of: /\/node_modules\/vega-lite\//, asks: 'vega', gets: 'vega-util' },
  // Its messages in 50 languages; it loads the English ones by themselves.
  { of: /\/node_modules\/zod\//, asks: '../locales/index.js', gets: NOTHING },
  { of: /\/node_modules\/(?:yargs|cliui|wrap-ansi)\//, asks: 'string-width', gets: FOR_YARGS },
  { of: /\/node_modules\/yargs\//, asks: 'assert', gets: FOR_YARGS },
];

/** Packages as our own code finds them, which is the same from all its folders. */
const found = new Map<string, module.ResolveFnOutput>();

/** For the thread that imports this module, of what it imports later. */
module.registerHooks({
  resolve(asked, context, next) {
    const { parentURL = '', conditions } = context;
    const other = INSTEAD.find(({ of, asks }) => asks === asked && of.test(parentURL));
    if (other !== undefined) {
      if (other.gets === NOTHING) return { url: NOTHING, format: 'module', shortCircuit: true };
      return next(other.gets, context);
    }
    if (!conditions.includes('import')) return next(asked, context);
    const isOurs = parentURL.startsWith(OURS) && !parentURL.startsWith(PACKAGES);
    // An import names the file itself: Node would ask the system for each folder of its path, once for each import.
    if (asked.startsWith('.') && parentURL.startsWith('file:')) {
      const { href } = new URL(asked, parentURL);
      if (isOurs && href.endsWith(EXTENSION)) return { url: href, format: FORMAT, shortCircuit: true };
      return /\.m?js$/.test(href) ? { url: href, shortCircuit: true } : next(asked, context);
    }
    const before = isOurs ? found.get(asked) : undefined;
    if (before !== undefined) return before;
    const result = next(asked, context);
    if (isOurs) found.set(asked, { ...result, shortCircuit: true });
    return result;
  },
});
