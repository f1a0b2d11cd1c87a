import type { Spec } from 'vega';
import type { Zoomable } from './zoom-script.ts';

/** The part of Vega's browser build that the page uses. */
type Vega = Pick<typeof import('vega'), 'parse' | 'View'>;

/**
 * Draws every chart as SVG into its `.plot`, and makes tooltips, records, zoom, paper and the copy button work. Runs in
 * the page, which has only its source text: it may use nothing from outside. `zoom` joins the panels over time.
 */
export function runPage(vega: Vega, zoom: (panels: readonly Zoomable[]) => void): void {
  const tip = document.createElement('div');
  tip.className = 'tip';
  tip.hidden = true;
  document.body.append(tip);

  const showTip = (_: unknown, event: MouseEvent, __: unknown, text: unknown): void => {
    tip.hidden = typeof text !== 'string' || text === '';
    if (tip.hidden) return;
    tip.textContent = String(text);
    const left = Math.min(event.clientX + 12, document.documentElement.clientWidth - tip.offsetWidth - 8);
    tip.style.left = `${Math.max(8, left)}px`;
    tip.style.top = `${event.clientY + 16}px`;
  };

  const openRecord = (id: string, row: unknown): void => {
    const record = document.querySelector<HTMLDetailsElement>(`#${id} .records [data-row="${Number(row)}"]`);
    const records = record?.closest<HTMLDetailsElement>('.records');
    if (record === null || records === null || records === undefined) return;
    records.open = true;
    record.open = true;
    record.querySelector('summary')?.focus();
    record.scrollIntoView({ block: 'nearest' });
  };

  const panels: Zoomable[] = [];
  const specs: Record<string, Spec> = JSON.parse(document.querySelector('#charts')?.textContent ?? '{}');
  for (const [id, spec] of Object.entries(specs)) {
    const container = document.querySelector<HTMLElement>(`#${id} .plot`);
    if (container === null) continue;
    const label = container.getAttribute('aria-label') ?? '';
    const view = new vega.View(vega.parse(spec), { renderer: 'svg', container, hover: true });
    view.tooltip(showTip);
    // Vega has put a role and words of its own in place of the chart's.
    view.description(label);
    container.setAttribute('role', 'img');
    container.removeAttribute('aria-roledescription');
    view.addEventListener('click', (_, item) => openRecord(id, item?.datum?.row));
    if (spec.signals?.some(({ name }) => name === 'from')) panels.push({ container, view });
    // Vega describes each mark to screen readers; the container's label describes the whole chart instead.
    void view.runAsync().then(() => container.querySelector('svg')?.setAttribute('aria-hidden', 'true'));
  }

  zoom(panels);

  // For paper the charts are drawn again at its width: shrunk, their text would be too small to read.
  const fitPaper = (printed: boolean): void => {
    document.documentElement.classList.toggle('printed', printed);
    if (printed) for (const kept of document.querySelectorAll<HTMLDetailsElement>('details.kept')) kept.open = true;
    window.dispatchEvent(new Event('resize'));
  };
  window.addEventListener('beforeprint', () => fitPaper(true));
  window.addEventListener('afterprint', () => fitPaper(false));

  const button = document.querySelector<HTMLButtonElement>('#copy');
  const source = document.querySelector('#markdown');
  if (button === null || source === null) return;
  button.hidden = false;
  button.addEventListener('click', () => {
    navigator.clipboard.writeText(JSON.parse(source.textContent ?? '""')).then(
      () => (button.textContent = 'Copied'),
      () => (button.textContent = 'The browser does not allow it'),
    );
  });
}
