import { command } from '../command.ts';
import { optionalArgument } from '../option.ts';
import { count } from '../print/words.ts';
import { hostName } from './host-name.ts';

export const targetCheck = command({
  name: 'target check',
  summary: 'knock at the targets in every wrong way and the right one',
  details: 'The controller does it, from where it is. Fails (exit code 1) when any defence does not stand.',
  examples: [
    { line: 'torchpass target check', shows: 'every target' },
    { line: 'torchpass target check web-1', shows: 'the targets of one host' },
  ],
  arguments: { host: optionalArgument('HOST', 'name of the host (default: all)', hostName) },
  options: {},
  run({ api, progress }, { host }) {
    progress(`The controller knocks at ${host === undefined ? 'every target' : `the targets of ${host}`} …`);
    return api.checkTargets(host);
  },
  failed: ({ checks }) => checks.some((check) => !check.passed),
  print({ checks }, page) {
    const { bold, green, red } = page.colors;
    if (checks.length === 0) return page.line('There is no target to check.');
    for (const check of checks) {
      page.line(`${bold(`${check.host} ${check.exporter}`)}  ${check.target}`);
      page.table(
        [
          { title: '', value: (layer) => (layer.passed ? green('  pass') : red('  FAIL')) },
          { title: '', value: (layer) => layer.name },
          { title: '', value: (layer) => layer.found },
        ],
        check.layers,
      );
      page.line();
    }
    const failing = checks.filter((check) => !check.passed).length;
    page.line(
      failing === 0
        ? green(`${count(checks.length, 'target')} checked, every defence stands.`)
        : red(`${count(checks.length, 'target')} checked, ${failing} with a defence that does not stand.`),
    );
  },
});
