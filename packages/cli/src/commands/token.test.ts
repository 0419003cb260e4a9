import { Secret } from '@torchpass/core';
import { encodeJoinToken } from '@torchpass/protocol';
import { describe, expect, it } from 'vitest';
import { run } from '../testing/run.ts';
import { created, token } from '../testing/views.ts';

const TOKEN_ID = token.id;

describe('token create', () => {
  it('prints only the token when asked to', async () => {
    const ran = await run(['token', 'create', '--output', 'token'], { body: created });
    expect(ran).toMatchObject({ exitCode: 0, output: `${created.token}\n`, errors: '' });
  });

  it('keeps a label named like a prototype', async () => {
    const ran = await run(['token', 'create', '--label', '__proto__=x'], { body: created });
    expect(JSON.stringify(ran.requests)).toContain('{"__proto__":"x"}');
  });
});

describe('token revoke', () => {
  it('takes the identifier out of a whole token and sends nothing else', async () => {
    const pin = Buffer.alloc(32, 7);
    const whole = encodeJoinToken({ id: TOKEN_ID, secret: new Secret(Buffer.alloc(20, 9)), pins: [pin] }).reveal();
    const ran = await run(['token', 'revoke', whole], { body: token });
    expect(ran.requests).toEqual([['POST', `/api/v1/tokens/${TOKEN_ID}/revoke`, {}]]);
  });

  it('does not repeat a token that it cannot read', async () => {
    const ran = await run(['token', 'revoke', 'tpjoin1.abc.hunter2']);
    expect(ran).toMatchObject({ exitCode: 1, requests: [] });
    expect(ran.errors).not.toContain('hunter2');
  });

  it('cannot be led to another path', async () => {
    const ran = await run(['token', 'revoke', '../hosts?x#y/'], { body: token });
    expect(ran.requests).toEqual([]);
    const other = await run(['token', 'revoke', 'a/b?c#d e'], { body: token });
    expect(other.requests).toEqual([['POST', '/api/v1/tokens/a%2Fb%3Fc%23d%20e/revoke', {}]]);
  });
});
