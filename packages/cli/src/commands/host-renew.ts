import { parseDuration, TorchpassError } from '@torchpass/core';
import { command } from '../command.ts';
import { listArgument, switchOption, valueOption } from '../option.ts';
import { count } from '../print/words.ts';
import { hostName } from './host-name.ts';

export const hostRenew = command({
  name: 'host renew',
  summary: 'have hosts renew their certificates before their time, spread over a while',
  details: 'Each certificate gets a point of its own within the time; agents learn it at their next check-in.',
  examples: [
    { line: 'torchpass host renew web-1', shows: 'at its next check-in' },
    { line: 'torchpass host renew --all --within 12h', shows: 'the whole fleet, a few at a time' },
    { line: 'torchpass host renew web-1 web-2 --only exporters --within 10m', shows: 'not their identities' },
  ],
  arguments: { names: listArgument('NAME', 'names of the hosts', hostName) },
  options: {
    all: switchOption('--all', 'every active host'),
    within: valueOption('--within DURATION', 'spread over this time (default: 1h for --all, else at once)', duration),
    only: valueOption('--only WHAT', 'identity or exporters (default: both)', part),
  },
  run({ api }, { names, all, within, only }) {
    if (all === names.length > 0) {
      throw new TorchpassError('USAGE', 'Either names of hosts or --all has to be given.', {
        hint: 'See "torchpass host renew --help".',
      });
    }
    const part = only === undefined ? {} : { only };
    return api.renewHosts({ hosts: names, within: within ?? (all ? '1h' : '0s'), ...part });
  },
  print({ hosts, until }, page) {
    page.line(
      `${count(hosts, 'host')} will renew, the last at ${page.absolute(until)} or at its next check-in after that.`,
    );
  },
});

function duration(text: string): string {
  parseDuration(text);
  return text;
}

function part(text: string): 'identity' | 'exporters' {
  if (text === 'identity' || text === 'exporters') return text;
  throw new TorchpassError('USAGE', `${JSON.stringify(text)} is neither identity nor exporters.`);
}
