import { isTorchpassError, systemRandom } from '@torchpass/core';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { authorityName, rootName } from './authority-name.ts';
import { createIssuingAuthority } from './authority.ts';
import { AUTHORITY_KEY_USAGE, authorityConstraints, LEAF_KEY_USAGE, NO_AUTHORITY } from './extensions.ts';
import { generatePrivateKey, keyFingerprint, publicKeyInfo } from './keys.ts';
import { encodeName } from './name.ts';
import { OID } from './oids.ts';
import { ROLES } from './profiles.ts';
import { keyIdentifier } from './public-key.ts';
import { newSerialNumber } from './serial.ts';
import {
  authorityExtensions,
  baseFields,
  forgedAuthority,
  forgedLeaf,
  stolen,
  stolenAuthority,
  unknownExtension,
} from './testing/forging.ts';
import { DAY_MS, DOMAIN, forge, IDENTITIES, issue, makeWorld, NOW, type World } from './testing/world.ts';
import { verifyChain, type VerifyOptions } from './verify.ts';

let world: World;
let stranger: World;
beforeAll(async () => {
  world = await makeWorld();
  stranger = await makeWorld();
});

function refusalOf(chain: readonly Uint8Array[], options: Partial<VerifyOptions> = {}): string {
  try {
    verifyChain(chain, { anchors: [world.root], role: 'exporter', now: NOW, ...options });
    return 'accepted';
  } catch (error) {
    if (!isTorchpassError(error, 'CERTIFICATE_UNTRUSTED')) throw error;
    return error.message;
  }
}

describe('a good chain', () => {
  test.each(ROLES)('of %s is accepted by the root and by its authority', async (role) => {
    const { certificate } = world.authorities[role];
    const key = await generatePrivateKey();
    const leaf = await issue(world.authorities[role], { publicKey: publicKeyInfo(key) });
    const expected = {
      spiffeId: IDENTITIES[role],
      fingerprint: keyFingerprint(publicKeyInfo(key)),
      issuer: certificate,
    };
    for (const [chain, anchors] of [
      [[leaf, certificate], [world.root]],
      [
        [leaf, certificate, world.root],
        [stranger.root, world.root],
      ],
      [[leaf], [certificate]],
      [[leaf, certificate], [certificate]],
    ] as const) {
      expect(verifyChain(chain, { anchors, role, now: NOW })).toMatchObject(expected);
    }
  });

  test('of Ed25519 is accepted', async () => {
    const edwards = await makeWorld('ed25519');
    const publicKey = publicKeyInfo(await generatePrivateKey('ed25519'));
    const leaf = await issue(edwards.authorities.agent, { publicKey });
    const chain = [leaf, edwards.authorities.agent.certificate];
    expect(verifyChain(chain, { anchors: [edwards.root], role: 'agent', now: NOW }).spiffeId).toEqual(IDENTITIES.agent);
  });

  test('is accepted at its first and last second and not outside', async () => {
    const leaf = await issue(world.authorities.exporter);
    const chain = [leaf, world.authorities.exporter.certificate];
    const { notBefore, notAfter } = verifyChain(chain, { anchors: [world.root], role: 'exporter', now: NOW });
    const at = (time: number) => refusalOf(chain, { now: new Date(time) });
    expect(at(notBefore.getTime())).toBe('accepted');
    expect(at(notAfter.getTime())).toBe('accepted');
    expect(at(notBefore.getTime() - 1)).toContain('is not valid before');
    expect(at(notAfter.getTime() + 1000)).toContain('it ended on');
    expect(refusalOf(chain, { now: undefined })).toBe('accepted');
  });
});

describe('who is refused', () => {
  test.each(ROLES.flatMap((role) => ROLES.filter((other) => other !== role).map((other) => [role, other] as const)))(
    'a %s where a %s is expected',
    async (role, expected) => {
      const leaf = await issue(world.authorities[role]);
      for (const anchors of [
        [world.root],
        [world.authorities[role].certificate],
        [world.authorities[expected].certificate],
      ]) {
        expect(refusalOf([leaf, world.authorities[role].certificate], { role: expected, anchors })).not.toBe(
          'accepted',
        );
      }
    },
  );

  test('another installation of the same trust domain', async () => {
    const leaf = await issue(stranger.authorities.exporter);
    expect(refusalOf([leaf, stranger.authorities.exporter.certificate, stranger.root])).toContain('no trusted root');
  });

  test('a chain without the authority', async () => {
    expect(refusalOf([await issue(world.authorities.exporter)])).toContain('neither in the chain nor trusted');
  });

  test('no certificate, and a chain of very many', async () => {
    const leaf = await issue(world.authorities.exporter);
    expect(refusalOf([])).toContain('there is none');
    expect(refusalOf(Array.from({ length: 1000 }, () => leaf))).toContain('too long');
  });

  test('an authority in the place of a leaf, and the root', () => {
    expect(refusalOf([world.authorities.exporter.certificate, world.root])).toContain('claims to be an authority');
    expect(refusalOf([world.root])).toContain('claims to be an authority');
  });

  test('the authority when it has ended, though the leaf has not', async () => {
    const leaf = await issue(world.authorities.exporter);
    const key = world.rootKey;
    const ended = forgedAuthority('exporter', world.authorities.exporter.signer.publicKey, key, {
      notAfter: new Date(NOW.getTime() - 1000),
    });
    expect(refusalOf([leaf, ended])).toContain('it ended on');
  });
});

describe('what a thief of an issuing authority cannot do', () => {
  test.each([
    ['be of another role', { names: IDENTITIES.controller }, 'of the kind controller'],
    [
      'be of another trust domain',
      { names: { ...IDENTITIES.exporter, trustDomain: 'other.example.org' } },
      'trust domain',
    ],
    ['be two at once', { uris: [IDENTITIES.exporter, IDENTITIES.exporter] }, 'exactly one SPIFFE ID'],
    ['be nobody', { uris: [] }, 'exactly one SPIFFE ID'],
    ['have another purpose', { purpose: OID.clientAuth }, 'purpose'],
    ['be an authority', { constraints: authorityConstraints(0) }, 'claims to be an authority'],
    ['sign certificates', { keyUsage: AUTHORITY_KEY_USAGE }, 'key usage'],
    ['have a subject', { subject: encodeName([{ type: OID.commonName, value: 'web1' }]) }, 'subject is not empty'],
    ['carry an unknown critical extension', { more: [unknownExtension(true)] }, 'is unknown'],
    ['carry an extension twice', { more: [NO_AUTHORITY] }, 'is repeated'],
  ] as const)('a leaf cannot %s', async (_, changes, reason) => {
    const { leaf, authority } = await stolen(world, 'exporter', changes);
    expect(refusalOf([leaf, authority])).toContain(reason);
  });

  test('an unknown extension that is not critical does no harm', async () => {
    const { leaf, authority } = await stolen(world, 'exporter', { more: [unknownExtension(false)] });
    expect(refusalOf([leaf, authority])).toBe('accepted');
  });

  test('it cannot make a further authority', async () => {
    const { key: middle, certificate: middleCertificate } = await stolenAuthority(world, 'exporter');
    const lowerKey = await generatePrivateKey();
    const lower = forgedAuthority('exporter', publicKeyInfo(lowerKey), middle, {
      issuer: authorityName('exporter', keyIdentifier(publicKeyInfo(middle))),
      authorityKeyId: keyIdentifier(publicKeyInfo(middle)),
    });
    const leaf = forgedLeaf('exporter', lowerKey, publicKeyInfo(await generatePrivateKey()), {});
    expect(refusalOf([leaf, lower, middleCertificate])).toContain('no trusted root');
    expect(refusalOf([leaf, lower, middleCertificate], { anchors: [middleCertificate] })).not.toBe('accepted');
  });
});

describe('what an authority has to be', () => {
  test.each([
    ['without the CA flag', { constraints: NO_AUTHORITY }, 'it is not an authority'],
    ['with a longer path', { constraints: authorityConstraints(1) }, 'path length'],
    ['without the usage to sign certificates', { keyUsage: LEAF_KEY_USAGE }, 'key usage'],
    ['with another purpose', { purpose: OID.clientAuth }, 'purpose'],
    ['named for another role', { named: 'scraper' }, 'not the authority of the role exporter'],
    ['without its trust domain', { uri: 'https://metrics.example.org' }, 'trust domain'],
    ['of another trust domain', { uri: 'spiffe://other.example.org' }, 'trust domain'],
  ] as const)('%s it is refused', async (_, changes, reason) => {
    const key = await generatePrivateKey();
    const publicKey = publicKeyInfo(key);
    const authority = forgedAuthority('exporter', publicKey, world.rootKey, changes);
    const named = 'named' in changes ? changes.named : 'exporter';
    const leaf = forgedLeaf('exporter', key, publicKeyInfo(await generatePrivateKey()), {
      issuer: authorityName(named, keyIdentifier(publicKey)),
    });
    expect(refusalOf([leaf, authority])).toContain(reason);
    expect(refusalOf([leaf], { anchors: [authority] })).toContain(reason);
  });

  test('a root whose key is pinned but whose content was changed is refused', async () => {
    const changed = forge(
      {
        ...baseFields(),
        issuer: rootName(keyIdentifier(publicKeyInfo(world.rootKey))),
        subject: rootName(keyIdentifier(publicKeyInfo(world.rootKey))),
        publicKey: publicKeyInfo(world.rootKey),
      },
      authorityExtensions(publicKeyInfo(world.rootKey), publicKeyInfo(world.rootKey), {
        constraints: authorityConstraints(1),
        purpose: undefined,
      }),
      await generatePrivateKey(),
    );
    const leaf = await issue(world.authorities.exporter);
    expect(refusalOf([leaf, world.authorities.exporter.certificate], { anchors: [changed] })).toContain(
      'its signature is wrong',
    );
  });

  test.each([
    ['has ended', { notAfter: new Date(NOW.getTime() - 1000) }, 'it ended on'],
    ['is of another trust domain', { uri: 'spiffe://other.example.org' }, 'trust domain is not that of its root'],
    ['names no trust domain', { uri: 'https://metrics.example.org' }, 'does not name its trust domain'],
    ['may sign nothing', { keyUsage: LEAF_KEY_USAGE }, 'key usage'],
    ['has the path length of an issuing authority', { constraints: authorityConstraints(0) }, 'path length'],
    ['is for one purpose', { purpose: OID.serverAuth }, 'not restricted to a purpose'],
    ['is named as an issuing authority', { named: 'exporter' }, 'it is not a root'],
  ] as const)('a root that %s is refused', async (_, changes, reason) => {
    const publicKey = publicKeyInfo(world.rootKey);
    const subject =
      'named' in changes ? authorityName('exporter', keyIdentifier(publicKey)) : rootName(keyIdentifier(publicKey));
    const root = forgedAuthority('exporter', publicKey, world.rootKey, {
      constraints: authorityConstraints(1),
      purpose: undefined,
      subject,
      issuer: subject,
      ...changes,
    });
    const key = await generatePrivateKey();
    const authority = forgedAuthority('exporter', publicKeyInfo(key), world.rootKey, { issuer: subject });
    const leaf = forgedLeaf('exporter', key, publicKeyInfo(await generatePrivateKey()), {});
    expect(refusalOf([leaf, authority], { anchors: [root] })).toContain(reason);
  });

  test('an issuing authority does not serve as a root for another', async () => {
    const { key, certificate } = await stolenAuthority(world, 'exporter');
    await expect(
      createIssuingAuthority({
        role: 'exporter',
        trustDomain: DOMAIN,
        root: certificate,
        rootSigner: world.rootSigner,
        publicKey: publicKeyInfo(key),
        serialNumber: newSerialNumber(systemRandom),
        notBefore: NOW,
        notAfter: new Date(NOW.getTime() + DAY_MS),
      }),
    ).rejects.toMatchObject({ code: 'LINT_FAILED' });
  });
});

describe('damage', () => {
  test('any flipped bit of the leaf or of the authority is noticed', async () => {
    const leaf = await issue(world.authorities.exporter);
    const { certificate } = world.authorities.exporter;
    const bits = fc.integer({ min: 0, max: Math.min(leaf.length, certificate.length) * 8 - 1 });
    fc.assert(
      fc.property(bits, fc.boolean(), (bit, inLeaf) => {
        const flip = (der: Buffer) => {
          const copy = Buffer.from(der);
          copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
          return copy;
        };
        const chain = inLeaf ? [flip(leaf), certificate] : [leaf, flip(certificate)];
        expect(refusalOf(chain)).not.toBe('accepted');
      }),
      { numRuns: 2000 },
    );
  });

  test('random bytes are refused like any untrusted certificate', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 4 }), (chain) => {
        expect(refusalOf(chain)).not.toBe('accepted');
      }),
      { numRuns: 1000 },
    );
  });
});
