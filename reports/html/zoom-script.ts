import type { View } from 'vega';

/** A chart whose x axis runs between its signals `from` and `to`. */
export interface Zoomable {
  readonly container: HTMLElement;
  readonly view: View;
}

/**
 * Runs in the page; its source text is put there, so it may use nothing from outside. A drag across one panel, or its
 * keys, zooms all of them to the same time.
 */
export function shareZoom(panels: readonly Zoomable[]): void {
  const [first] = panels;
  if (first === undefined) return;
  const whole: [number, number] = [first.view.signal('from'), first.view.signal('to')];
  let shown = whole;

  const reset = document.createElement('button');
  reset.type = 'button';
  reset.className = 'reset';
  reset.textContent = 'Show the whole run';
  reset.hidden = true;
  first.container.closest('section')?.querySelector('h2')?.after(reset);

  const show = (from: number, to: number): void => {
    const width = Math.min(Math.max(to - from, (whole[1] - whole[0]) / 1000), whole[1] - whole[0]);
    const start = Math.min(Math.max(from, whole[0]), whole[1] - width);
    shown = [start, start + width];
    reset.hidden = width === whole[1] - whole[0];
    for (const { view } of panels) void view.signal('from', shown[0]).signal('to', shown[1]).runAsync();
  };
  reset.addEventListener('click', () => show(...whole));

  for (const { container, view } of panels) {
    const brush = document.createElement('div');
    brush.className = 'brush';
    brush.hidden = true;
    container.append(brush);
    container.tabIndex = 0;
    container.classList.add('zoomable');

    /** Pixels from the left of the plotting area, within it. */
    const pixelOf = (event: PointerEvent): number => {
      const left = container.getBoundingClientRect().left + view.origin()[0];
      return Math.min(Math.max(event.clientX - left, 0), view.width());
    };
    const timeAt = (pixel: number): number => shown[0] + (pixel / view.width()) * (shown[1] - shown[0]);
    let start: number | null = null;
    container.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return;
      start = pixelOf(event);
      container.setPointerCapture(event.pointerId);
      event.preventDefault();
      container.focus({ preventScroll: true });
    });
    container.addEventListener('pointermove', (event) => {
      if (start === null) return;
      const at = pixelOf(event);
      brush.hidden = false;
      brush.style.left = `${Math.min(start, at) + view.origin()[0]}px`;
      brush.style.width = `${Math.abs(at - start)}px`;
    });
    container.addEventListener('pointercancel', () => {
      start = null;
      brush.hidden = true;
    });
    container.addEventListener('pointerup', (event) => {
      const [from, to] = [start ?? 0, pixelOf(event)];
      const dragged = start !== null && Math.abs(to - from) > 5;
      start = null;
      brush.hidden = true;
      if (dragged) show(timeAt(Math.min(from, to)), timeAt(Math.max(from, to)));
    });
    container.addEventListener('dblclick', () => show(...whole));
    container.addEventListener('keydown', (event) => {
      const [from, to] = shown;
      const quarter = (to - from) / 4;
      if (event.key === '+') show(from + quarter, to - quarter);
      else if (event.key === '-') show(from - 2 * quarter, to + 2 * quarter);
      else if (event.key === 'ArrowLeft') show(from - quarter, to - quarter);
      else if (event.key === 'ArrowRight') show(from + quarter, to + quarter);
      else if (event.key === 'Escape') show(...whole);
      else return;
      event.preventDefault();
    });
  }
}
