import { expect, it } from 'vitest';
import { binariesOf } from '../harness/suites.ts';
import { testScope } from '../harness/test-scope.ts';
import { demonstrate } from '../rotation/demonstration.ts';

/** `npm run test:rotation` is the same with 20 exporters and 1,000 agents. */
it(
  'every authority is rotated, the root included, with no failed scrape and no lost host',
  { timeout: 600_000 },
  async () => {
    const lines: string[] = [];
    const size = { exporters: 2, agents: 20, checkInInterval: '2s', everyMs: 1000, withinMs: 120_000 };
    const figures = await demonstrate(testScope(), await binariesOf('trixie'), size, (line) => void lines.push(line));
    process.stdout.write(`${lines.join('\n')}\n${JSON.stringify(figures)}\n`);
    expect(figures).toMatchObject({ failedScrapes: 0, lostHosts: 0, hosts: 22, failures: [] });
    expect(figures.scrapes).toBeGreaterThan(figures.seconds * 2 * 0.8);
  },
);
