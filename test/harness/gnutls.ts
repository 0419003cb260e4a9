import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unpackedPackages } from '@torchpass/quickstart';
import { runToEnd, type Exit, type Running, type StartOptions } from './processes.ts';
import type { Scope } from './scope.ts';

const CACHE = fileURLToPath(new URL('../../.cache', import.meta.url));
const LIBRARIES = ['usr/lib', 'usr/lib/x86_64-linux-gnu', 'usr/lib/aarch64-linux-gnu', 'lib/x86_64-linux-gnu', 'lib/aarch64-linux-gnu']; // prettier-ignore

export interface GnuTls {
  /** Of Debian's package. */
  version: string;
  /** Runs a program of it to its end. */
  run(
    scope: Scope,
    program: 'certtool' | 'gnutls-cli',
    args: readonly string[],
    options?: StartOptions,
  ): Promise<Running & { exit: Exit }>;
}

/** GnuTLS's programs as Debian packages them, with all their libraries but libc; from the network only when the cache does not have them. */
export async function unpackGnuTls(report: (sentence: string) => void = () => undefined): Promise<GnuTls> {
  const packages = [
    'gnutls-bin', 'libgnutls30', 'libgnutls-dane0', 'libunbound8', 'libevent-2.1-7', 'libopts25', 'libtasn1-6',
    'libnettle8', 'libhogweed6', 'libgmp10', 'libp11-kit0', 'libffi8', 'libidn2-0', 'libunistring2',
  ] as const; // prettier-ignore
  const { root, version } = await unpackedPackages('bookworm', packages, { cache: CACHE, report });
  const LD_LIBRARY_PATH = LIBRARIES.map((place) => join(root, place)).join(':');
  return {
    version,
    run: (scope, program, args, options = {}) =>
      runToEnd(scope, join(root, 'usr/bin', program), args, { ...options, env: { ...options.env, LD_LIBRARY_PATH } }),
  };
}
