import module from 'node:module';

/**
 * Modules that a package loads for an export of which nothing here is used, and what is loaded in their place: each
 * costs every process and thread that uses the package some 50 ms of CPU or more. Imported before the package is.
 */
const INSTEAD: readonly {
  readonly of: string;
  readonly asks: string;
  /** Null: nothing. */
  readonly gets: string | null;
}[] = [
  // It takes four functions from there that vega-util has: all charts and maps of Vega, 300 modules.
  { of: 'vega-lite', asks: 'vega', gets: 'vega-util' },
  // Its messages in 50 languages; it loads the English ones by themselves.
  { of: 'zod', asks: '../locales/index.js', gets: null },
];

module.registerHooks({
  resolve(asked, context, next) {
    const found = INSTEAD.find(
      ({ of, asks }) => asks === asked && context.parentURL?.includes(`/node_modules/${of}/`) === true,
    );
    if (found === undefined) return next(asked, context);
    if (found.gets === null) return { url: 'data:text/javascript,', format: 'module', shortCircuit: true };
    return next(found.gets, context);
  },
});
