import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createAuthority } from '../harness/certificates.ts';
import { eventually } from '../harness/eventually.ts';
import { startExporter } from '../harness/exporter.ts';
import { scrapeOnce, startHammer } from '../harness/handshakes.ts';
import { get } from '../harness/http.ts';
import { startPrometheus } from '../harness/prometheus.ts';
import { binariesOf, SUITES } from '../harness/suites.ts';
import { testScope } from '../harness/test-scope.ts';
import { readClientTls } from '../harness/tls-files.ts';
import { workspace } from '../harness/workspace.ts';

/** A node_exporter of the suite that only the holder of a scraper's certificate may read. */
async function lockedExporter(suite: (typeof SUITES)[number]) {
  const scope = testScope();
  const folder = await workspace(scope);
  const binaries = await binariesOf(suite);
  const exporters = await createAuthority(folder, 'exporters');
  const scrapers = await createAuthority(folder, 'scrapers');
  const server = await exporters.issue('server', { sans: ['IP:127.0.0.1'], usage: 'serverAuth' });
  const scraper = await scrapers.issue('scraper', { usage: 'clientAuth' });
  const webConfig = join(folder, 'web.yml');
  await writeFile(
    webConfig,
    `tls_server_config:
  client_ca_file: ${scrapers.cert}
  client_auth_type: RequireAndVerifyClientCert
  cert_file: ${server.cert}
  key_file: ${server.key}
`,
  );
  const exporter = await startExporter(scope, binaries, { webConfig });
  const place = { host: exporter.address, port: exporter.port };
  return { scope, folder, binaries, exporters, scrapers, scraper, exporter, place };
}

describe.each(SUITES)('the programs of %s', (suite) => {
  it('scrape and are scraped over mutual TLS', async () => {
    const { scope, folder, binaries, exporters, scraper, exporter } = await lockedExporter(suite);
    const configFile = join(folder, 'prometheus.yml');
    const config = (interval: string) => `
global: { scrape_interval: ${interval} }
scrape_configs:
  - job_name: node
    scheme: https
    tls_config: { ca_file: ${exporters.cert}, cert_file: ${scraper.cert}, key_file: ${scraper.key} }
    static_configs: [{ targets: ['${exporter.address}:${exporter.port}'] }]
`;
    await writeFile(configFile, config('1s'));
    const prometheus = await startPrometheus(scope, binaries, { configFile });
    const up = async () => expect(await prometheus.query('up')).toMatchObject([{ labels: { job: 'node' }, value: 1 }]);
    await eventually(up, { withinMs: 20_000 });
    expect(await prometheus.query('node_uname_info')).toHaveLength(1);
    expect(await prometheus.targets()).toMatchObject([{ health: 'up', lastError: '', scrapePool: 'node' }]);

    await writeFile(configFile, config('nonsense'));
    await expect(prometheus.reload()).rejects.toThrow('Prometheus refuses');
    await writeFile(configFile, config('2s'));
    await prometheus.reload();
    expect(await prometheus.process.stop()).toEqual({ code: 0, signal: null });
  });

  it('refuse strangers', async () => {
    const { exporters, scrapers, folder, place } = await lockedExporter(suite);
    const foreign = await createAuthority(folder, 'foreign');
    const yesterday = new Date(Date.now() - 86_400_000);
    const strangers = {
      'without a certificate': undefined,
      'of another authority': await foreign.issue('scraper', { usage: 'clientAuth' }),
      'of another purpose': await scrapers.issue('other', { usage: 'serverAuth' }),
      'that has expired': await scrapers.issue('old', {
        usage: 'clientAuth',
        notBefore: new Date(0),
        notAfter: yesterday,
      }),
    };
    for (const [who, identity] of Object.entries(strangers)) {
      const tls = await readClientTls(exporters.cert, identity);
      const outcome = await scrapeOnce({ ...place, tls }).then(() => 'let in', String);
      expect(`${who}: ${outcome}`).toMatch(/alert|ECONNRESET|EPIPE/);
    }
    expect(await get(`http://${place.host}:${place.port}/metrics`)).toMatchObject({ status: 400 });
  });

  it('can be hammered with full handshakes, and a restart shows', async () => {
    const { scope, exporters, scraper, exporter, place } = await lockedExporter(suite);
    const tls = await readClientTls(exporters.cert, scraper);
    const quiet = startHammer(scope, { ...place, tls });
    await eventually(() => expect(quiet.tally.successes).toBeGreaterThan(50), { withinMs: 20_000 });
    expect(await quiet.stop()).toMatchObject({ failures: 0, reasons: [] });

    const disturbed = startHammer(scope, { ...place, tls });
    await eventually(() => expect(disturbed.tally.successes).toBeGreaterThan(0), { withinMs: 20_000 });
    await exporter.process.stop();
    await eventually(() => expect(disturbed.tally.failures).toBeGreaterThan(0), { withinMs: 20_000 });
    await exporter.restart();
    const before = disturbed.tally.successes;
    await eventually(() => expect(disturbed.tally.successes).toBeGreaterThan(before), { withinMs: 20_000 });
    expect((await disturbed.stop()).reasons[0]).toMatch(/ECONNREFUSED|ECONNRESET|closed without an answer/);
  });

  it("protect Prometheus's own interface", async () => {
    const { scope, folder, binaries, exporters, scrapers } = await lockedExporter(suite);
    const server = await exporters.issue('prometheus', { sans: ['IP:127.0.0.1'], usage: 'serverAuth' });
    const caller = await scrapers.issue('caller', { usage: 'clientAuth' });
    await writeFile(join(folder, 'prometheus.yml'), 'scrape_configs: []\n');
    const configFile = join(folder, 'prometheus-web.yml');
    await writeFile(
      configFile,
      `tls_server_config:
  client_ca_file: ${scrapers.cert}
  client_auth_type: RequireAndVerifyClientCert
  cert_file: ${server.cert}
  key_file: ${server.key}
`,
    );
    const prometheus = await startPrometheus(scope, binaries, {
      configFile: join(folder, 'prometheus.yml'),
      web: { configFile, tls: await readClientTls(exporters.cert, caller) },
    });
    expect(await prometheus.targets()).toEqual([]);
    await expect(get(`${prometheus.url}/-/ready`, { tls: await readClientTls(exporters.cert) })).rejects.toThrow(
      /alert|ECONNRESET/,
    );
  });
});
