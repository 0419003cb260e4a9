import { operator } from '../audit/actor.ts';
import { ERROR_KINDS, silentLogger, TorchpassError, type ErrorCode, type Logger } from '@torchpass/core';
import { ManualClock } from '@torchpass/core/testing';
import { describe, expect, it } from 'vitest';
import { adminRoutes, API_PREFIX, createAdminServer } from './admin.ts';
import { problem } from '../api/types.ts';
import { fakeServices, host, target, token } from './testing/fake-services.ts';

function server(options: Partial<Parameters<typeof createAdminServer>[0]> = {}) {
  const { services, calls } = fakeServices();
  const clock = new ManualClock();
  const app = createAdminServer({ services, clock, logger: silentLogger, refused: async () => undefined, ...options });
  const get = (path: string) => app.inject({ method: 'GET', url: `${API_PREFIX}${path}` });
  const post = (path: string, body: object = {}) =>
    app.inject({ method: 'POST', url: `${API_PREFIX}${path}`, payload: body });
  return { app, calls, clock, get, post };
}

/** A service that fails as told, behind GET /hosts. */
function failing(error: unknown, logger: Logger = silentLogger) {
  const list = async () => {
    throw error;
  };
  const { services } = fakeServices({ hosts: { list } });
  return server({ services, logger });
}

/** What comes in without a name. */
const NOBODY = operator('');

const pathOf = (path: string) => path.replace(':id', 'abcdefghijklmnop').replace(':name', 'web-1');

describe('the administration API', () => {
  it.each([
    ['/tokens', { tokens: [token] }],
    ['/hosts', { hosts: [host] }],
    ['/hosts/web-1', host],
    ['/targets', { targets: [target] }],
  ])('answers GET %s', async (path, expected) => {
    const answer = await server().get(path);
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toEqual(expected);
  });

  it('creates a token with the defaults filled in', async () => {
    const { post, calls } = server();
    const answer = await post('/tokens', { labels: { env: 'prod' } });
    expect(answer.statusCode).toBe(201);
    expect(answer.json()).toMatchObject({ token: 'tpjoin1.x', controller: 'c.example:7443' });
    expect(calls).toEqual([
      [
        'tokens.create',
        {
          job: null,
          labels: { env: 'prod' },
          expiresIn: '1h',
          uses: 1,
          approval: false,
          addresses: [],
          networks: [],
          exporters: [],
          note: '',
        },
        NOBODY,
      ],
    ]);
  });

  it.each([
    ['/tokens/abcdefghijklmnop/revoke', {}, ['tokens.revoke', 'abcdefghijklmnop', NOBODY]],
    ['/hosts/web-1/revoke', { reason: 'stolen' }, ['hosts.revoke', 'web-1', 'stolen', NOBODY]],
    ['/targets/check', { host: 'web-1' }, ['targets.check', { host: 'web-1' }]],
    ['/targets/publish', { allowEmpty: true }, ['targets.publish', { allowEmpty: true }, NOBODY]],
    ['/prometheus/setup', {}, ['prometheus.setup']],
    ['/prometheus/check', { path: '/p.yml', text: 'a: 1' }, ['prometheus.check', { path: '/p.yml', text: 'a: 1' }]],
  ])('hands POST %s to its feature', async (path, body, call) => {
    const { post, calls } = server();
    expect((await post(path, body)).statusCode).toBe(200);
    expect(calls).toEqual([call]);
  });

  it.each([
    ['olga', 'olga'],
    ['two words', ''],
    ['x'.repeat(65), ''],
    ['umlaut-\u00fc', ''],
  ])('notes the operator that the client names: %j', async (given, noted) => {
    const { app, calls } = server();
    const headers = { 'torchpass-operator': given };
    await app.inject({ method: 'POST', url: `${API_PREFIX}/hosts/web-1/revoke`, headers });
    expect(calls).toEqual([['hosts.revoke', 'web-1', '', operator(noted)]]);
  });

  it('takes a missing content for an empty one', async () => {
    const { app, calls } = server();
    const answer = await app.inject({ method: 'POST', url: `${API_PREFIX}/targets/publish` });
    expect(answer.statusCode).toBe(200);
    expect(calls).toEqual([['targets.publish', { allowEmpty: false }, NOBODY]]);
  });

  it('reads a configuration of a mebibyte, and no more', async () => {
    const { post } = server();
    const check = (length: number) => post('/prometheus/check', { path: '/p.yml', text: '"'.repeat(length) });
    expect((await check(1024 * 1024)).statusCode).toBe(200);
    expect((await check(1024 * 1024 + 1)).json()).toMatchObject({ code: 'REQUEST_INVALID' });
  });

  it('does not let out what the shape of the answer does not name', async () => {
    const { services } = fakeServices({
      tokens: { list: () => Promise.resolve([Object.assign({ hash: 'HASH' }, token)]) },
    });
    expect((await server({ services }).get('/tokens')).body).not.toContain('HASH');
  });
});

describe('who may call what', () => {
  const all = adminRoutes.map((route) => [`${route.method} ${route.path}`, route] as const);

  it.each(all)('%s has an authorization entry that decides, before the content is read', async (_name, route) => {
    const { app, calls } = server({ grants: new Set() });
    const answer = await app.inject({
      method: route.method,
      url: `${API_PREFIX}${pathOf(route.path)}`,
      ...(route.method === 'POST' ? { payload: 'no JSON', headers: { 'content-type': 'application/json' } } : {}),
    });
    expect(answer.statusCode).toBe(403);
    expect(answer.json()).toMatchObject({ code: 'METHOD_NOT_ALLOWED' });
    expect(calls).toEqual([]);
  });

  it.each(all)('%s has a rate limit, which frees itself', async (_name, route) => {
    const { app, clock } = server();
    const call = () => app.inject({ method: route.method, url: `${API_PREFIX}${pathOf(route.path)}` });
    for (let n = 0; n < route.access.rateLimit.capacity; n += 1) expect((await call()).statusCode).not.toBe(429);
    const answer = await call();
    expect(answer.statusCode).toBe(429);
    expect(answer.headers['retry-after']).toBe('1');
    expect(answer.json()).toMatchObject({ code: 'RATE_LIMITED' });
    clock.advance(60_000);
    expect((await call()).statusCode).not.toBe(429);
  });

  it('lets one who may only look not change anything', async () => {
    const { get, post } = server({ grants: new Set(['read']) });
    expect((await get('/hosts')).statusCode).toBe(200);
    expect((await post('/hosts/web-1/revoke')).statusCode).toBe(403);
    expect((await post('/tokens')).statusCode).toBe(403);
  });

  it.each([
    ['an authorization entry', { rateLimit: { capacity: 1, refillPerSecond: 1 } }],
    ['a rate limit', { permission: 'read' }],
    ['either', undefined],
  ])('refuses to start with a route without %s', (_name, access) => {
    const config: object = { access };
    const register = () => server().app.get('/forgotten', { config }, async () => 'x');
    expect(register).toThrow(/GET \/forgotten has no/);
  });

  it('limits questions for unknown paths too', async () => {
    const { get } = server();
    const answers = await Promise.all(Array.from({ length: 60 }, (_, n) => get(`/nothing/${n}`)));
    expect(answers.map((answer) => answer.statusCode)).toContain(429);
  });
});

describe('bad requests', () => {
  it.each<[string, string, unknown, RegExp]>([
    ['unknown field', '/tokens', { jobb: 'node' }, /jobb/],
    ['wrong type', '/tokens', { job: 7 }, /"job".*string/],
    ['label that is no text', '/tokens', { labels: { env: 1 } }, /"labels\.env"/],
    ['labels as a list', '/tokens', { labels: ['a'] }, /"labels"/],
    ['no uses', '/tokens', { uses: 0 }, /"uses"/],
    ['half a use', '/tokens', { uses: 1.5 }, /"uses"/],
    ['too many uses', '/tokens', { uses: 10_001 }, /"uses"/],
    ['long note', '/tokens', { note: 'x'.repeat(201) }, /"note"/],
    ['too many addresses', '/tokens', { addresses: Array(65).fill('a') }, /"addresses"/],
    ['a list', '/tokens', [], /expected object/],
    ['identifier with a path', '/tokens/..%2f..%2fetc/revoke', {}, /"id"/],
    ['identifier with a NUL', '/tokens/abcdefghijklmno%00/revoke', {}, /"id"/],
    ['identifier with a newline', '/tokens/abcdefghijklmnop%0a/revoke', {}, /"id"/],
    ['identifier as SQL', `/tokens/${encodeURIComponent("' OR 1=1 --")}/revoke`, {}, /"id"/],
    ['host going up', '/hosts/..%2fadmin/revoke', {}, /"name"/],
    ['host of dots', '/hosts/..%2e/revoke', {}, /"name"/],
    ['no host', '/hosts//revoke', {}, /"name"/],
    ['endless host', `/hosts/${'x'.repeat(2000)}/revoke`, {}, /./],
    ['host with a capital', '/hosts/Web-1/revoke', {}, /"name"/],
    ['host as a prototype', '/hosts/__proto__/revoke', {}, /"name"/],
    ['host with a space', '/hosts/web%201/revoke', {}, /"name"/],
    ['long reason', '/hosts/web-1/revoke', { reason: 'x'.repeat(201) }, /"reason"/],
    ['publish with a text for a yes', '/targets/publish', { allowEmpty: 'yes' }, /"allowEmpty"/],
    ['check without a path', '/prometheus/check', { text: '' }, /"path"/],
  ])('%s: POST %s', async (_name, path, body, complaint) => {
    const { post, calls } = server();
    const answer = await post(path, body as object);
    expect(answer.statusCode).toBe(400);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(problem.parse(answer.json())).toMatchObject({ code: 'REQUEST_INVALID', status: 400 });
    expect(answer.json()).toMatchObject({ detail: expect.stringMatching(complaint) });
    expect(answer.body.length).toBeLessThan(1500);
    expect(calls).toEqual([]);
  });

  it.each([
    ['broken JSON', 'application/json', '{"job":'],
    ['a poisoned prototype', 'application/json', '{"__proto__":{"job":"x"}}'],
    ['a poisoned constructor', 'application/json', '{"constructor":{"prototype":{"job":"x"}}}'],
    ['another media type', 'text/plain', '{}'],
    ['a form, as a web page would send', 'application/x-www-form-urlencoded', 'job=x'],
    ['more than the limit', 'application/json', JSON.stringify({ note: 'x'.repeat(70_000) })],
  ])('%s', async (_name, type, payload) => {
    const { app, calls } = server();
    const answer = await app.inject({
      method: 'POST',
      url: `${API_PREFIX}/tokens`,
      payload,
      headers: { 'content-type': type },
    });
    expect(answer.json()).toMatchObject({ code: 'REQUEST_INVALID', status: 400 });
    expect(calls).toEqual([]);
  });

  it.each(['/nothing', '/hosts/web-1/extra', '/tokens/abcdefghijklmnop', `/${'x'.repeat(2000)}`])(
    'GET %s is not there',
    async (path) => {
      const answer = await server().get(path);
      expect(answer.statusCode).toBe(404);
      expect(problem.parse(answer.json())).toMatchObject({ code: 'NOT_FOUND' });
      expect(answer.body.length).toBeLessThan(500);
    },
  );

  it('answers a path that cannot be decoded with a problem too', async () => {
    const answer = await server().get('/hosts/%zz');
    expect(answer.statusCode).toBe(400);
    expect(problem.parse(answer.json())).toMatchObject({ code: 'REQUEST_INVALID' });
  });
});

describe('failures of the features', () => {
  it.each(Object.keys(ERROR_KINDS) as ErrorCode[])(
    '%s goes out with its code, sentence and next step',
    async (code) => {
      const error = new TorchpassError(code, 'A sentence.', { hint: 'A step.', cause: new Error('inner') });
      const answer = await failing(error).get('/hosts');
      expect(answer.statusCode).toBeGreaterThanOrEqual(400);
      expect(problem.parse(answer.json())).toMatchObject({
        code,
        detail: 'A sentence.',
        hint: 'A step.',
        status: answer.statusCode,
      });
      expect(answer.body).not.toContain('inner');
    },
  );

  it.each<[ErrorCode, number]>([
    ['NAME_INVALID', 400],
    ['TOKEN_REJECTED', 403],
    ['PUBLISH_WOULD_EMPTY', 403],
    ['NOT_FOUND', 404],
    ['HOST_NAME_TAKEN', 409],
    ['RATE_LIMITED', 429],
    ['FILE_UNWRITABLE', 500],
    ['STORE_UNAVAILABLE', 503],
  ])('%s has status %i', async (code, status) => {
    expect((await failing(new TorchpassError(code, 'A sentence.')).get('/hosts')).statusCode).toBe(status);
  });

  it.each<[string, unknown]>([
    ['an unknown error', new Error('password=hunter2')],
    ['one that looks like the framework’s', Object.assign(new Error('hunter2'), { statusCode: 404, code: 'E_X' })],
    ['a text', 'hunter2'],
    ['nothing', undefined],
  ])('%s says nothing outside and all in the log', async (_name, error) => {
    const logged: unknown[] = [];
    const logger: Logger = { ...silentLogger, error: (_message, fields) => void logged.push(fields?.['error']) };
    const answer = await failing(error, logger).get('/hosts');
    expect(answer.statusCode).toBe(500);
    expect(problem.parse(answer.json())).toMatchObject({ code: 'INTERNAL' });
    expect(answer.body).not.toContain('hunter2');
    expect(logged).toEqual([expect.objectContaining({ code: 'INTERNAL' })]);
  });

  it('an answer of the wrong shape is our mistake, and does not go out', async () => {
    const { services } = fakeServices({ hosts: { list: () => Promise.resolve([{ ...host, enrolledAt: 'hunter2' }]) } });
    const answer = await server({ services }).get('/hosts');
    expect(problem.parse(answer.json())).toMatchObject({ code: 'INTERNAL', status: 500 });
    expect(answer.body).not.toContain('hunter2');
  });
});
