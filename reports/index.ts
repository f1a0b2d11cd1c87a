export { summaryCsv } from './csv/summary.ts';
export { writeHtmlReport } from './html/write-html-report.ts';
export { writePlacementHtml } from './html/write-placement-html.ts';
export { summaryMarkdown } from './markdown/summary.ts';
export { aligned } from './text/table.ts';
export { placementText } from './text/placement.ts';
export { summaryText } from './text/summary.ts';
export { commandText, limitsText } from './format.ts';
