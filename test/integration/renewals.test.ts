import { join } from 'node:path';
import process from 'node:process';
import { describe, expect, it } from 'vitest';
import { startLabController } from '../harness/controller.ts';
import { eventually } from '../harness/eventually.ts';
import { startHammer } from '../harness/handshakes.ts';
import { joinHost, type LabHost } from '../harness/host.ts';
import { agentInProcess } from '../harness/in-process.ts';
import { DISCOVERY_MS, startPastedPrometheus } from '../harness/pasted.ts';
import { binariesOf, SUITES } from '../harness/suites.ts';
import { testScope } from '../harness/test-scope.ts';
import { readClientTls } from '../harness/tls-files.ts';

const LONG = process.env['TORCHPASS_LONG'] === '1';
const ROUNDS = LONG ? 250 : 70;
const MINUTE = '1m';

/** One after the other, whatever the age of the certificates. */
async function renewAgainAndAgain({ agent, name }: LabHost): Promise<void> {
  const inProcess = await agentInProcess(agent);
  for (let round = 0; round < ROUNDS; round += 1) {
    const { complete, missing } = await inProcess.sync({ renew: true });
    if (!complete) throw new Error(`${name}, round ${round}: ${missing.join(' ')}`);
  }
}

describe.each(LONG ? SUITES : (['trixie'] as const))('on %s, while everything lives for a minute', (suite) => {
  it('hundreds of renewals fail no handshake and no scrape', { timeout: LONG ? 1_200_000 : 300_000 }, async () => {
    const scope = testScope();
    const binaries = await binariesOf(suite);
    const controller = await startLabController(scope, {
      certificates: {
        identity_lifetime: MINUTE,
        exporter_lifetime: MINUTE,
        scraper_lifetime: MINUTE,
        controller_lifetime: MINUTE,
      },
    });
    const prometheus = await startPastedPrometheus(scope, binaries, controller);
    const names = ['resident', 'forced-1', 'forced-2', 'forced-3'];
    const hosts = await Promise.all(
      names.map((name, index) => joinHost(scope, binaries, { controller, name, address: `127.0.4.${index + 1}` })),
    );
    const [resident, ...forced] = hosts as [LabHost, ...LabHost[]];
    const running = resident.agent.run();
    await eventually(async () => expect(await prometheus.query('up == 1')).toHaveLength(hosts.length), {
      withinMs: DISCOVERY_MS,
    });

    const at = (file: string) => join(controller.prometheus, file);
    const scraperCertificates = new Set<string>();
    const tls = async () => {
      const files = await readClientTls(at('exporters-ca.pem'), {
        cert: at('scraper.pem'),
        key: at('scraper-key.pem'),
      });
      scraperCertificates.add(String(files.cert));
      return files;
    };
    const hammers = hosts.map(({ exporter: { address: host, port } }) =>
      startHammer(scope, { host, port, tls, workers: LONG ? 4 : 1 }),
    );
    const began = performance.now();
    await Promise.all(forced.map(renewAgainAndAgain));
    // What renews by itself takes its time: half a minute for the scraper, up to 48 seconds for the resident agent.
    await eventually(
      () => {
        expect(scraperCertificates.size).toBeGreaterThan(1);
        expect(hammers[0]?.tally.serials.size).toBeGreaterThan(1);
      },
      { withinMs: 60_000 },
    );
    const tallies = await Promise.all(hammers.map((hammer) => hammer.stop()));
    const seconds = (performance.now() - began) / 1000;

    const sum = (count: (tally: (typeof tallies)[number]) => number) =>
      tallies.reduce((total, tally) => total + count(tally), 0);
    const figures = {
      seconds: Math.round(seconds),
      renewals: sum(({ serials }) => serials.size - 1),
      'renewals of the scraper': scraperCertificates.size - 1,
      handshakes: sum(({ successes }) => successes),
      'failed handshakes': sum(({ failures }) => failures),
    };
    process.stdout.write(`${suite}: ${JSON.stringify(figures)}\n`);
    expect(tallies.flatMap(({ reasons }) => reasons)).toEqual([]);
    expect(figures['failed handshakes']).toBe(0);
    expect(figures.renewals).toBeGreaterThanOrEqual(200);
    expect(figures.handshakes).toBeGreaterThan(1000);
    expect(running.exit).toBeUndefined();

    const lowest = await prometheus.query('min_over_time(up[1h])');
    expect(lowest.map(({ labels, value }) => `${labels['host']}: ${value}`).toSorted()).toEqual(
      names.map((name) => `${name}: 1`).toSorted(),
    );
    const samples = await prometheus.query('count_over_time(up[1h])');
    expect(Math.min(...samples.map(({ value }) => value))).toBeGreaterThan(seconds * 0.8);
  });
});
