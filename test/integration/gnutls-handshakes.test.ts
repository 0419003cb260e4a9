import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  certificatesToPem,
  createCertificateRequest,
  generatePrivateKey,
  privateKeyToPem,
  publicKeyInfo,
  type Role,
} from '@torchpass/pki';
import { renderWebConfig } from '@torchpass/prometheus';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { dial, enrollRequest } from '../../packages/controller/src/testing/client.ts';
import { newToken } from '../../packages/controller/src/testing/host.ts';
import { startLab } from '../../packages/controller/src/testing/lab.ts';
import { issue, makeWorld } from '../../packages/pki/src/testing/world.ts';
import type { Identity } from '../harness/certificates.ts';
import { startExporter, type Exporter } from '../harness/exporter.ts';
import { unpackGnuTls, type GnuTls } from '../harness/gnutls.ts';
import { binariesOf } from '../harness/suites.ts';
import { suiteScope, testScope } from '../harness/test-scope.ts';
import { workspace } from '../harness/workspace.ts';

vi.mock('node:crypto', async (original) =>
  (await import('../../packages/controller/src/testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

interface Call {
  port: number;
  /** Whom to trust. */
  ca: string;
  name: string;
  identity?: Identity | undefined;
  path: string;
}

let gnutls: GnuTls;
beforeAll(async () => {
  gnutls = await unpackGnuTls();
});

/** One GET over HTTP/1.1 by gnutls-cli, which goes on whatever the answer is until the server closes. */
async function fetched({ port, ca, name, identity, path }: Call): Promise<string> {
  const { output } = await gnutls.run(
    testScope(),
    'gnutls-cli',
    [
      '127.0.0.1', '--port', String(port), '--x509cafile', ca, '--verify-hostname', name, '--alpn', 'http/1.1',
      ...(identity === undefined ? [] : ['--x509certfile', identity.cert, '--x509keyfile', identity.key]),
    ],
    { input: `GET ${path} HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n` },
  ); // prettier-ignore
  return output;
}

const ANSWERED = /HTTP\/1\.1 200 OK/;
/** The leaf and its authority. */
const SHOWN = 'Successfully sent 2 certificate(s) to server';
const REFUSED = /Received alert \[42\]: Certificate is bad/;

describe('an exporter, which is made with Go,', () => {
  const scope = suiteScope();
  let folder: string;
  let exporter: Exporter;
  const at = (file: string) => join(folder, file);

  beforeAll(async () => {
    folder = await workspace(scope);
    const now = new Date();
    const [world, other] = await Promise.all([
      makeWorld(undefined, undefined, now),
      makeWorld(undefined, undefined, now),
    ]);
    const give = async (file: string, from: typeof world, role: Role) => {
      const key = await generatePrivateKey();
      const leaf = await issue(from.authorities[role], {
        publicKey: publicKeyInfo(key),
        notBefore: new Date(now.getTime() - 60_000),
        notAfter: new Date(now.getTime() + 3_600_000),
        ...(role === 'exporter' ? { dnsNames: ['web1.example.org'], ipAddresses: ['127.0.0.1'] } : {}),
      });
      await writeFile(at(`${file}.pem`), certificatesToPem([leaf, from.authorities[role].certificate]));
      await writeFile(at(`${file}-key.pem`), privateKeyToPem(key));
    };
    await Promise.all([
      give('exporter', world, 'exporter'),
      give('scraper', world, 'scraper'),
      give('agent', world, 'agent'),
      give('other-scraper', other, 'scraper'),
      writeFile(at('exporters-ca.pem'), certificatesToPem([world.authorities.exporter.certificate])),
      writeFile(at('scrapers-ca.pem'), certificatesToPem([world.authorities.scraper.certificate])),
      writeFile(at('root.pem'), certificatesToPem([world.root])),
      writeFile(at('other-root.pem'), certificatesToPem([other.root])),
    ]);
    const webConfig = at('web.yml');
    await writeFile(
      webConfig,
      renderWebConfig({
        clientCaFile: at('scrapers-ca.pem'),
        clientAuthType: 'RequireAndVerifyClientCert',
        certFile: at('exporter.pem'),
        keyFile: at('exporter-key.pem'),
      }),
    );
    exporter = await startExporter(scope, await binariesOf('bookworm'), { webConfig });
  });

  const calls: { is: string; who?: string; ca?: string; name?: string; sees: RegExp }[] = [
    { is: 'answers its scraper', who: 'scraper', sees: ANSWERED },
    { is: 'answers its scraper, which trusts the root', who: 'scraper', ca: 'root', sees: ANSWERED },
    { is: 'answers its scraper under its name', who: 'scraper', name: 'web1.example.org', sees: ANSWERED },
    { is: 'refuses an agent', who: 'agent', sees: REFUSED },
    { is: 'refuses another exporter', who: 'exporter', sees: REFUSED },
    { is: 'refuses a scraper of another installation', who: 'other-scraper', sees: REFUSED },
    { is: 'refuses who has no certificate', sees: REFUSED },
    { is: 'is refused under another name', who: 'scraper', name: 'web2.example.org', sees: /does not match the expected/ },
    { is: 'is refused by who trusts another root', who: 'scraper', ca: 'other-root', sees: /issuer is unknown/ },
    { is: 'is refused by who trusts scrapers only', who: 'scraper', ca: 'scrapers-ca', sees: /issuer is unknown/ },
  ]; // prettier-ignore

  it.each(calls)('$is', async ({ who, ca = 'exporters-ca', name = '127.0.0.1', sees }) => {
    const identity = who === undefined ? undefined : { cert: at(`${who}.pem`), key: at(`${who}-key.pem`) };
    const seen = await fetched({ port: exporter.port, ca: at(`${ca}.pem`), name, identity, path: '/metrics' });
    expect(seen).toMatch(sees);
    expect(seen.includes('node_uname_info')).toBe(sees === ANSWERED);
    // Not refused for want of a certificate: it was shown, and judged. (gnutls-cli judges the server only after it has shown its own.)
    expect(seen.includes(SHOWN)).toBe(who !== undefined);
  });
});

describe("the controller's public port", () => {
  const calls: { is: string; name?: string; stranger?: true; distrusting?: true; sees: RegExp }[] = [
    { is: 'answers an agent that shows its certificate', sees: ANSWERED },
    { is: 'answers who has none', stranger: true, sees: ANSWERED },
    { is: 'is refused under another name', name: 'web2.example.org', sees: /does not match the expected/ },
    { is: 'is refused by who trusts another root', distrusting: true, sees: /issuer is unknown/ },
  ];

  it.each(calls)('$is', async ({ name = '127.0.0.1', stranger, distrusting, sees }) => {
    const folder = await workspace(testScope());
    const [ca, cert, key] = ['ca.pem', 'agent.pem', 'agent-key.pem'].map((file) => join(folder, file)) as [string, string, string]; // prettier-ignore
    const lab = await startLab();
    const { port } = lab.publicAddress;
    const ownKey = await generatePrivateKey();
    const request = enrollRequest(await newToken(lab), createCertificateRequest(ownKey));
    const { certificate, trust } = await dial(lab).enroll(request);
    await writeFile(cert, certificatesToPem(certificate?.chain ?? []));
    await writeFile(key, privateKeyToPem(ownKey));
    await writeFile(ca, certificatesToPem(distrusting ? [(await makeWorld()).root] : (trust?.roots ?? [])));
    const seen = await fetched({ port, ca, name, identity: stranger ? undefined : { cert, key }, path: '/ca.pem' });
    expect(seen).toMatch(sees);
    expect(seen.includes('BEGIN CERTIFICATE')).toBe(sees === ANSWERED);
    expect(seen.includes(SHOWN)).toBe(stranger === undefined);
  });
});
