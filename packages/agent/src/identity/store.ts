import { type Files, formatHostPort, type HostPort, parseHostPort, TorchpassError } from '@torchpass/core';
import { type Layout, PASSABLE, PRIVATE_FILE, PRIVATE_FOLDER } from '../storage/layout.ts';
import { type CertificatePair, certificatesOf, readPair } from './certificate-pair.ts';

/** Whom this host belongs to: written once it has been proved, before the identity itself. */
export interface Enrolment {
  controller: HostPort;
  hostName: string;
  trustDomain: string;
  /** PEM of the roots that the controller's chain may end in. */
  rootsPem: string;
}

export interface Identity extends Enrolment {
  pair: CertificatePair;
}

/** The folders that everything else is written into. */
export async function makeFolders(layout: Layout, files: Files): Promise<void> {
  await files.makeFolder(layout.root, PASSABLE);
  await files.makeFolder(layout.identity.folder, PRIVATE_FOLDER);
  await files.makeFolder(layout.exporters, PASSABLE);
}

export async function writeEnrolment(layout: Layout, enrolment: Enrolment, files: Files): Promise<void> {
  const record = { ...enrolment, controller: formatHostPort(enrolment.controller) };
  const data = `${JSON.stringify(record, undefined, 2)}\n`;
  await files.write(layout.identity.enrolment, { data, ...PRIVATE_FILE });
}

/** Key and chain in one file, replaced at once. */
export async function writePair(layout: Layout, pair: CertificatePair, files: Files): Promise<void> {
  await files.write(layout.identity.pair, { data: pair.keyPem + pair.chainPem, ...PRIVATE_FILE });
}

/**
 * The host's identity, or undefined when it has none (an interrupted enrolment has none either).
 *
 * Errors: IDENTITY_BROKEN when there is one that cannot be used.
 */
export async function readIdentity(layout: Layout, files: Files): Promise<Identity | undefined> {
  const pem = (await files.read(layout.identity.pair))?.toString('utf8');
  if (pem === undefined) return undefined;
  const pair = readPair(pem, pem.slice(0, Math.max(0, pem.indexOf('-----BEGIN CERTIFICATE'))));
  if (pair === undefined) throw broken(layout.identity.pair, 'is damaged');
  const text = (await files.read(layout.identity.enrolment))?.toString('utf8');
  if (text === undefined) throw broken(layout.identity.enrolment, 'is missing');
  const enrolment = parseEnrolment(text);
  if (enrolment === undefined) throw broken(layout.identity.enrolment, 'is damaged');
  return { ...enrolment, pair };
}

/** As `readIdentity`, for what cannot be done without one. Errors: NOT_ENROLLED, IDENTITY_BROKEN. */
export async function requireIdentity(layout: Layout, files: Files): Promise<Identity> {
  const identity = await readIdentity(layout, files);
  if (identity !== undefined) return identity;
  throw new TorchpassError(
    'NOT_ENROLLED',
    `This host is not enrolled: there is no identity in ${layout.identity.folder}.`,
    {
      hint: 'Ask the operator for a join token and run "torchpass-agent enroll".',
    },
  );
}

function parseEnrolment(text: string): Enrolment | undefined {
  try {
    const record = JSON.parse(text) as Record<string, unknown>;
    const { controller, hostName, trustDomain, rootsPem } = record;
    if (typeof controller !== 'string' || typeof hostName !== 'string') return undefined;
    if (typeof trustDomain !== 'string' || typeof rootsPem !== 'string') return undefined;
    if (certificatesOf(rootsPem).length === 0) return undefined;
    return { controller: parseHostPort(controller), hostName, trustDomain, rootsPem };
  } catch {
    return undefined;
  }
}

function broken(path: string, how: string): TorchpassError {
  return new TorchpassError('IDENTITY_BROKEN', `This host's identity cannot be used: ${path} ${how}.`, {
    hint: 'Have the operator make a join token with "torchpass token create --replace" and the name of this host; then run "torchpass-agent enroll" with it.',
  });
}
