/**
 * Marks the section being read in the contents, and opens what a link leads to where it is folded. Runs in the page,
 * which has only its source text: it may use nothing from outside.
 */
export function followReader(): void {
  const bar = document.querySelector<HTMLElement>('.contents');
  if (bar === null) return;
  const entries = [...bar.querySelectorAll('a')].flatMap((link) => {
    const place = document.querySelector<HTMLElement>(link.hash);
    return place === null ? [] : [{ link, place }];
  });

  /** The last section that has begun; at the end of the page the one asked for, which may never reach the top. */
  const reading = (): (typeof entries)[number] | undefined => {
    const begun = bar.offsetHeight + 8;
    const isAtEnd = window.innerHeight + window.scrollY >= document.documentElement.scrollHeight - 2;
    const asked = entries.find(({ link }) => link.hash === window.location.hash);
    const top = asked?.place.getBoundingClientRect().top ?? -1;
    if (isAtEnd && window.scrollY > 0 && asked !== undefined && top >= 0 && top < window.innerHeight) return asked;
    return entries.findLast(({ place }) => place.getBoundingClientRect().top <= begun);
  };

  const mark = (): void => {
    const current = reading();
    for (const { link } of entries)
      if (link !== current?.link) link.removeAttribute('aria-current');
      else if (link.getAttribute('aria-current') === null) {
        link.setAttribute('aria-current', 'true');
        bar.scrollLeft = link.offsetLeft - (bar.clientWidth - link.offsetWidth) / 2;
      }
  };

  const unfold = (): void => {
    const place = document.getElementById(window.location.hash.slice(1));
    if (place === null) return;
    const folded = place.matches('details') ? place : (place.querySelector(':scope > details') ?? place);
    for (let each: Element | null = folded; each !== null; each = each.parentElement)
      if (each instanceof HTMLDetailsElement) each.open = true;
    place.scrollIntoView();
  };

  window.addEventListener('scroll', mark, { passive: true });
  window.addEventListener('resize', mark);
  window.addEventListener('hashchange', () => {
    unfold();
    mark();
  });
  unfold();
  mark();
}
