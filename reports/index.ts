export { writeHtmlReport } from './html/write-html-report.ts';
export { writePlacementHtml } from './html/write-placement-html.ts';
export { summaryMarkdown } from './markdown/summary-markdown.ts';
export { aligned } from './text/table.ts';
export { placementText } from './text/placement-text.ts';
export { summaryText } from './text/summary-text.ts';
export { limitsWords } from './wording.ts';
