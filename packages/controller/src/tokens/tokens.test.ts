import { parseDuration } from '@torchpass/core';
import { pinOf } from '@torchpass/pki';
import { decodeJoinToken } from '@torchpass/protocol';
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { createTokenRequest, type CreateTokenInput } from '../api/types.ts';
import { enrolment, newKey, newToken, SERVERS_ALLOWED } from '../testing/host.ts';
import { openLab, type Lab } from '../testing/lab.ts';
import { OPERATOR } from '../testing/operator.ts';

vi.mock('node:crypto', async (original) =>
  (await import('../testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

const create = (lab: Lab, request: CreateTokenInput) =>
  lab.services.tokens.create(createTokenRequest.parse(request), OPERATOR);

describe('a new token', () => {
  it('pins the root, lasts an hour, has one use, and has 160 secret bits', async () => {
    const lab = await openLab();
    const { token, controller, details } = await create(lab, {});
    const { id, pins, secret } = decodeJoinToken(token);
    expect(pins).toEqual(lab.authorities.roots.map((root) => pinOf(root)));
    expect(secret.reveal()).toHaveLength(20);
    expect(controller).toBe('127.0.0.1:7443');
    expect(details).toMatchObject({ id, state: 'usable', uses: 0, maxUses: 1, job: null });
    expect(Date.parse(details.expiresAt) - Date.parse(details.createdAt)).toBe(parseDuration('1h'));
  });

  it('keeps what the operator said, in canonical form, and lists it', async () => {
    const lab = await openLab({ config: SERVERS_ALLOWED });
    const asked = {
      job: 'edge',
      labels: { env: 'prod', area: 'eu' },
      expiresIn: '2h30m',
      uses: 7,
      addresses: ['2001:DB8:0::7', 'Metrics.Example.ORG', '198.51.100.7'],
      networks: ['2001:DB8::/32', '198.51.100.7'],
      exporters: ['node', 'process'],
      note: 'for the rack in the cellar',
    };
    const { details } = await create(lab, asked);
    expect(details).toMatchObject({
      job: 'edge',
      labels: { area: 'eu', env: 'prod' },
      addresses: ['2001:db8::7', 'metrics.example.org', '198.51.100.7'],
      networks: ['2001:db8::/32', '198.51.100.7/32'],
      exporters: ['node', 'process'],
      maxUses: 7,
      note: asked.note,
    });
    expect(await lab.services.tokens.list()).toEqual([details]);
  });

  it.each<[string, CreateTokenInput, string]>([
    ['a job that is no file name', { job: '../prometheus' }, 'NAME_INVALID'],
    ['a job with a capital', { job: 'Node' }, 'NAME_INVALID'],
    ['an exporter with a slash', { exporters: ['node/1'] }, 'NAME_INVALID'],
    ['a host name with a space', { hostName: 'web 1' }, 'NAME_INVALID'],
    ["the controller's own name", { hostName: 'controller' }, 'NAME_INVALID'],
    ['a host name for several hosts', { hostName: 'web-1', uses: 2 }, 'REQUEST_INVALID'],
    ['a label with a dash', { labels: { 'data-centre': 'x' } }, 'LABEL_INVALID'],
    ['a label of Prometheus', { labels: { __address__: '10.0.0.1:80' } }, 'LABEL_INVALID'],
    ['the label job', { labels: { job: 'x' } }, 'LABEL_INVALID'],
    ['the label instance', { labels: { instance: 'x' } }, 'LABEL_INVALID'],
    ['the label host', { labels: { host: 'x' } }, 'LABEL_INVALID'],
    ['a label with a line break', { labels: { env: 'a\nb' } }, 'LABEL_INVALID'],
    ['an address with a port', { addresses: ['198.51.100.7:9100'] }, 'ADDRESS_INVALID'],
    ['an address with a zone', { addresses: ['fe80::1%eth0'] }, 'ADDRESS_INVALID'],
    ['an octal address', { addresses: ['0177.0.0.1'] }, 'ADDRESS_INVALID'],
    ['a network without bits', { networks: ['198.51.100.0/'] }, 'ADDRESS_INVALID'],
    ['a network of 33 bits', { networks: ['198.51.100.0/33'] }, 'ADDRESS_INVALID'],
    ['an octal network', { networks: ['010.0.0.0/8'] }, 'ADDRESS_INVALID'],
    ['a shortened network', { networks: ['10/8'] }, 'ADDRESS_INVALID'],
    ['a mapped network', { networks: ['::ffff:10.0.0.0/104'] }, 'ADDRESS_INVALID'],
    ['no duration', { expiresIn: 'soon' }, 'CONFIG_INVALID'],
    ['an empty duration', { expiresIn: '' }, 'CONFIG_INVALID'],
    ['no time at all', { expiresIn: '0' }, 'REQUEST_INVALID'],
    ['ten years', { expiresIn: '10y' }, 'REQUEST_INVALID'],
  ])('is not made with %s', async (_what, request, code) => {
    const lab = await openLab();
    await expect(create(lab, request)).rejects.toMatchObject({ code });
    expect(await lab.services.tokens.list()).toEqual([]);
  });
});

describe('the state of a token', () => {
  it('is usable until its last millisecond, then expired', async () => {
    const lab = await openLab();
    const state = async () => (await lab.services.tokens.list())[0]?.state;
    await create(lab, { expiresIn: '10m' });
    lab.clock.advance(10 * 60_000 - 1);
    expect(await state()).toBe('usable');
    lab.clock.advance(1);
    expect(await state()).toBe('expired');
  });

  it('is used after the last use, and counts', async () => {
    const lab = await openLab();
    const token = await newToken(lab, { uses: 2 });
    for (const [hostName, state, uses] of [
      ['web-1', 'usable', 1],
      ['web-2', 'used', 2],
    ] as const) {
      await lab.enrol(enrolment(token, await newKey(), { hostName }));
      expect(await lab.services.tokens.list()).toMatchObject([{ state, uses }]);
    }
  });

  it('is revoked by the operator, also twice; a token that is not there is an error that names it', async () => {
    const lab = await openLab();
    const { id } = await newToken(lab);
    expect(await lab.services.tokens.revoke(id, OPERATOR)).toMatchObject({ id, state: 'revoked' });
    expect(await lab.services.tokens.revoke(id, OPERATOR)).toMatchObject({ id, state: 'revoked' });
    await expect(lab.services.tokens.revoke('nothere', OPERATOR)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('nothere') as string,
    });
  });
});

it('the secret of a token is in the answer and nowhere else: no file, no log, no list', async () => {
  const lab = await openLab();
  const token = await newToken(lab, { note: 'a note' });
  await lab.enrol(enrolment(token, await newKey()));
  const rejected = enrolment(token, await newKey(), { tokenSecret: Buffer.alloc(20, 1) });
  await expect(lab.enrol(rejected)).rejects.toMatchObject({ code: 'TOKEN_REJECTED' });
  await expect(lab.enrol(enrolment(token, await newKey()))).rejects.toMatchObject({ code: 'TOKEN_REJECTED' });
  const listed = JSON.stringify(await lab.services.tokens.list());
  await lab.close();

  const files = await readdir(lab.folder, { recursive: true, withFileTypes: true });
  const contents = await Promise.all(
    files.filter((file) => file.isFile()).map((file) => readFile(join(file.parentPath, file.name))),
  );
  const parts = [...contents, Buffer.from(lab.logged.join('')), Buffer.from(listed)];
  const has = (text: string | Buffer) => parts.some((part) => part.includes(text));
  expect(has(token.id)).toBe(true);
  expect(has(createHash('sha256').update(token.secret).digest())).toBe(true);
  for (const form of [
    token.secret,
    ...(['hex', 'base64', 'base64url'] as const).map((e) => token.secret.toString(e)),
  ]) {
    expect(has(form)).toBe(false);
  }
});
