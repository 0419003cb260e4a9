import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ScraperStatus } from '@torchpass/controller/api';
import { startLabController } from '../harness/controller.ts';
import { eventually } from '../harness/eventually.ts';
import { joinHost, type LabHost } from '../harness/host.ts';
import { DISCOVERY_MS, startPastedPrometheus } from '../harness/pasted.ts';
import { runProgram } from '../harness/programs.ts';
import { binariesOf } from '../harness/suites.ts';
import { testScope } from '../harness/test-scope.ts';
import { startThief } from '../harness/thief.ts';
import { readClientTls } from '../harness/tls-files.ts';

/**
 * Attack: with Prometheus's stolen key somebody has scraped an exporter, and keeps the connection and the TLS session; after `torchpass scraper revoke`
 * they go on with either, since an exporter asks for a certificate only in a full handshake.
 * Defence: the restart generation: the agent restarts every exporter once its trust has changed, and the controller then knocks with the old authority.
 * Lives in: packages/agent/src/exporters/start-anew.ts, packages/controller/src/revocation/.
 * Seen to fail: `web-2` below is the same without the defence: its exporter is not restarted. There trixie's build lets the old session in,
 * and the open connection goes on in both builds, although every new handshake of the old key is refused.
 */

const OPEN = { status: 200, resumed: false };

describe.each(['trixie', 'sid'] as const)('on %s', (suite) => {
  it(
    'neither the connection nor the session of a given-up scraper key outlives the restart',
    { timeout: 180_000 },
    async () => {
      const scope = testScope();
      const binaries = await binariesOf(suite);
      const controller = await startLabController(scope);
      const prometheus = await startPastedPrometheus(scope, binaries, controller);
      const [restarted, left] = await Promise.all([
        joinHost(scope, binaries, { controller, name: 'web-1', address: '127.0.6.1', restartable: true }),
        joinHost(scope, binaries, { controller, name: 'web-2', address: '127.0.6.2' }),
      ]);
      await eventually(async () => expect(await prometheus.query('up == 1')).toHaveLength(2), {
        withinMs: DISCOVERY_MS,
      });
      const file = (name: string) => join(controller.prometheus, name);
      const stolen = await readClientTls(file('exporters-ca.pem'), {
        cert: file('scraper.pem'),
        key: file('scraper-key.pem'),
      });
      const steal = ({ exporter: { address: host, port } }: LabHost) => startThief(scope, { host, port }, stolen);
      const [one, two] = [await steal(restarted), await steal(left)];
      for (const thief of [one, two]) {
        expect(await thief.stay()).toEqual(OPEN);
        expect(await thief.knock()).toEqual(OPEN);
        expect(await thief.resume()).toEqual({ status: 200, resumed: true });
      }

      await controller.operator('scraper', 'revoke', '--reason', 'stolen', '--yes');
      await restarted.agent.sync();
      const told = await left.agent.sync();
      expect(told.output).toMatch(/has to be restarted/);

      // Without the restart: new handshakes are refused, what was there before goes on.
      expect(await two.knock()).toBe('refused');
      expect(await two.stay()).toEqual(OPEN);
      expect(await two.resume()).toEqual(suite === 'trixie' ? { status: 200, resumed: true } : 'refused');
      // With it: nothing does.
      expect([await one.knock(), await one.stay(), await one.resume()]).toEqual(['refused', 'refused', 'refused']);

      const status = async () => {
        const { exit, stdout } = await runProgram(scope, 'torchpass', [
          'scraper',
          'status',
          '--output',
          'json',
          '--socket',
          controller.socket,
        ]);
        const { exporters } = JSON.parse(stdout) as ScraperStatus;
        return { code: exit.code, states: exporters.map(({ host, state }) => `${host}: ${state}`) };
      };
      expect(await status()).toEqual({ code: 1, states: ['web-2: not restarted', 'web-1: done'] });
      await left.exporter.restart();
      expect((await left.agent.sync('--restarted')).exit.code).toBe(0);
      expect(await status()).toEqual({ code: 0, states: ['web-1: done', 'web-2: done'] });
      expect([await two.knock(), await two.stay(), await two.resume()]).toEqual(['refused', 'refused', 'refused']);
      // Prometheus went on with its new key by itself.
      await eventually(async () => expect(await prometheus.query('up == 1')).toHaveLength(2), {
        withinMs: DISCOVERY_MS,
      });
    },
  );
});
