import { X509Certificate } from 'node:crypto';
import { systemClock } from '@torchpass/core';
import { generatePrivateKey, publicKeyInfo } from '@torchpass/pki';
import { expect, test } from 'vitest';
import { createInstallation, TRUST_DOMAIN } from '../testing/installation.ts';
import { renewalDue, serialOf } from './due.ts';

test('renewals fall between 70 and 90 % of the life, spread out, and each certificate keeps its point', async () => {
  const installation = await createInstallation(systemClock);
  const publicKey = publicKeyInfo(await generatePrivateKey());
  const shares: number[] = [];
  for (let index = 0; index < 60; index += 1) {
    const id = { kind: 'agent', trustDomain: TRUST_DOMAIN, host: 'web-1' } as const;
    const [der = Buffer.alloc(0)] = await installation.issue({ id, publicKey });
    const leaf = new X509Certificate(der);
    const from = leaf.validFromDate.getTime();
    shares.push((renewalDue(leaf).getTime() - from) / (leaf.validToDate.getTime() - from));
    expect(renewalDue(new X509Certificate(der))).toEqual(renewalDue(leaf));
  }
  expect(Math.min(...shares)).toBeGreaterThanOrEqual(0.7);
  expect(Math.max(...shares)).toBeLessThanOrEqual(0.9);
  // Sixty points in fifths: an empty one would be a chance of one in a hundred thousand each.
  const fifths = new Set(shares.map((share) => Math.floor((share - 0.7) / 0.04)));
  expect(fifths.size).toBeGreaterThanOrEqual(5);
});

test('a time that the controller has chosen counts, earlier and later, but never past 90 % of the life', async () => {
  const installation = await createInstallation(systemClock);
  const publicKey = publicKeyInfo(await generatePrivateKey());
  const id = { kind: 'agent', trustDomain: TRUST_DOMAIN, host: 'web-1' } as const;
  const [der = Buffer.alloc(0)] = await installation.issue({ id, publicKey });
  const leaf = new X509Certificate(der);
  const from = leaf.validFromDate.getTime();
  const life = leaf.validToDate.getTime() - from;
  const due = (told: number) => {
    const at = renewalDue(leaf, new Map([[serialOf(leaf), new Date(told)]]));
    return Math.round(((at.getTime() - from) / life) * 1000) / 1000;
  };
  expect(due(from + life * 0.02)).toBe(0.02);
  expect(due(from + life * 0.89)).toBe(0.89);
  expect(due(from + life * 0.95)).toBe(0.9);
  expect(due(from + life * 50)).toBe(0.9);
  // From before it was issued: nobody can have meant this one.
  expect(due(from)).toBe(due(from - life));
  expect(due(from)).toBeGreaterThanOrEqual(0.7);
  expect(renewalDue(leaf, new Map([['00', new Date(from + life / 2)]]))).toEqual(renewalDue(leaf));
});
