import type { Page } from 'playwright-core';
import { z } from 'zod';

const Item = z.object({
  /** `rect`, `symbol`, `line`, `text` ... */
  type: z.string(),
  /** `mark` for what stands for data, `axis-label` for the names of ticks. */
  role: z.string(),
  /** Pixels in the plot; y runs down. */
  x: z.number(),
  y: z.number(),
  height: z.number(),
  datum: z.record(z.string(), z.unknown()),
});
export type LiveItem = z.infer<typeof Item>;

/** What a chart of an open report has drawn: vega's SVG renderer leaves each item on the element that shows it. */
export async function liveItems(page: Page, id: string): Promise<LiveItem[]> {
  const svg = page.locator(`#${id} .plot svg[aria-hidden]`);
  await svg.waitFor();
  const items: unknown = await svg.evaluate((root) => {
    const get = (object: unknown, key: string): unknown =>
      typeof object === 'object' && object !== null ? Reflect.get(object, key) : undefined;
    // A line is one element, of its first item: ask the mark for all of them.
    const marks = new Set([...root.querySelectorAll('path, text, line')].map((el) => get(get(el, '__data__'), 'mark')));
    return [...marks].flatMap((mark) => {
      const all = get(mark, 'items');
      return (Array.isArray(all) ? all : [])
        .filter((item) => typeof get(item, 'datum') === 'object')
        .map((item) => ({
          type: get(mark, 'marktype'),
          role: get(mark, 'role'),
          x: get(item, 'x') ?? 0,
          y: get(item, 'y') ?? 0,
          height: get(item, 'height') ?? 0,
          datum: get(item, 'datum'),
        }));
    });
  });
  return z.array(Item).parse(items);
}
