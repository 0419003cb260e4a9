import { command } from '../command.ts';
import { labelText, stateText } from '../print/words.ts';

export const targetList = command({
  name: 'target list',
  summary: 'list what Prometheus is given to scrape, and what not yet',
  examples: [
    { line: 'torchpass target list', shows: 'every exporter of every host' },
    {
      line: `torchpass target list --output json | jq '.targets[] | select(.problem != null)'`,
      shows: 'those with a problem',
    },
  ],
  arguments: {},
  options: {},
  run: ({ api }) => api.listTargets(),
  print({ targets }, page) {
    if (targets.length === 0) return page.line('There are no targets yet; they come with the first host.');
    page.table(
      [
        { title: 'host', value: (target) => target.host },
        { title: 'exporter', value: (target) => target.exporter },
        { title: 'job', value: (target) => target.job },
        { title: 'target', value: (target) => target.target ?? '-' },
        { title: 'state', value: (target) => stateText(target.state, page.colors) },
        { title: 'certificate ends', value: (target) => page.relative(target.notAfter) },
        { title: 'checked', value: (target) => page.relative(target.checkedAt) },
        { title: 'labels', value: (target) => labelText(target.labels) },
        { title: 'problem', value: (target) => page.colors.red(target.problem ?? '') },
      ],
      targets,
    );
  },
});
