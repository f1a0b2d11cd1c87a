export { writeHtmlReport } from './html/write-html-report.ts';
export { summaryMarkdown } from './markdown/summary-markdown.ts';
export { summaryText } from './text/summary-text.ts';
export { limitsWords } from './wording.ts';
