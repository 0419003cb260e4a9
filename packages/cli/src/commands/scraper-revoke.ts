import { command } from '../command.ts';
import { textOption } from '../option.ts';
import { printScraper } from './scraper-fields.ts';

export const scraperRevoke = command({
  name: 'scraper revoke',
  summary: "give up Prometheus's key, because it is in foreign hands",
  details:
    'Prometheus gets a new key under a new authority at once. Each host is told at its next check-in to admit that one alone and to restart its exporters, ' +
    'which ends connections of the old key. Until then its targets are not scraped. For a change without a gap, when nothing was stolen: torchpass ca rotate scraper.',
  examples: [
    {
      line: 'torchpass scraper revoke --reason "laptop with a copy of the key stolen"',
      shows: 'asks before it does it',
    },
    { line: 'torchpass scraper revoke --yes', shows: 'does not ask, for scripts' },
  ],
  arguments: {},
  options: { reason: textOption('--reason TEXT', 'why, for the audit log') },
  confirm: () =>
    "Give up Prometheus's key? Targets are not scraped until their host's next check-in, and exporters are restarted.",
  run: ({ api }, { reason = '' }) => api.revokeScraper(reason),
  failed: ({ prometheusProblem }) => prometheusProblem !== null,
  print(status, page) {
    const { prometheusProblem: problem } = status;
    if (problem === null) page.line('The key is given up. Prometheus has a new one, and reads it by itself.');
    else page.line(`The key is given up. Prometheus does not have its new one yet; it is tried again. ${problem}`);
    page.line(
      "- If Prometheus's own interface uses the web configuration of Torchpass, restart Prometheus: connections of the old key may be open there, too.",
    );
    page.line('- "torchpass scraper status" says which exporters were not yet seen to refuse the old key.');
    printScraper(status, page);
  },
});
