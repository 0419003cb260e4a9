import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { listenTcp, listenUnix } from './listen.ts';

let folder: string;
let servers: Server[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tp-listen-'));
  servers = [];
});

afterEach(async () => {
  for (const server of servers) if (server.listening) await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true, force: true });
});

function server(): Server {
  const made = createServer((socket) => socket.on('error', () => undefined).end('hello'));
  servers.push(made);
  return made;
}

describe('listenUnix', () => {
  it.each([0o000, 0o077])('is open to its owner and group only, whatever the umask (%i)', async (umask) => {
    const path = join(folder, 's.sock');
    const before = process.umask(umask);
    try {
      await listenUnix(server(), { path, gid: process.getgid?.() });
      expect(process.umask()).toBe(umask);
    } finally {
      process.umask(before);
    }
    expect((await stat(path)).mode & 0o777).toBe(0o660);
  });

  it('refuses when a controller answers there, and leaves that one alone', async () => {
    const path = join(folder, 's.sock');
    await listenUnix(server(), { path });
    await expect(listenUnix(server(), { path })).rejects.toMatchObject({
      code: 'ALREADY_RUNNING',
      message: expect.stringContaining(path),
    });
    const socket = connect(path);
    const [data] = await once(socket, 'data');
    expect(String(data)).toBe('hello');
  });

  it('replaces the socket of a process that was killed', async () => {
    const path = join(folder, 's.sock');
    const script = `require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`;
    await promisify(execFile)(process.execPath, ['-e', script, path]).catch(() => undefined);
    expect(existsSync(path)).toBe(true);
    await listenUnix(server(), { path });
    const [data] = await once(connect(path), 'data');
    expect(String(data)).toBe('hello');
  });

  it('does not remove what is not a socket', async () => {
    const path = join(folder, 'precious');
    await writeFile(path, 'x');
    await expect(listenUnix(server(), { path })).rejects.toMatchObject({ code: 'FILE_UNWRITABLE' });
    expect(existsSync(path)).toBe(true);
  });

  it.each([
    ['in a folder that is not there', 'no/where/s.sock'],
    ['with a path that is too long', 'x'.repeat(120)],
  ])('says what to do %s', async (_name, path) => {
    await expect(listenUnix(server(), { path: join(folder, path) })).rejects.toMatchObject({
      code: 'FILE_UNWRITABLE',
      message: expect.stringContaining(folder),
      hint: expect.any(String),
    });
  });
});

describe('listenTcp', () => {
  it('takes callers over IPv4 where it listens on [::]', async () => {
    const both = server();
    await listenTcp(both, { host: '::', port: 0 }, 'listen_address');
    const { port } = both.address() as AddressInfo;
    const [data] = await once(connect(port, '127.0.0.1'), 'data');
    expect(String(data)).toBe('hello');
  });

  it('leaves [::] to Node.js, which falls back to IPv4 where there is no IPv6', async () => {
    const both = server();
    const listen = vi.spyOn(both, 'listen');
    await listenTcp(both, { host: '::', port: 0 }, 'listen_address');
    expect(listen).toHaveBeenCalledWith({ port: 0 });
  });

  it('names the address that is taken and the setting to change', async () => {
    const first = server();
    await listenTcp(first, { host: '127.0.0.1', port: 0 }, '--web.listen-address');
    const { port } = first.address() as AddressInfo;
    await expect(listenTcp(server(), { host: '127.0.0.1', port }, '--web.listen-address')).rejects.toMatchObject({
      code: 'ADDRESS_IN_USE',
      message: expect.stringContaining(`127.0.0.1:${port}`),
      hint: expect.stringContaining('--web.listen-address'),
    });
  });

  it('names an address that this machine does not have', async () => {
    await expect(listenTcp(server(), { host: '192.0.2.1', port: 7444 }, 'web.listen')).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('192.0.2.1'),
    });
  });
});
