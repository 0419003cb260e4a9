import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { absolutePath, broken, valueText } from './testing/arbitraries.ts';
import { outcomeOf } from './testing/outcome.ts';
import { readWebConfig, renderWebConfig } from './web-config.ts';
import { webConfigProblems } from './web-config-check.ts';
import type { WebConfig } from './web-config-schema.ts';

const hash = `$2b$10$abcdefghijklmnopqrstuv${'x'.repeat(31)}`;
const full: WebConfig = {
  clientCaFile: '/etc/torchpass/exporters/node/7/client-ca.pem',
  certFile: '/etc/torchpass/exporters/node/7/certificate.pem',
  keyFile: '/etc/torchpass/exporters/node/7/key.pem',
  clientAuthType: 'RequireAndVerifyClientCert',
  clientAllowedSans: ['spiffe://example.org/scraper/main'],
  basicAuthUsers: { prometheus: hash, 'prometheus-next': hash },
  minVersion: 'TLS12',
};
const text = valueText.filter((value) => value !== '');
const anyConfig: fc.Arbitrary<WebConfig> = fc.record(
  {
    clientCaFile: absolutePath,
    certFile: absolutePath,
    keyFile: absolutePath,
    clientAuthType: fc.constantFrom('RequireAndVerifyClientCert', 'VerifyClientCertIfGiven'),
    clientAllowedSans: fc.array(text, { minLength: 1, maxLength: 3 }),
    basicAuthUsers: fc.dictionary(
      text.filter((user) => !user.includes(':')),
      fc.constant(hash),
      { minKeys: 1, maxKeys: 3 },
    ),
    minVersion: fc.constantFrom('TLS12', 'TLS13'),
  },
  { requiredKeys: ['clientCaFile', 'certFile', 'keyFile', 'clientAuthType'] },
);
describe('rendering', () => {
  test('puts the client authority first and says whose file it is', () => {
    expect(renderWebConfig(full)).toBe(`{
  # Managed by Torchpass: written anew when certificates change, edits are lost.
  # In braces, so that an exporter refuses what is left of this file if it is ever cut off.
  tls_server_config: {
    client_ca_file: "/etc/torchpass/exporters/node/7/client-ca.pem",
    client_auth_type: "RequireAndVerifyClientCert",
    client_allowed_sans: ["spiffe://example.org/scraper/main"],
    min_version: "TLS12",
    cert_file: "/etc/torchpass/exporters/node/7/certificate.pem",
    key_file: "/etc/torchpass/exporters/node/7/key.pem",
  },
  basic_auth_users: {
    "prometheus": "${hash}",
    "prometheus-next": "${hash}",
  },
}
`);
  });

  test('is read back as it was', () => {
    fc.assert(
      fc.property(anyConfig, (config) => {
        expect(readWebConfig(renderWebConfig(config))).toEqual(config);
      }),
    );
  });

  test('demands client certificates exactly when it is told to', () => {
    fc.assert(
      fc.property(anyConfig, (config) => {
        const closed = config.clientAuthType === 'RequireAndVerifyClientCert';
        expect(webConfigProblems(renderWebConfig(config)).length === 0).toBe(closed);
      }),
    );
  });

  test('every cut of it is seen, and all but nothing at all is no YAML, so that no exporter starts', () => {
    for (const config of [full, { ...full, basicAuthUsers: undefined, clientAllowedSans: undefined }]) {
      const whole = renderWebConfig(config);
      const cuts = Array.from({ length: whole.trimEnd().length }, (_, length) => whole.slice(0, length));
      for (const [length, cut] of cuts.entries()) {
        const kind = length === 0 ? /plain HTTP/u : /not valid YAML/u;
        expect(webConfigProblems(cut)).toEqual([expect.stringMatching(kind)]);
      }
      expect(webConfigProblems(whole)).toEqual([]);
    }
  });

  test.each<[string, Partial<WebConfig>]>([
    ['a relative path', { keyFile: 'key.pem' }],
    ['a path with a line break', { keyFile: '/key.pem\nclient_auth_type: NoClientCert' }],
    ['no path', { clientCaFile: '' }],
    ['a password that is not hashed', { basicAuthUsers: { prometheus: 'hunter2' } }],
    ['a user that HTTP cannot carry', { basicAuthUsers: { 'a:b': hash } }],
    ['an empty SAN', { clientAllowedSans: [''] }],
  ])('refuses %s', (_, change) => {
    const render = () => renderWebConfig({ ...full, ...change });
    expect(outcomeOf(render)).toBe('CONFIG_INVALID');
    expect(render).not.toThrow(/hunter2/u);
  });
});

describe('what leaves an exporter open', () => {
  const tls = (...lines: string[]) => ['tls_server_config:', ...lines.map((line) => `  ${line}`), ''].join('\n');
  const pair = ['cert_file: /c.pem', 'key_file: /k.pem'];
  const auth = ['client_auth_type: RequireAndVerifyClientCert', 'client_ca_file: /ca.pem'];

  test.each<[string, string, RegExp]>([
    ['an empty file', '', /plain HTTP/u],
    ['only a comment', '# nothing\n', /plain HTTP/u],
    ['only a key', 'tls_server_config:\n', /plain HTTP/u],
    ['only keys without values', tls('client_ca_file:', 'cert_file: ""'), /plain HTTP/u],
    ['only passwords', `basic_auth_users:\n  a: ${hash}\n`, /plain HTTP/u],
    ['cut off after key_file', tls(...pair), /without a certificate/u],
    ['the public authorities', tls(...pair, 'client_auth_type: RequireAndVerifyClientCert'), /any public authority/u],
    [
      'an optional certificate',
      tls(...pair, 'client_auth_type: VerifyClientCertIfGiven', 'client_ca_file: /ca'),
      /without/u,
    ],
    [
      'an unverified certificate',
      tls(...pair, 'client_auth_type: RequireAnyClientCert', 'client_ca_file: /ca'),
      /without/u,
    ],
  ])('%s', (_, text, problem) => {
    expect(webConfigProblems(text)).toEqual([expect.stringMatching(problem)]);
  });

  test.each<[string, string, RegExp]>([
    ['a repeated key', tls(...pair, ...auth, 'client_auth_type: NoClientCert'), /not valid YAML, line 6/u],
    ['an unknown key', tls(...pair, ...auth, 'client_auth_typ: x'), /Did you mean client_auth_type\?/u],
    ['an unknown section', `${tls(...pair, ...auth)}tls_config: {}\n`, /"tls_config"/u],
    ['a relative path', tls('cert_file: c.pem', 'key_file: /k.pem', ...auth), /cert_file is not an absolute path/u],
    ['no key', tls('cert_file: /c.pem', ...auth), /key_file is missing/u],
    ['a password', `${tls(...pair, ...auth)}basic_auth_users: {a: hunter2}\n`, /not a bcrypt hash/u],
    ['an old TLS', tls(...pair, ...auth, 'min_version: TLS10'), /neither TLS12 nor TLS13/u],
    ['a list at the top', '- a\n', /not a mapping/u],
    ['a text at the top', 'hello\n', /not a mapping/u],
    ['a broken quote', tls(...pair, 'client_ca_file: "/ca'), /not valid YAML/u],
    ['a second document', `${tls(...pair, ...auth)}---\n${tls(...pair)}`, /several YAML documents/u],
    ['both a file and a text', tls(...pair, ...auth, 'client_ca: PEM'), /both client_ca and client_ca_file/u],
    ['endless nesting', '['.repeat(50_000), /not valid YAML/u],
  ])('%s is a problem', (_, text, problem) => {
    expect(webConfigProblems(text).join('\n')).toMatch(problem);
    expect(webConfigProblems(text).join('\n')).not.toMatch(/hunter2/u);
  });

  test('an operator’s own configuration that demands certificates has no problems', () => {
    expect(webConfigProblems(tls(...pair, ...auth, 'cipher_suites: [TLS_AES_128_GCM_SHA256]'))).toEqual([]);
    expect(webConfigProblems(`http_server_config:\n  http2: true\n${tls(...pair, ...auth)}`)).toEqual([]);
  });

  test('is not read as a configuration', () => {
    expect(outcomeOf(() => readWebConfig(''))).toBe('WEB_CONFIG_UNSAFE');
    expect(outcomeOf(() => readWebConfig(tls(...pair)))).toBe('WEB_CONFIG_UNSAFE');
    expect(outcomeOf(() => readWebConfig(tls(...pair, 'client_auth_type: VerifyClientCertIfGiven')))).toBe(
      'WEB_CONFIG_UNSAFE',
    );
    expect(outcomeOf(() => readWebConfig('- a'))).toBe('CONFIG_INVALID');
    expect(outcomeOf(() => readWebConfig(tls(...pair, ...auth, 'cipher_suites: [A]')))).toBe('CONFIG_INVALID');
  });
});

test('broken text gives a configuration that is what it says, or an error of ours', () => {
  fc.assert(
    fc.property(broken(anyConfig.map(renderWebConfig)), (text) => {
      const problems = webConfigProblems(text);
      const code = outcomeOf(() => {
        const config = readWebConfig(text);
        expect(config.clientAuthType === 'VerifyClientCertIfGiven' || problems.length === 0).toBe(true);
        expect(readWebConfig(renderWebConfig(config))).toEqual(config);
      });
      expect(['done', 'CONFIG_INVALID', 'WEB_CONFIG_UNSAFE']).toContain(code);
    }),
    { numRuns: 2000 },
  );
});
