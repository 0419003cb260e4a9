import { formatHostPort, nodeFiles, TorchpassError, type Files } from '@torchpass/core';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { describe, expect, it, vi } from 'vitest';
import { dial, enrollOver } from './testing/client.ts';
import { newToken } from './testing/host.ts';
import { OPERATOR } from './testing/operator.ts';
import { startLab } from './testing/lab.ts';
import { watchStatements } from './testing/crash-dialect.ts';

vi.mock('node:crypto', async (original) =>
  (await import('./testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

/** A shutdown is forced after ten seconds. */
const SOON = { timeout: 8000 };

describe('a controller', () => {
  it('that was closed can be started again on its storage, and knows its hosts', async () => {
    const first = await startLab();
    const identity = await enrollOver(first, await newToken(first));
    await first.close();
    const second = await startLab({ folder: first.folder });
    await dial(second, identity).checkIn({ agentVersion: '', rootsDigest: Buffer.alloc(0), exporters: [] });
    expect(await second.services.hosts.list()).toMatchObject([{ name: 'web-1', state: 'active' }]);
  });

  it('refuses a second one on its storage, and a configuration of another trust domain', async () => {
    const lab = await startLab();
    await expect(startLab({ folder: lab.folder })).rejects.toMatchObject({ code: 'ALREADY_RUNNING' });
    await lab.close();
    const other = startLab({ folder: lab.folder, config: { trust_domain: 'other.example' } });
    await expect(other).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await startLab({ folder: lab.folder });
  });

  it('stops at once while somebody watches its health and somebody has not begun a handshake', SOON, async () => {
    const lab = await startLab();
    const session = connectHttp2(`https://${formatHostPort(lab.publicAddress)}`, { rejectUnauthorized: false });
    const watch = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Watch',
      'content-type': 'application/grpc',
    });
    watch.end(Buffer.alloc(5));
    const trailers = once(watch, 'trailers') as Promise<[Record<string, string>]>;
    await once(watch.resume(), 'data');
    const halfOpen = connect(lab.publicAddress)
      .on('error', () => undefined)
      .resume();
    await once(halfOpen, 'connect');
    await lab.close();
    expect((await trailers)[0]['grpc-status']).toBe('14');
    await expect.poll(() => halfOpen.closed).toBe(true);
  });

  it('that cannot start lets go of everything it took', async () => {
    const lab = await startLab();
    await lab.close();
    const seams = {
      wrapDialect: watchStatements((sql) => {
        if (sql.includes('withdrawn') || sql.includes('exporters')) throw new Error('the disk went away');
      }),
    };
    await expect(startLab({ folder: lab.folder, seams })).rejects.toThrow('the disk went away');
    await startLab({ folder: lab.folder });
  });

  it('serves agents while a target file cannot be written, shows it, and recovers by itself', async () => {
    const lab = await startLab();
    await lab.close();
    const broken = join(lab.config.prometheus.folder, 'targets', 'node.json');
    await mkdir(broken);
    const next = await startLab({ folder: lab.folder });
    await enrollOver(next, await newToken(next));
    expect((await next.services.status()).publishProblem).toContain('node.json');
    await rm(broken, { recursive: true });
    await vi.waitFor(async () => {
      next.clock.advance(6000);
      expect((await next.services.status()).publishProblem).toBeNull();
    });
  });

  it('goes on serving when its folder for Prometheus cannot be refreshed, and tries again', async () => {
    let full = false;
    const real = nodeFiles();
    const files: Files = {
      ...real,
      write: (path, file, stageIn) =>
        full && path.endsWith('.pem')
          ? Promise.reject(new TorchpassError('FILE_UNWRITABLE', `Cannot write ${path}: ENOSPC.`))
          : real.write(path, file, stageIn),
    };
    const lab = await startLab({ files });
    const scraper = join(lab.config.prometheus.folder, 'scraper.pem');
    const before = await readFile(scraper, 'utf8');
    full = true;
    await vi.waitFor(() => {
      lab.clock.advance(86_400_000);
      expect(lab.logged.join('')).toMatch(/"what":"prometheus_folder"/);
    });
    expect(await readFile(scraper, 'utf8')).toBe(before);
    await enrollOver(lab, await newToken(lab));
    full = false;
    await vi.waitFor(async () => {
      lab.clock.advance(6000);
      expect(await readFile(scraper, 'utf8')).not.toBe(before);
    });
  });

  it('serves with a new key as soon as its own certificate is revoked, without a restart', async () => {
    const lab = await startLab();
    const served = async () => {
      const socket = connectTls({ ...lab.publicAddress, rejectUnauthorized: false });
      await once(socket, 'secureConnect');
      const { serialNumber, pubkey } = socket.getPeerCertificate();
      socket.destroy();
      return { serial: serialNumber.toLowerCase(), key: pubkey?.toString('hex') };
    };
    const before = await served();
    await lab.services.certificates.revoke(before.serial, 'keyCompromise', OPERATOR);
    await vi.waitFor(async () => expect((await served()).serial).not.toBe(before.serial));
    expect((await served()).key).not.toBe(before.key);
    await enrollOver(lab, await newToken(lab));
  });
});
