import { join } from 'node:path';
import type { Files, Owner, Permissions } from '@torchpass/core';
import { type CertificatePair, readPair } from '../identity/certificate-pair.ts';
import { serialOf } from '../identity/due.ts';
import { type ExporterLayout, PASSABLE } from '../storage/layout.ts';

/** What an exporter is given: whom it admits, and what it shows. One folder, made whole, never changed. */
export interface Generation extends CertificatePair {
  /** Lower-case hex; also the folder's name. */
  serial: string;
  folder: string;
  /** PEM of the scraper authorities. */
  clientCa: string;
}

const CLIENT_CA = 'client-ca.pem';
const CERTIFICATE = 'certificate.pem';
const KEY = 'key.pem';

/** Paths as the web configuration names them. */
export function generationFiles(folder: string): { clientCa: string; certificate: string; key: string } {
  return { clientCa: join(folder, CLIENT_CA), certificate: join(folder, CERTIFICATE), key: join(folder, KEY) };
}

/** Files that the exporter's group may read; with no owner, only the agent's own user. The owner stays the agent. */
export function readableBy(owner: Owner | undefined): Permissions {
  return owner === undefined ? { mode: 0o600 } : { mode: 0o640, owner: { uid: UNCHANGED, gid: owner.gid } };
}

/** chown(2): -1 leaves it as it is. */
const UNCHANGED = -1;

export async function writeGeneration(
  place: ExporterLayout,
  pair: CertificatePair,
  clientCa: string,
  owner: Owner | undefined,
  files: Files,
): Promise<Generation> {
  const serial = serialOf(pair.leaf);
  const folder = join(place.generations, serial);
  const existing = await readGeneration(folder, files);
  if (existing?.clientCa === clientCa && existing.chainPem === pair.chainPem) return existing;
  // Something is there that is not whole: damaged, since we never leave it so. No exporter can be using it well.
  await files.remove(folder);
  await files.makeFolder(place.generations, PASSABLE);
  const permissions = readableBy(owner);
  const named = { [CLIENT_CA]: clientCa, [CERTIFICATE]: pair.chainPem, [KEY]: pair.keyPem };
  await files.writeFolder(
    folder,
    Object.fromEntries(Object.entries(named).map(([name, data]) => [name, { data, ...permissions }])),
    { ...permissions, mode: owner === undefined ? 0o700 : 0o750 },
  );
  return { ...pair, serial, folder, clientCa };
}

/** Undefined when a file is missing or key and certificate do not belong together. */
async function readGeneration(folder: string, files: Files): Promise<Generation | undefined> {
  const paths = generationFiles(folder);
  const [clientCa, certificate, key] = await Promise.all(
    [paths.clientCa, paths.certificate, paths.key].map(async (path) => (await files.read(path))?.toString('utf8')),
  );
  if (clientCa === undefined || certificate === undefined || key === undefined) return undefined;
  const pair = readPair(certificate, key);
  return pair === undefined ? undefined : { ...pair, serial: serialOf(pair.leaf), folder, clientCa };
}

/** Every whole generation, oldest first. */
export async function readGenerations(place: ExporterLayout, files: Files): Promise<Generation[]> {
  const found: Generation[] = [];
  for (const name of await files.list(place.generations)) {
    const generation = await readGeneration(join(place.generations, name), files);
    if (generation !== undefined) found.push(generation);
  }
  return found.toSorted((a, b) => a.leaf.validFromDate.getTime() - b.leaf.validFromDate.getTime());
}
