import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { certificatesToPem, generatePrivateKey, publicKeyInfo, ROLES, type Role } from '@torchpass/pki';
import { beforeAll, describe, expect, it } from 'vitest';
import { issue, makeWorld, type World } from '../../packages/pki/src/testing/world.ts';
import { unpackGnuTls, type GnuTls } from '../harness/gnutls.ts';
import { runToEnd } from '../harness/processes.ts';
import { suiteScope, testScope } from '../harness/test-scope.ts';
import { workspace } from '../harness/workspace.ts';

const HOUR_MS = 3_600_000;
/** certtool of bookworm cannot be told another time than the machine's. */
const NOW = new Date();
const SERVER = { openssl: 'sslserver', gnutls: '1.3.6.1.5.5.7.3.1' };
const CLIENT = { openssl: 'sslclient', gnutls: '1.3.6.1.5.5.7.3.2' };
const PURPOSES = { controller: SERVER, exporter: SERVER, agent: CLIENT, scraper: CLIENT };

type Leaf = 'good' | 'expired' | 'early';
type Trust = 'root' | 'another root' | 'its authority' | 'another authority';

/** What a verifier is given. Unless said otherwise: a good leaf after its authority, the root, the right purpose, no name. */
interface Question {
  leaf?: Leaf;
  trust?: Trust;
  /** Whether the authority comes along with the leaf; it does unless given. */
  alone?: true;
  /** Another role's authority comes along instead of its own. */
  crossed?: true;
  wrongPurpose?: true;
  name?: string;
  /** OpenSSL only: any certificate that it is given may be an anchor. */
  partial?: true;
}

interface Row extends Question {
  is: string;
  /** What each says; `fine` is that all is well. */
  openssl: RegExp;
  gnutls: RegExp;
}

const FINE = { openssl: /: OK$/m, gnutls: /Chain verification output: Verified\. The certificate is trusted\./ };
const PURPOSE = { openssl: /unsuitable certificate purpose/, gnutls: /does not match the intended purpose/ };
const HOSTNAME = { openssl: /hostname mismatch/, gnutls: /name in the certificate does not match/ };
const ADDRESS = { openssl: /IP address mismatch/, gnutls: HOSTNAME.gnutls };
const EXPIRED = { openssl: /certificate has expired/, gnutls: /uses expired certificate/ };
const EARLY = { openssl: /certificate is not yet valid/, gnutls: /uses not yet valid certificate/ };
const UNKNOWN = { openssl: /unable to get (?:local )?issuer certificate/, gnutls: /issuer is unknown/ };

const EVERY_ROLE: Row[] = [
  { is: 'for its purpose', ...FINE },
  { is: 'for the other purpose', wrongPurpose: true, ...PURPOSE },
  { is: 'as a host of another name', name: 'web2.example.org', ...HOSTNAME },
  { is: 'as a host of another address', name: '198.51.100.8', ...ADDRESS },
  { is: 'after its end', leaf: 'expired', ...EXPIRED },
  { is: 'before its begin', leaf: 'early', ...EARLY },
  { is: 'under the root of another installation', trust: 'another root', ...UNKNOWN },
  { is: 'without its authority', alone: true, ...UNKNOWN },
  { is: 'after the authority of another role', crossed: true, ...UNKNOWN },
  // GnuTLS, like Go, takes any certificate of its trust list for an anchor. OpenSSL wants a self-signed one unless it is told.
  { is: 'with its authority as the only trust', trust: 'its authority', ...FINE, openssl: UNKNOWN.openssl },
  { is: 'with its authority as the only trust, which OpenSSL is told is enough', trust: 'its authority', partial: true, ...FINE },
  { is: 'with the authority of another role as the only trust', trust: 'another authority', partial: true, ...UNKNOWN },
  {
    is: 'with its authority as the only trust, for the other purpose',
    trust: 'its authority', partial: true, wrongPurpose: true, ...PURPOSE,
  },
]; // prettier-ignore

/** Roles that are dialled have the names and addresses under which they are. */
const DIALLED: Row[] = [
  { is: 'as the host of its name', name: 'web1.example.org', ...FINE },
  { is: 'as the host of its address', name: '198.51.100.7', ...FINE },
  { is: 'as the host of its IPv6 address', name: '2001:db8::7', ...FINE },
  { is: 'as a host below its name', name: 'www.web1.example.org', ...HOSTNAME },
];

/** The others have no name at all but their SPIFFE ID. */
const NEVER_DIALLED: Row[] = [{ is: 'as the host of its name', name: 'web1.example.org', ...HOSTNAME }];

const MATRIX = ROLES.flatMap((role) =>
  [...EVERY_ROLE, ...(PURPOSES[role] === SERVER ? DIALLED : NEVER_DIALLED)].map((row) => ({ role, ...row })),
);

const VALIDITY: Record<Leaf, [fromHours: number, toHours: number]> = {
  good: [-1, 24],
  expired: [-2, -1],
  early: [1, 24],
};

/** The neighbour of a role has the same purpose, so that nothing but the signature is wrong. */
const NEIGHBOUR = { controller: 'exporter', exporter: 'controller', agent: 'scraper', scraper: 'agent' } as const;

describe.each(['ecdsa-p256', 'ed25519'] as const)('certificates of %s', (algorithm) => {
  const scope = suiteScope();
  let folder: string;
  let world: World;
  let gnutls: GnuTls;
  let leaves: Record<Role, Record<Leaf, Buffer>>;
  let trusts: (role: Role) => Record<Trust, Buffer>;

  beforeAll(async () => {
    [folder, gnutls] = await Promise.all([workspace(scope), unpackGnuTls()]);
    world = await makeWorld(algorithm, undefined, NOW);
    const other = await makeWorld(algorithm, undefined, NOW);
    const publicKey = publicKeyInfo(await generatePrivateKey(algorithm));
    const leaf = (role: Role, [from, to]: [number, number]) =>
      issue(world.authorities[role], {
        publicKey,
        notBefore: new Date(NOW.getTime() + from * HOUR_MS),
        notAfter: new Date(NOW.getTime() + to * HOUR_MS),
      });
    const all = await Promise.all(
      ROLES.map(async (role) => {
        const [good, expired, early] = await Promise.all([
          leaf(role, VALIDITY.good),
          leaf(role, VALIDITY.expired),
          leaf(role, VALIDITY.early),
        ]);
        return [role, { good, expired, early }] as const;
      }),
    );
    leaves = Object.fromEntries(all) as typeof leaves;
    trusts = (role) => ({
      root: world.root,
      'another root': other.root,
      'its authority': world.authorities[role].certificate,
      'another authority': world.authorities[NEIGHBOUR[role]].certificate,
    });
  });

  it.each(MATRIX)('of the profile $role, $is', async ({ role, openssl, gnutls: expected, ...question }) => {
    const { leaf = 'good', trust = 'root', alone, crossed, wrongPurpose, name, partial } = question;
    const [cert, ca, between, chain] = ['leaf', 'ca', 'between', 'chain'].map((file) => join(folder, `${file}.pem`)) as [
      string, string, string, string,
    ]; // prettier-ignore
    const authority = world.authorities[crossed ? NEIGHBOUR[role] : role].certificate;
    await writeFile(cert, certificatesToPem([leaves[role][leaf]]));
    await writeFile(ca, certificatesToPem([trusts(role)[trust]]));
    await writeFile(between, certificatesToPem([authority]));
    await writeFile(chain, certificatesToPem([leaves[role][leaf], ...(alone ? [] : [authority])]));
    const purpose = wrongPurpose ? (PURPOSES[role] === SERVER ? CLIENT : SERVER) : PURPOSES[role];

    const own = testScope();
    const byOpenssl = await runToEnd(own, 'openssl', [
      'verify', '-x509_strict', '-purpose', purpose.openssl, '-CAfile', ca, '-no-CApath', '-no-CAstore',
      ...(partial ? ['-partial_chain'] : []),
      ...(alone ? [] : ['-untrusted', between]),
      ...(name === undefined ? [] : [/[\d:]$/.test(name) ? '-verify_ip' : '-verify_hostname', name]),
      cert,
    ]); // prettier-ignore
    const byGnutls = await gnutls.run(own, 'certtool', [
      '--verify', '--load-ca-certificate', ca, '--infile', chain, '--verify-purpose', purpose.gnutls,
      ...(name === undefined ? [] : ['--verify-hostname', name]),
    ]); // prettier-ignore
    const verdict = ({ exit, output }: typeof byOpenssl) => ({ verified: exit.code === 0, output });
    const says = (words: RegExp, fine: RegExp) => ({
      verified: words === fine,
      output: expect.stringMatching(words) as string,
    });
    expect(verdict(byOpenssl)).toEqual(says(openssl, FINE.openssl));
    expect(verdict(byGnutls)).toEqual(says(expected, FINE.gnutls));
  });
});
