import { TorchpassError } from './errors/error.ts';

const NAME = /^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?$/;

/**
 * Names of hosts, exporters, jobs' files and scrapers: safe in a SPIFFE path, a file name and a label. Lower case
 * letters, digits, dot, dash and underscore, 1 to 63, beginning and ending with a letter or digit, no two dots in a row.
 */
export function isName(text: string): boolean {
  return NAME.test(text) && !text.includes('..');
}

/** `what` is for the message: "host", "exporter", "job". */
export function checkName(what: string, text: string): string {
  if (isName(text)) return text;
  const article = /^[aeiou]/.test(what) ? 'an' : 'a';
  throw new TorchpassError(
    'NAME_INVALID',
    `${JSON.stringify(text.slice(0, 80))} cannot be the name of ${article} ${what}.`,
    {
      hint: 'Names have 1 to 63 lower-case letters, digits, dots, dashes and underscores, and begin and end with a letter or digit.',
    },
  );
}
