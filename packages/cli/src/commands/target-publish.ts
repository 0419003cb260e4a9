import { command } from '../command.ts';
import { switchOption } from '../option.ts';

export const targetPublish = command({
  name: 'target publish',
  summary: "write Prometheus's target files now",
  details:
    'The controller does so by itself after every change, except when a job would lose all of its targets at once.',
  examples: [
    { line: 'torchpass target publish', shows: 'writes what changed' },
    { line: 'torchpass target publish --allow-empty', shows: 'also when a job loses its last target' },
  ],
  arguments: {},
  options: { allowEmpty: switchOption('--allow-empty', 'let a job lose all of its targets') },
  run: ({ api }, { allowEmpty }) => api.publishTargets(allowEmpty),
  print({ jobs }, page) {
    if (jobs.length === 0) return page.line('There is nothing to publish yet.');
    page.table(
      [
        { title: 'job', value: (job) => job.job },
        { title: 'targets', value: (job) => String(job.targets), align: 'right' },
        { title: 'file', value: (job) => job.file },
        { title: '', value: (job) => (job.changed ? page.colors.green('written') : 'unchanged') },
      ],
      jobs,
    );
  },
});
