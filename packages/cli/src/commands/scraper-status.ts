import { command } from '../command.ts';
import { printScraper } from './scraper-fields.ts';

export const scraperStatus = command({
  name: 'scraper status',
  summary: 'say which exporters were not yet seen to refuse a key that was given up',
  examples: [
    { line: 'torchpass scraper status', shows: 'what is left to do after "scraper revoke"' },
    {
      line: `torchpass scraper status --output json | jq -r '.exporters[] | select(.state != "done") | .host'`,
      shows: 'only the hosts that are not done',
    },
  ],
  arguments: {},
  options: {},
  run: ({ api }) => api.scraperStatus(),
  print: printScraper,
  failed: ({ waiting }) => waiting > 0,
});
