import { command } from '../command.ts';
import { switchOption, valueOption } from '../option.ts';
import { listText, stateText } from '../print/words.ts';
import { hostName } from './host-name.ts';
import { oneOf } from './one-of.ts';

const ROLES = ['controller', 'agent', 'exporter', 'scraper'] as const;

export const certificateList = command({
  name: 'certificate list',
  summary: 'list the certificates that were issued',
  details: 'Without --all only those that are good. Those that end last come first.',
  examples: [
    { line: 'torchpass certificate list --host web-1', shows: 'what a host holds' },
    { line: 'torchpass certificate list --role scraper --all', shows: 'what Prometheus ever had to scrape with' },
  ],
  arguments: {},
  options: {
    host: valueOption('--host NAME', 'only those of this host', hostName),
    role: valueOption(
      '--role ROLE',
      'only those of this authority: controller, agent, exporter, scraper',
      oneOf(ROLES),
    ),
    all: switchOption('--all', 'also those that are revoked or have ended'),
  },
  run: ({ api }, { host, role, all }) => api.listCertificates({ host, role, all }),
  print({ certificates, more }, page) {
    if (certificates.length === 0) return page.line('There are no such certificates.');
    page.table(
      [
        { title: 'serial', value: ({ serial }) => serial },
        { title: 'role', value: ({ role }) => role },
        { title: 'host', value: ({ host }) => host ?? '-' },
        { title: 'for', value: ({ name, names }) => listText([...(name === '' ? [] : [name]), ...names]) },
        { title: 'state', value: ({ state, newest }) => `${stateText(state, page.colors)}${newest ? ', newest' : ''}` },
        { title: 'ends', value: ({ notAfter }) => page.relative(notAfter) },
        { title: 'reason', value: ({ reason }) => reason ?? '-' },
      ],
      certificates,
    );
    if (more) page.line('There are more. Narrow it with --host or --role.');
  },
});
