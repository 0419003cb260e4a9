import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Binaries } from '@torchpass/quickstart';
import { beforeAll, describe, expect, it } from 'vitest';
import { createAuthority, type Identity } from '../harness/certificates.ts';
import { startLabController, type LabController } from '../harness/controller.ts';
import { eventually } from '../harness/eventually.ts';
import { startExporter } from '../harness/exporter.ts';
import { forgeScraper } from '../harness/forged.ts';
import { scrapeOnce } from '../harness/handshakes.ts';
import { joinHost, type LabHost } from '../harness/host.ts';
import { get } from '../harness/http.ts';
import { DISCOVERY_MS, startPastedPrometheus } from '../harness/pasted.ts';
import { binariesOf, SUITES } from '../harness/suites.ts';
import { suiteScope, testScope } from '../harness/test-scope.ts';
import { readClientTls } from '../harness/tls-files.ts';
import { workspace } from '../harness/workspace.ts';

const HOUR_MS = 3_600_000;
const REFUSED = /alert|ECONNRESET|EPIPE/;

/** Exporters of bookworm cannot tell one scraper from another: `client_allowed_sans` came with exporter-toolkit 0.10. */
const ANOTHER_SCRAPER = { bookworm: /^admitted$/, trixie: REFUSED, sid: REFUSED };

const both = suiteScope();
let controller: LabController;
let elsewhere: LabController;
beforeAll(async () => {
  [controller, elsewhere] = await Promise.all([startLabController(both), startLabController(both)]);
});

/** What Prometheus reads in a controller's folder. */
function scraperOf({ prometheus }: LabController): Identity {
  return { cert: join(prometheus, 'scraper.pem'), key: join(prometheus, 'scraper-key.pem') };
}

/** The agent keeps key and certificate of its host in one file. */
function identityOf({ agent }: LabHost): Identity {
  const pair = join(agent.storage, 'identity', 'identity.pem');
  return { cert: pair, key: pair };
}

async function servedBy({ agent }: LabHost): Promise<Identity> {
  const generations = join(agent.storage, 'exporters', 'node', 'generations');
  const [newest = ''] = await readdir(generations);
  const files = await readdir(join(generations, newest));
  const named = (pattern: RegExp) => join(generations, newest, files.find((file) => pattern.test(file)) ?? '');
  return { cert: named(/^cert/), key: named(/key/) };
}

describe.each([...SUITES.entries()])('exporters, case %i', (index, suite) => {
  const scope = suiteScope();
  const address = (number: number) => `127.0.${index + 1}.${number}`;
  let binaries: Binaries;
  let folder: string;
  let host: LabHost;
  let neighbour: LabHost;

  beforeAll(async () => {
    folder = await workspace(scope);
    binaries = await binariesOf(suite);
    const join = (number: number) =>
      joinHost(scope, binaries, { controller, name: `${suite}-${number}`, address: address(number) });
    [host, neighbour] = await Promise.all([join(1), join(2)]);
  });

  /** `admitted`, or why not. */
  const knock = async (identity: Identity | undefined) => {
    const tls = await readClientTls(join(controller.prometheus, 'exporters-ca.pem'), identity);
    return scrapeOnce({ host: address(1), port: host.exporter.port, tls }).then(() => 'admitted', String);
  };
  const soon = () => new Date(Date.now() + HOUR_MS);
  const justNow = () => new Date(Date.now() - 2000);

  const strangers: [string, () => Promise<Identity | undefined> | Identity | undefined][] = [
    ['without a certificate', () => undefined],
    ['with a certificate of another authority', async () => (await createAuthority(folder, 'other')).issue('scraper')],
    [
      "with a scraper's certificate that has expired",
      () => forgeScraper(controller, folder, { name: 'prometheus', notAfter: justNow() }),
    ],
    ['with the certificate of another exporter', () => servedBy(neighbour)],
    ['with its own certificate', () => servedBy(host)],
    ['with the identity of an agent', () => identityOf(neighbour)],
    ['with the identity of its own agent', () => identityOf(host)],
    ['with the certificate of a scraper of another installation', () => scraperOf(elsewhere)],
  ];

  it.each(strangers)(`on ${suite} refuses a caller %s`, async (_who, identity) => {
    expect(await knock(await identity())).toMatch(REFUSED);
  });

  it(`on ${suite} refuses plain HTTP`, async () => {
    const plain = await get(`http://${host.target}/metrics`);
    expect(plain.status).toBe(400);
    expect(plain.body).not.toContain('node_');
  });

  it(`on ${suite} admits its scraper`, async () => {
    expect(await knock(scraperOf(controller))).toBe('admitted');
    expect(await knock(await forgeScraper(controller, folder, { name: 'prometheus', notAfter: soon() }))).toBe(
      'admitted',
    );
  });

  it(`on ${suite} treats a scraper of another name as its exporter-toolkit can`, async () => {
    const other = await forgeScraper(controller, folder, { name: 'another', notAfter: soon() });
    expect(await knock(other)).toMatch(ANOTHER_SCRAPER[suite]);
  });

  it(`is not scraped by the Prometheus of ${suite} when it shows the certificate of another host`, async () => {
    const own = testScope();
    const prometheus = await startPastedPrometheus(own, binaries, controller);
    const seen = async ({ target }: LabHost) =>
      (await prometheus.targets()).find(({ labels }) => labels['instance'] === target);
    const both = [host, neighbour];
    await eventually(
      async () => {
        for (const one of both) expect(await seen(one)).toMatchObject({ health: 'up', lastError: '' });
      },
      { withinMs: DISCOVERY_MS },
    );
    for (const { exporter } of both) await exporter.process.stop();
    const { port } = host.exporter;
    await startExporter(own, binaries, { address: address(1), port, webConfig: neighbour.webConfig });
    await eventually(
      async () =>
        expect(await seen(host)).toMatchObject({
          health: 'down',
          lastError: expect.stringContaining(`certificate is valid for ${address(2)}, not ${address(1)}`) as string,
        }),
      { withinMs: 10_000 },
    );
    expect(await prometheus.query(`up{instance="${host.target}"}`)).toMatchObject([{ value: 0 }]);
    await expect(controller.operator('target', 'check', host.name)).rejects.toThrow(
      `IP Address:${address(2)}, not for ${address(1)}.`,
    );
  });
});
