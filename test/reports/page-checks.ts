import type { Page } from 'playwright-core';

/** Texts of charts that reach beyond the room of their chart, where they are not seen. */
export function cutOff(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll('.plot')].flatMap((plot) => {
      const room = plot.getBoundingClientRect();
      return [...plot.querySelectorAll('svg text:not([opacity="0"])')]
        .filter((text) => {
          const { width, left, right, top, bottom } = text.getBoundingClientRect();
          // The box of a text has room for accents and descenders, which these words hardly have.
          const isOutside = top < room.top - 4 || bottom > room.bottom + 4;
          return width > 0 && (left < room.left - 1 || right > room.right + 1 || isOutside);
        })
        .map((text) => `${plot.parentElement?.id}: ${text.textContent}`);
    }),
  );
}

/** Words in a plot that a curve or a rule of the same chart runs through: at every fifth pixel of the line. */
export function struckThrough(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll('section:not(#timeline) .plot')].flatMap((plot) => {
      const lines = plot.querySelectorAll<SVGGeometryElement>('.mark-line path, .mark-rule line');
      const points = [...lines].flatMap((line) => {
        const toScreen = line.getScreenCTM();
        const length = line.getTotalLength();
        if (length === 0) return [];
        return Array.from({ length: Math.floor(length / 5) + 1 }, (_, i) =>
          line.getPointAtLength(i * 5).matrixTransform(toScreen ?? undefined),
        );
      });
      return [...plot.querySelectorAll('.mark-text text:not([opacity="0"])')]
        .filter((text) => {
          const { left, right, top, bottom } = text.getBoundingClientRect();
          // The box of a text has room for accents and descenders, which these words hardly have.
          return points.some(({ x, y }) => x > left && x < right && y > top + 4 && y < bottom - 4);
        })
        .map((text) => `${plot.parentElement?.id}: ${text.textContent}`);
    }),
  );
}
