import { command } from '../command.ts';

export const status = command({
  name: 'status',
  summary: 'show how the controller is',
  examples: [
    { line: 'torchpass status', shows: 'authorities, hosts, targets, and what keeps targets from Prometheus' },
  ],
  arguments: {},
  options: {},
  run: ({ api }) => api.status(),
  print(now, page) {
    const { bold, red, green } = page.colors;
    const { hosts, targets, scraper } = now;
    page.fields([
      ['version', now.version],
      ['trust domain', now.trustDomain],
      ['started', page.absolute(now.startedAt)],
      ['agents connect to', bold(now.controller)],
      [
        'hosts',
        [
          `${hosts.active} active, ${hosts.pending} to approve, ${quarantined(hosts.quarantined, red)}`,
          `${hosts.revoked} revoked, ${hosts.left} left`,
        ].join(', '),
      ],
      ['targets', `${targets.published} published, ${targets.pending} pending, ${targets.refused} refused`],
      ['scraper certificate ends', page.absolute(scraper?.notAfter ?? null)],
      ['Prometheus files', now.prometheusFolder],
      ['publishing', now.publishProblem === null ? green('as it should') : red(now.publishProblem)],
    ]);
    if (now.authorities.length === 0) return;
    page.line();
    page.table(
      [
        { title: 'authority', value: (authority) => authority.role },
        { title: 'state', value: (authority) => authority.state },
        { title: 'ends', value: (authority) => page.absolute(authority.notAfter) },
        { title: 'serial', value: (authority) => authority.serial },
      ],
      now.authorities,
    );
  },
});

function quarantined(count: number, red: (text: string) => string): string {
  const text = `${count} quarantined`;
  return count === 0 ? text : red(text);
}
