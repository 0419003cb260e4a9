import type { TorchpassError } from '@torchpass/core';
import { jsonText } from './json.ts';
import type { Colors } from './page.ts';
import { printableText } from './printable.ts';

/** An error for people: what is wrong, then what to do. Our own mistakes show where they come from. */
export function failureText(error: TorchpassError, colors: Colors): string {
  const lines = [`${colors.red('torchpass:')} ${printableText(error.message)}`];
  if (error.code === 'INTERNAL' && error.cause instanceof Error) lines.push(printableText(error.cause.stack ?? ''));
  else if (error.hint !== undefined) lines.push(printableText(error.hint));
  return `${lines.join('\n')}\n`;
}

/** The same for programs, with the stable code. */
export function failureJson({ code, message, hint }: TorchpassError): string {
  return jsonText({ error: { code, message, ...(hint === undefined ? {} : { hint }) } });
}
