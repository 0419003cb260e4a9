import { expect, it } from 'vitest';
import { enrolment, joinHost, newKey, newToken, SERVER } from '../testing/host.ts';
import { openLab, type Lab } from '../testing/lab.ts';
import { OPERATOR } from '../testing/operator.ts';
import { BEGINNING, macOf } from './chain.ts';

const entries = ({ store }: Lab) => store.selectFrom('audit_log').selectAll().orderBy('number').execute();

it('tells who did what, from where, in order', async () => {
  const lab = await openLab();
  const { enrolled } = await joinHost(lab, {});
  await lab.services.hosts.revoke('web-1', 'stolen', OPERATOR);
  const acts = (await entries(lab)).filter(({ event }) => event !== 'crl.signed');
  const told = acts.map(({ event, actor, subject }) => [event, ...JSON.parse(actor), subject]);
  // After the two certificates of Prometheus itself.
  expect(told.slice(2)).toEqual([
    ['token.created', 'operator', 'olga', 'socket', expect.stringMatching(/^[a-z2-7]{16}$/)],
    ['host.enrolled', 'stranger', '', SERVER, 'web-1'],
    ['certificate.issued', 'controller', '', '', enrolled.certificate.serial],
    ['host.revoked', 'operator', 'olga', 'socket', 'web-1'],
  ]);
});

it('is written exactly when the act is done: a refused enrolment leaves no host and no entry of one', async () => {
  const lab = await openLab();
  await joinHost(lab, {});
  const before = await entries(lab);
  const token = await newToken(lab);
  await expect(lab.enrol(enrolment(token, await newKey()))).rejects.toMatchObject({ code: 'HOST_NAME_TAKEN' });
  expect((await entries(lab)).slice(before.length).map(({ event }) => event)).toEqual(['token.created']);
});

it('each entry authenticates itself and the one before it', async () => {
  const lab = await openLab();
  await joinHost(lab, {});
  const key = lab.authorities.sealing.derive('audit log');
  let previous = BEGINNING;
  for (const { mac, ...entry } of await entries(lab)) {
    expect(mac).toBe(macOf(key, previous, entry));
    expect(macOf(key, previous, { ...entry, subject: 'other' })).not.toBe(mac);
    expect(macOf(Buffer.alloc(32), previous, entry)).not.toBe(mac);
    previous = mac;
  }
  expect(previous).not.toBe(BEGINNING);
});
