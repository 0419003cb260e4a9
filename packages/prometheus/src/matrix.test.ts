import { afterAll, expect, test } from 'vitest';
import { probeDefences } from './matrix.ts';
import { TestAuthorities } from './testing/certificates.ts';
import { metrics, servePlain, serveTcp, serveTls } from './testing/servers.ts';

const authorities = new TestAuthorities();
afterAll(() => authorities.remove());

const exporters = authorities.make('serverAuth');
const exporter = exporters.issue({ san: 'IP:127.0.0.1' });
const scrapers = authorities.make('clientAuth');
const agents = authorities.make('clientAuth');
const intruders = [
  { name: 'no certificate', credentials: undefined },
  { name: 'an agent identity', credentials: agents.issue({}) },
  { name: "another exporter's certificate", credentials: exporters.issue({ san: 'IP:127.0.0.2' }) },
];
const options = { intruders, expectedSerial: exporter.serial, timeoutMs: 20_000 };
const at = (port: number) => ({ host: '127.0.0.1', port });

test('every defence of a locked exporter stands', async () => {
  await using server = await serveTls(exporter, scrapers.chain);
  expect(await probeDefences(at(server.port), options)).toEqual({
    reachable: true,
    servedSerial: exporter.serial,
    openings: [],
    problem: undefined,
  });
});

test('the serial may be written in capitals and with a sign byte', async () => {
  await using server = await serveTls(exporter, scrapers.chain);
  const expectedSerial = `00${exporter.serial.toUpperCase()}`;
  expect((await probeDefences(at(server.port), { ...options, expectedSerial })).problem).toBeUndefined();
});

test('an exporter without a web configuration is wide open', async () => {
  await using server = await servePlain(metrics);
  const result = await probeDefences(at(server.port), options);
  expect(result.openings).toEqual([`127.0.0.1:${server.port} answers plain HTTP.`]);
  expect(result.problem).toMatch(/answers plain HTTP\. Restart the exporter/u);
});

test('an exporter cut off after key_file lets every stranger in', async () => {
  await using server = await serveTls(exporter, undefined);
  const { openings } = await probeDefences(at(server.port), options);
  expect(openings).toHaveLength(intruders.length);
  expect(openings[1]).toMatch(/lets in a client with an agent identity \(HTTP status 200\)/u);
});

test('one wrong authority lets one stranger in, even if the answer is only 401', async () => {
  await using server = await serveTls(exporter, scrapers.chain + agents.chain, (_, response) => {
    response.writeHead(401).end();
  });
  const { openings } = await probeDefences(at(server.port), options);
  expect(openings).toEqual([`127.0.0.1:${server.port} lets in a client with an agent identity (HTTP status 401).`]);
});

test('another certificate than the expected one is a problem', async () => {
  const old = exporters.issue({ san: 'IP:127.0.0.1' });
  await using server = await serveTls(old, scrapers.chain);
  const result = await probeDefences(at(server.port), options);
  expect(result).toMatchObject({ reachable: true, servedSerial: old.serial, openings: [] });
  expect(result.problem).toMatch(new RegExp(`serves certificate ${old.serial}, not ${exporter.serial}`, 'u'));
});

test('an exporter that is down or silent is not called safe', async () => {
  const gone = await serveTcp(() => undefined);
  await gone[Symbol.asyncDispose]();
  await using silent = await serveTcp(() => undefined);
  for (const { port } of [gone, silent]) {
    const result = await probeDefences(at(port), { ...options, timeoutMs: 150 });
    expect(result).toMatchObject({
      reachable: false,
      openings: [],
      problem: expect.stringMatching(/Nothing answers/u),
    });
  }
});

test('a stranger that could not be tried is a problem, not a success', async () => {
  // Answers plain HTTP as TLS servers do, and never finishes a handshake.
  await using server = await serveTcp((socket) => {
    socket.once('data', (data) => data[0] === 0x47 && socket.end('HTTP/1.0 400 Bad Request\r\n\r\n'));
  });
  const result = await probeDefences(at(server.port), { ...options, timeoutMs: 3000 });
  expect(result.reachable).toBe(true);
  expect(result.problem).toMatch(/could not be tried with no certificate/u);
});
