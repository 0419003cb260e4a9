import { createPrivateKey } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isTorchpassError } from '@torchpass/core';
import {
  certificatesToPem,
  createCertificateRequest,
  generatePrivateKey,
  publicKeyInfo,
  readCertificateRequest,
} from '@torchpass/pki';
import { beforeAll, describe, expect, it } from 'vitest';
import { issue, makeWorld } from '../../packages/pki/src/testing/world.ts';
import { unpackGnuTls, type GnuTls } from '../harness/gnutls.ts';
import { runToEnd } from '../harness/processes.ts';
import type { Scope } from '../harness/scope.ts';
import { testScope } from '../harness/test-scope.ts';
import { workspace } from '../harness/workspace.ts';

const NAMES = ['cn = web1', 'organization = "Ümläut & Söhne"', 'country = DE', 'dns_name = controller.example.org', 'ip_address = 198.51.100.7', 'uri = spiffe://metrics.example.org/controller']; // prettier-ignore
const USAGES = ['signing_key', 'tls_www_server', 'tls_www_client', 'honor_crq_extensions'];
const SUBJECT = ['-subj', '/C=DE/O=Ümläut/CN=web1', '-utf8'];

type Verdict = 'ecdsa-p256' | 'ed25519' | 'KEY_UNSUPPORTED' | 'CSR_INVALID: it asks to become an authority';

interface Row {
  is: string;
  /** Of the key: arguments of certtool --generate-privkey or openssl genpkey. */
  key: readonly string[];
  /** Lines of certtool's template, or arguments of openssl req. */
  wants: readonly string[];
  reads: Verdict;
}

const CERTTOOL_P256 = ['--key-type', 'ecdsa', '--curve', 'secp256r1'];
const CERTTOOL: Row[] = [
  { is: 'P-256, nothing asked for', key: CERTTOOL_P256, wants: ['cn = web1'], reads: 'ecdsa-p256' },
  { is: 'P-256, names', key: CERTTOOL_P256, wants: NAMES, reads: 'ecdsa-p256' },
  { is: 'P-256, names and usages', key: CERTTOOL_P256, wants: [...NAMES, ...USAGES], reads: 'ecdsa-p256' },
  { is: 'P-256, a challenge password', key: CERTTOOL_P256, wants: ['cn = web1', 'challenge_password = secret'], reads: 'ecdsa-p256' },
  { is: 'Ed25519, names', key: ['--key-type', 'ed25519'], wants: NAMES, reads: 'ed25519' },
  { is: 'Ed25519, names, usages and a password', key: ['--key-type', 'ed25519'], wants: [...NAMES, ...USAGES, 'challenge_password = secret'], reads: 'ed25519' },
  { is: 'P-256, to become an authority', key: CERTTOOL_P256, wants: ['cn = web1', 'ca', 'cert_signing_key'], reads: 'CSR_INVALID: it asks to become an authority' },
  { is: 'P-384', key: ['--key-type', 'ecdsa', '--curve', 'secp384r1'], wants: NAMES, reads: 'KEY_UNSUPPORTED' },
  { is: 'RSA', key: ['--key-type', 'rsa', '--bits', '2048'], wants: NAMES, reads: 'KEY_UNSUPPORTED' },
  { is: 'Ed448', key: ['--key-type', 'ed448'], wants: NAMES, reads: 'KEY_UNSUPPORTED' },
]; // prettier-ignore

const OPENSSL_P256 = ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'];
const EXTENSIONS = [
  '-addext', 'subjectAltName=DNS:controller.example.org,IP:198.51.100.7,URI:spiffe://metrics.example.org/controller',
  '-addext', 'keyUsage=critical,digitalSignature', '-addext', 'extendedKeyUsage=serverAuth,clientAuth',
]; // prettier-ignore
const OPENSSL: Row[] = [
  { is: 'P-256, no subject', key: OPENSSL_P256, wants: ['-subj', '/'], reads: 'ecdsa-p256' },
  { is: 'P-256, a challenge password', key: OPENSSL_P256, wants: ['-config', '{password}'], reads: 'ecdsa-p256' },
  { is: 'P-256, extensions', key: OPENSSL_P256, wants: [...SUBJECT, ...EXTENSIONS], reads: 'ecdsa-p256' },
  { is: 'P-256, the old header', key: OPENSSL_P256, wants: [...SUBJECT, '-newhdr'], reads: 'ecdsa-p256' },
  { is: 'P-256, CA:FALSE', key: OPENSSL_P256, wants: [...SUBJECT, '-addext', 'basicConstraints=critical,CA:FALSE'], reads: 'ecdsa-p256' },
  { is: 'Ed25519, extensions', key: ['-algorithm', 'ED25519'], wants: [...SUBJECT, ...EXTENSIONS], reads: 'ed25519' },
  { is: 'P-256, CA:TRUE', key: OPENSSL_P256, wants: [...SUBJECT, '-addext', 'basicConstraints=CA:TRUE'], reads: 'CSR_INVALID: it asks to become an authority' },
  { is: 'Ed25519, CA:TRUE', key: ['-algorithm', 'ED25519'], wants: [...SUBJECT, '-addext', 'basicConstraints=critical,CA:TRUE,pathlen:0'], reads: 'CSR_INVALID: it asks to become an authority' },
  { is: 'RSA', key: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'], wants: SUBJECT, reads: 'KEY_UNSUPPORTED' },
]; // prettier-ignore

const WITH_PASSWORD = `[req]
prompt = no
distinguished_name = subject
attributes = more
[subject]
CN = web1
[more]
challengePassword = correct horse
unstructuredName = web one
`;

let gnutls: GnuTls;
beforeAll(async () => {
  gnutls = await unpackGnuTls();
});

/** What is read: the algorithm, or why not. That the key is the one in `keyFile` is asked too. */
async function reading(der: Buffer, keyFile: string): Promise<string> {
  try {
    const { algorithm, publicKey, ...more } = readCertificateRequest(der);
    expect(Object.keys(more)).toEqual(['fingerprint']);
    expect(publicKey).toEqual(publicKeyInfo(createPrivateKey(await readFile(keyFile))));
    return algorithm;
  } catch (error) {
    if (isTorchpassError(error, 'KEY_UNSUPPORTED')) return error.code;
    if (isTorchpassError(error, 'CSR_INVALID'))
      return `${error.code}: ${/it asks .*authority/.exec(error.message)?.[0]}`;
    throw error;
  }
}

/** The key is issued for, and the certificate has what policy said and nothing that was asked for. */
async function issued(scope: Scope, der: Buffer, folder: string): Promise<string> {
  const { publicKey } = readCertificateRequest(der);
  const world = await makeWorld();
  const file = join(folder, 'issued.pem');
  await writeFile(file, certificatesToPem([await issue(world.authorities.agent, { publicKey })]));
  const { output } = await gnutls.run(scope, 'certtool', ['--certificate-info', '--infile', file]);
  return output;
}

async function done({ exit, output }: Awaited<ReturnType<typeof runToEnd>>): Promise<void> {
  if (exit.code !== 0) throw new Error(output);
}

describe('requests of certtool', () => {
  it.each(CERTTOOL)('$is: $reads', async ({ key, wants, reads }) => {
    const scope = testScope();
    const folder = await workspace(scope);
    const [keyFile, template, csr] = ['key.pem', 'template', 'csr'].map((name) => join(folder, name)) as [string, string, string]; // prettier-ignore
    await writeFile(template, `${wants.join('\n')}\n`);
    const run = async (...args: string[]) => done(await gnutls.run(scope, 'certtool', args));
    await run('--generate-privkey', ...key, '--no-text', '--outfile', keyFile);
    await run('--generate-request', '--load-privkey', keyFile, '--template', template, '--outder', '--outfile', csr);
    const der = await readFile(csr);
    expect(await reading(der, keyFile)).toBe(reads);
  });
});

describe('requests of openssl', () => {
  it.each(OPENSSL)('$is: $reads', async ({ key, wants, reads }) => {
    const scope = testScope();
    const folder = await workspace(scope);
    const [keyFile, config, csr] = ['key.pem', 'password.cnf', 'csr'].map((name) => join(folder, name)) as [string, string, string]; // prettier-ignore
    await writeFile(config, WITH_PASSWORD);
    const run = async (...args: string[]) => done(await runToEnd(scope, 'openssl', args));
    await run('genpkey', ...key, '-out', keyFile);
    const asked = wants.map((argument) => (argument === '{password}' ? config : argument));
    await run('req', '-new', '-key', keyFile, '-outform', 'DER', '-out', csr, ...asked);
    expect(await reading(await readFile(csr), keyFile)).toBe(reads);
  });
});

it('what a request asks for is in no certificate', async () => {
  const scope = testScope();
  const folder = await workspace(scope);
  const [keyFile, template, csr] = ['key.pem', 'template', 'csr'].map((name) => join(folder, name)) as [string, string, string]; // prettier-ignore
  await writeFile(template, `${[...NAMES, ...USAGES].join('\n')}\n`);
  const run = async (...args: string[]) => done(await gnutls.run(scope, 'certtool', args));
  await run('--generate-privkey', ...CERTTOOL_P256, '--no-text', '--outfile', keyFile);
  await run('--generate-request', '--load-privkey', keyFile, '--template', template, '--outder', '--outfile', csr);
  const der = await readFile(csr);
  expect(der.includes('controller.example.org')).toBe(true);
  const text = await issued(scope, der, folder);
  expect(text).toContain('URI: spiffe://metrics.example.org/agent/web1');
  expect(text).toContain('TLS WWW Client.');
  expect(text).not.toMatch(/controller\.example|198\.51|TLS WWW Server|DE\b|mläut/);
});

it.each(['ecdsa-p256', 'ed25519'] as const)(
  'our own request of %s is read and verified by certtool',
  async (algorithm) => {
    const scope = testScope();
    const file = join(await workspace(scope), 'csr');
    const key = await generatePrivateKey(algorithm);
    await writeFile(file, createCertificateRequest(key));
    const { exit, output } = await gnutls.run(scope, 'certtool', ['--crq-info', '--inder', '--infile', file]);
    expect(output).toContain('Self signature: verified');
    expect(exit.code).toBe(0);
  },
);
