import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { callController, pairIn, trustOf } from '../harness/caller.ts';
import { startLabController } from '../harness/controller.ts';
import { scrapeOnce } from '../harness/handshakes.ts';
import { joinHost } from '../harness/host.ts';
import { binariesOf } from '../harness/suites.ts';
import { testScope } from '../harness/test-scope.ts';
import { readClientTls } from '../harness/tls-files.ts';

/**
 * Attack: a host's identity is shown to another exporter, to scrape it; an exporter's certificate is shown to the controller, as an identity.
 * Defence: an authority for each purpose, and each side trusts one of them only.
 * Lives in: packages/controller/src/grpc/agent-service.ts, pki/src/profiles.ts, pki/src/verify.ts.
 * Seen to fail: not by one change: with the agents' authority handed out beside the scrapers', the scraper's name still keeps the identity out.
 */

describe('on a real exporter and the real controller', () => {
  it('neither certificate of a host opens the other door', async () => {
    const scope = testScope();
    const binaries = await binariesOf('trixie');
    const controller = await startLabController(scope);
    const { agent, exporter } = await joinHost(scope, binaries, { controller, name: 'web-1' });
    const place = { host: exporter.address, port: exporter.port };
    const generations = join(agent.storage, 'exporters/node/generations');
    const [generation = ''] = await readdir(generations);
    const ofPrometheus = (name: string) => join(controller.prometheus, name);
    const ofHost = (name: string) => join(generations, generation, name);
    const identity = join(agent.storage, 'identity/identity.pem');
    const files = {
      scraper: { cert: ofPrometheus('scraper.pem'), key: ofPrometheus('scraper-key.pem') },
      identity: { cert: identity, key: identity },
      exporter: { cert: ofHost('certificate.pem'), key: ofHost('key.pem') },
    };
    const tls = (name: keyof typeof files) => readClientTls(ofPrometheus('exporters-ca.pem'), files[name]);

    expect(await scrapeOnce({ ...place, tls: await tls('scraper') })).toMatch(/^[0-9a-f]+$/);
    for (const name of ['identity', 'exporter'] as const)
      await expect(scrapeOnce({ ...place, tls: await tls(name) })).rejects.toThrow(/alert|reset|closed|certificate/i);

    const trust = await trustOf(controller);
    const nothing = { agentVersion: '', rootsDigest: Buffer.alloc(0), exporters: [] };
    for (const name of ['exporter', 'scraper'] as const) {
      const pair = await pairIn(files[name]);
      await expect(callController(scope, controller, trust, pair).checkIn(nothing)).rejects.toMatchObject({
        code: 'IDENTITY_REJECTED',
      });
    }
    const own = await pairIn(files.identity);
    expect(await callController(scope, controller, trust, own).checkIn(nothing)).toMatchObject({ exporters: [] });
  });
});
