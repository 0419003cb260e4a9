import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** An executable that answers `--version` as the program would. */
export function fakeProgram(path: string, name: string, version: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\necho "${name}, version ${version} (branch: test)"\n`);
  chmodSync(path, 0o755);
}

/** A small archive of a distribution in `folder` for `file:` URIs, with the three packages in one suite; unsigned. */
export function fakeArchive(folder: string, suite: string): void {
  const index = ['prometheus', 'prometheus-node-exporter', 'promtool']
    .map((name) => fakePackage(folder, name))
    .join('\n');
  const packages = 'main/binary-amd64/Packages';
  const dist = join(folder, 'dists', suite);
  mkdirSync(join(dist, dirname(packages)), { recursive: true });
  writeFileSync(join(dist, packages), index);
  writeFileSync(
    join(dist, 'Release'),
    [
      `Suite: ${suite}`,
      `Codename: ${suite}`,
      'Architectures: amd64',
      'Components: main',
      `Date: ${new Date().toUTCString()}`,
      'SHA256:',
      ` ${sha256(index)} ${Buffer.byteLength(index)} ${packages}`,
      '',
    ].join('\n'),
  );
}

function fakePackage(folder: string, name: string): string {
  const root = join(folder, 'build', name);
  fakeProgram(join(root, 'usr/bin', name), name === 'prometheus-node-exporter' ? 'node_exporter' : name, '1.2.3');
  mkdirSync(join(root, 'DEBIAN'));
  const control = `Package: ${name}\nVersion: 1.2.3-1\nArchitecture: amd64\nMaintainer: test <test@example.org>\nDescription: test\n`;
  writeFileSync(join(root, 'DEBIAN/control'), control);
  const file = `${name}_1.2.3-1_amd64.deb`;
  execFileSync('dpkg-deb', ['--build', '--root-owner-group', root, join(folder, file)], { stdio: 'pipe' });
  const deb = readFileSync(join(folder, file));
  return `${control}Filename: ./${file}\nSize: ${deb.length}\nSHA256: ${sha256(deb)}\n`;
}

export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}
