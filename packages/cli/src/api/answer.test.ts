import { ERROR_KINDS, exitCodeOf, TorchpassError, type ErrorCode } from '@torchpass/core';
import { describe, expect, it } from 'vitest';
import { problem } from '../testing/fake-api.ts';
import { run } from '../testing/run.ts';

describe('errors of the controller', () => {
  it.each(Object.keys(ERROR_KINDS) as ErrorCode[])('%s keeps its code, sentence, step and exit code', async (code) => {
    const answer = problem(code, 400, 'A sentence.', 'A step.');
    const text = await run(['status'], answer);
    expect(text).toMatchObject({ exitCode: exitCodeOf(new TorchpassError(code, '')), output: '' });
    expect(text.errors).toBe('torchpass: A sentence.\nA step.\n');
    const json = await run(['status', '--output', 'json'], answer);
    expect(json).toMatchObject({ exitCode: text.exitCode, output: '' });
    expect(JSON.parse(json.errors)).toEqual({ error: { code, message: 'A sentence.', hint: 'A step.' } });
  });

  it.each([
    ['a code of a later release', problem('NEW_THING', 400, 'A sentence.')],
    ['a code that is a property of every object', problem('__proto__', 400, 'A sentence.')],
    ['a web page', { status: 502, type: 'text/html', body: '<html>' }],
    ['a web page that claims success', { status: 200, type: 'text/html', body: '<html>' }],
    ['a problem without a code', { status: 400, type: 'application/problem+json', body: { detail: 'x' } }],
    ['JSON that is no problem', { status: 500, body: { code: 'NOT_FOUND', detail: 'x' } }],
    ['a redirection', { status: 302, body: {} }],
    ['nothing', { status: 200, body: '' }],
  ])('%s is an unexpected answer', async (_name, answer) => {
    const ran = await run(['status', '--output', 'json'], answer);
    expect(ran).toMatchObject({ exitCode: 1, output: '' });
    expect(JSON.parse(ran.errors)).toMatchObject({ error: { code: 'PROTOCOL_VIOLATION' } });
  });
});
