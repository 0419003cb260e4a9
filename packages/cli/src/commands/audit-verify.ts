import { TorchpassError } from '@torchpass/core';
import { command } from '../command.ts';
import { valueOption } from '../option.ts';
import { count } from '../print/words.ts';

export const auditVerify = command({
  name: 'audit verify',
  summary: 'check that nobody changed, removed or reordered entries of the audit log',
  details:
    'Names the first entry that does not fit, and ends with 1 then. An older copy of the whole database fits by itself: compare with a head that the controller wrote into its own log.',
  examples: [
    { line: 'torchpass audit verify', shows: 'walks over the whole log' },
    {
      line: `torchpass audit verify --head 4711:${'0f'.repeat(32)}`,
      shows: 'the same, and that entry 4711 is the one that was noted',
    },
  ],
  arguments: {},
  options: { head: valueOption('--head NUMBER:MAC', "a head from the controller's log", head) },
  run: ({ api }, { head }) => api.verifyAudit(head),
  failed: ({ fault }) => fault !== null,
  print({ entries, first, head, comparable, fault }, page) {
    const { red, green } = page.colors;
    page.line(fault === null ? green('The audit log is whole.') : red(fault.sentence));
    if (comparable === false)
      page.line('The given head could not be compared: its entry was pruned. Take a newer one.');
    page.line(`${count(entries, 'entry fits', 'entries fit')}, from number ${first} on. Its head is ${head}`);
  },
});

function head(text: string): string {
  if (/^\d{1,15}:[0-9a-f]{64}$/.test(text)) return text;
  throw new TorchpassError('USAGE', `${JSON.stringify(text.slice(0, 100))} is not NUMBER:MAC.`, {
    hint: 'Search the controller\'s log for "head of the audit log".',
  });
}
