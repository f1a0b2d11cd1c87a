import type { View } from 'vega';

/** A chart whose x axis runs between its signals `from` and `to`. */
export interface Zoomable {
  readonly container: HTMLElement;
  readonly view: View;
}

/** The span of x that all panels show, in the axis's unit. */
interface Zoom {
  readonly shown: () => readonly [from: number, to: number];
  /** Shows a span, as far as it lies within the run. */
  readonly show: (from: number, to: number) => void;
  readonly showAll: () => void;
}

/** A way to use one of the panels. */
type Gesture = (panel: Zoomable, zoom: Zoom, panels: readonly Zoomable[]) => void;

/**
 * Zooms all panels together: a gesture on one of them shows the same span in each. This function and the gestures run
 * in the page, which has only their source text: they may use nothing from outside.
 */
export function shareZoom(panels: readonly Zoomable[], gestures: readonly Gesture[]): void {
  const [first] = panels;
  if (first === undefined) return;
  const whole: readonly [number, number] = [first.view.signal('from'), first.view.signal('to')];
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
  const zoom: Zoom = { shown: () => shown, show, showAll: () => show(...whole) };
  reset.addEventListener('click', zoom.showAll);
  for (const panel of panels) {
    panel.container.classList.add('zoomable');
    for (const use of gestures) use(panel, zoom, panels);
  }
}

/** A thin line through all panels at the time under the pointer. */
export function markTime({ container, view }: Zoomable, _: Zoom, panels: readonly Zoomable[]): void {
  const line = document.createElement('div');
  line.className = 'cross';
  line.hidden = true;
  container.append(line);
  const lines = (): HTMLElement[] =>
    panels.flatMap((panel) => [...panel.container.querySelectorAll<HTMLElement>('.cross')]);

  container.addEventListener('pointermove', (event) => {
    const left = event.clientX - container.getBoundingClientRect().left;
    const from = view.origin()[0];
    // All plots are equally wide.
    for (const each of lines()) {
      each.hidden = left < from || left > from + view.width();
      each.style.left = `${left}px`;
    }
  });
  container.addEventListener('pointerleave', () => {
    for (const each of lines()) each.hidden = true;
  });
}

/** A drag across the panel marks a span and shows it; a double click shows the whole run. */
export function zoomByDrag({ container, view }: Zoomable, zoom: Zoom): void {
  const brush = document.createElement('div');
  brush.className = 'brush';
  brush.hidden = true;
  container.append(brush);

  /** Pixels from the left of the plotting area, within it. */
  const pixelOf = (event: PointerEvent): number => {
    const left = container.getBoundingClientRect().left + view.origin()[0];
    return Math.min(Math.max(event.clientX - left, 0), view.width());
  };
  const timeAt = (pixel: number): number => {
    const [from, to] = zoom.shown();
    return from + (pixel / view.width()) * (to - from);
  };
  let start: number | null = null;
  const end = (): void => {
    start = null;
    brush.hidden = true;
  };

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
  container.addEventListener('pointercancel', end);
  container.addEventListener('pointerup', (event) => {
    const [from, to] = [start, pixelOf(event)];
    end();
    // A click is no drag, though the hand may shake.
    if (from === null || Math.abs(to - from) <= 5) return;
    zoom.show(timeAt(Math.min(from, to)), timeAt(Math.max(from, to)));
  });
  container.addEventListener('dblclick', zoom.showAll);
}

/** `+` and `-` zoom, the arrows move, Escape shows the whole run. */
export function zoomByKeys({ container }: Zoomable, zoom: Zoom): void {
  container.tabIndex = 0;
  container.addEventListener('keydown', (event) => {
    const [from, to] = zoom.shown();
    const quarter = (to - from) / 4;
    if (event.key === '+') zoom.show(from + quarter, to - quarter);
    else if (event.key === '-') zoom.show(from - 2 * quarter, to + 2 * quarter);
    else if (event.key === 'ArrowLeft') zoom.show(from - quarter, to - quarter);
    else if (event.key === 'ArrowRight') zoom.show(from + quarter, to + quarter);
    else if (event.key === 'Escape') zoom.showAll();
    else return;
    event.preventDefault();
  });
}
