import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { type Clock, type Files, type Logger, TorchpassError } from '@torchpass/core';
import type { ExporterSettings } from '../config/settings.ts';
import type { ExporterLayout } from '../storage/layout.ts';
import { type Generation, readableBy } from './generation.ts';
import { webConfigFor } from './web-config.ts';

/** What a program of an exporter understands. */
export interface Capabilities {
  /** `--web.config.file` (node_exporter from 1.5) or `--web.config` (before); undefined when nobody found out. */
  flag: string | undefined;
  /** Whether the web configuration may say client_allowed_sans (exporter-toolkit from 0.10). */
  allowedSans: boolean;
}

/** Undefined when the program started in no way that we know. */
export type LearnCapabilities = (
  exporter: ExporterSettings,
  place: ExporterLayout,
  generation: Generation,
) => Promise<Capabilities | undefined>;

/** Most capable first. An exporter refuses an unknown flag and an unknown key alike: it ends. */
const CANDIDATES: readonly Required<Capabilities>[] = [
  { flag: '--web.config.file', allowedSans: true },
  { flag: '--web.config.file', allowedSans: false },
  { flag: '--web.config', allowedSans: false },
];
const LONGEST_MS = 5000;
const PAUSE_MS = 25;
/** A name that no scraper has: for as long as the canary runs, it admits nobody. */
const NOBODY = 'spiffe://canary.invalid/nobody';

/**
 * Starts the program on a spare loopback port with the generation that it is about to get, demanding a client that
 * does not exist, and sees whether it listens. Version numbers do not tell: distributions link their own toolkit.
 */
export function createCanary({
  clock,
  files,
  logger,
}: {
  clock: Clock;
  files: Files;
  logger: Logger;
}): LearnCapabilities {
  return async (exporter, place, generation) => {
    const { binary } = exporter;
    if (binary === undefined) return undefined;
    const config = join(place.folder, 'canary.yml');
    const deadline = clock.now().getTime() + LONGEST_MS;
    try {
      for (const candidate of CANDIDATES) {
        const text = webConfigFor(generation, candidate.allowedSans ? [NOBODY] : undefined);
        await files.write(config, { data: text, ...readableBy(exporter.owner) });
        const port = await sparePort();
        const args = [...exporter.binaryArgs, `${candidate.flag}=${config}`, `--web.listen-address=127.0.0.1:${port}`];
        if (await listens(spawnCanary(binary, args, exporter), port, clock, deadline)) return candidate;
        if (clock.now().getTime() >= deadline) break;
      }
    } finally {
      await files.remove(config);
    }
    logger.warn('the program of the exporter started with no web configuration that was tried', {
      exporter: exporter.name,
      binary,
    });
    return undefined;
  };
}

/** As the exporter's user where we may: a canary is not to have more rights than the bird. */
function spawnCanary(binary: string, args: readonly string[], { owner }: ExporterSettings): ChildProcess {
  const user = owner !== undefined && process.getuid?.() === 0 ? { uid: owner.uid, gid: owner.gid } : {};
  return spawn(binary, args, { stdio: 'ignore', cwd: '/', env: {}, ...user });
}

async function listens(child: ChildProcess, port: number, clock: Clock, deadline: number): Promise<boolean> {
  const ended = new AbortController();
  const end = new Promise<void>((resolve) => {
    const finish = () => {
      ended.abort();
      resolve();
    };
    child.once('exit', finish).once('error', finish);
  });
  try {
    while (!ended.signal.aborted && clock.now().getTime() < deadline) {
      // Asked again after the connection: the program may have ended, and something else may answer on its port.
      if ((await accepts(port)) && !ended.signal.aborted && child.exitCode === null) return true;
      await Promise.race([end, clock.sleep(PAUSE_MS)]);
    }
    return false;
  } finally {
    child.kill('SIGKILL');
    await end;
  }
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function sparePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address === 'object' && address !== null) return address.port;
  throw new TorchpassError('INTERNAL', 'The system gave no port.');
}
