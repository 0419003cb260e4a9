import { command } from '../command.ts';
import { listText, stateText } from '../print/words.ts';

export const hostList = command({
  name: 'host list',
  summary: 'list the hosts',
  examples: [
    { line: 'torchpass host list', shows: 'every host, with its exporters and when it was last heard of' },
    { line: `torchpass host list --output json | jq -r '.hosts[].name'`, shows: 'only the names' },
  ],
  arguments: {},
  options: {},
  run: ({ api }) => api.listHosts(),
  print({ hosts }, page) {
    if (hosts.length === 0) {
      return page.line('There are no hosts yet. Make a token for the first with "torchpass token create".');
    }
    page.table(
      [
        { title: 'name', value: (host) => host.name },
        { title: 'state', value: (host) => stateText(host.state, page.colors) },
        { title: 'address', value: (host) => host.address },
        { title: 'exporters', value: (host) => listText(host.exporters.map(({ exporter }) => exporter)) },
        { title: 'identity ends', value: (host) => page.relative(host.identity?.notAfter ?? null) },
        { title: 'last seen', value: (host) => page.relative(host.lastSeenAt) },
      ],
      hosts,
    );
    const waiting = hosts.filter(({ state }) => state === 'pending');
    if (waiting.length === 0) return;
    page.line();
    page.line('Waiting for "torchpass host approve NAME --fingerprint SHA256:…" or "torchpass host reject NAME":');
    page.table(
      [
        { title: 'name', value: (host) => host.name },
        { title: 'key', value: (host) => host.fingerprint ?? '-' },
        { title: 'from', value: (host) => host.address },
        { title: 'asked', value: (host) => page.relative(host.enrolledAt) },
      ],
      waiting,
    );
  },
});
