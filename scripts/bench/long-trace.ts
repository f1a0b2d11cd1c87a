import { closeSync, openSync, writeSync } from 'node:fs';

/** Twenty requests a second, with prompts of 100 to 499 tokens and outputs of 10 to 29. */
export function writeLongTrace(file: string, requests: number): void {
  const descriptor = openSync(file, 'w');
  let text = 'arrival_s,input_tokens,output_tokens\n';
  for (let i = 0; i < requests; i++) {
    text += `${(i / 20).toFixed(2)},${100 + ((i * 7919) % 400)},${10 + ((i * 104_729) % 20)}\n`;
    if (text.length < 1 << 20) continue;
    writeSync(descriptor, text);
    text = '';
  }
  writeSync(descriptor, text);
  closeSync(descriptor);
}
