// Who may import whom. The reasons are in docs/ARCHITECTURE.md; test/repository/boundaries.test.ts plants a
// violation of each rule and sees it found.

const PACKAGES = ['core', 'pki', 'protocol', 'prometheus', 'controller', 'agent', 'cli'];

/** What each package may import of the others. */
const ALLOWED = {
  core: [],
  pki: ['core'],
  protocol: ['core'],
  prometheus: ['core'],
  controller: ['core', 'pki', 'protocol', 'prometheus'],
  agent: ['core', 'pki', 'protocol', 'prometheus'],
  cli: ['core', 'protocol'],
};

const API_TYPES = '^packages/controller/src/api/types\\.ts$';

const packageRules = PACKAGES.map((name) => {
  const others = PACKAGES.filter((other) => other !== name && !ALLOWED[name].includes(other));
  return {
    name: `${name}-imports`,
    comment: `${name} imports ${ALLOWED[name].join(', ') || 'no other package'} and nothing else of ours`,
    severity: 'error',
    from: { path: `^packages/${name}/` },
    to: { path: `^packages/(${others.join('|')})/`, ...(name === 'cli' ? { pathNot: API_TYPES } : {}) },
  };
});

export default {
  forbidden: [
    ...packageRules,
    {
      name: 'cli-takes-types-only',
      comment: 'of the controller the cli takes the types of the API, which are gone when it runs',
      severity: 'error',
      from: { path: '^packages/cli/' },
      to: { path: API_TYPES, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'product-imports-no-tests',
      severity: 'error',
      from: { path: '^packages/', pathNot: '\\.test\\.ts$' },
      to: { path: '^(test|deploy)/' },
    },
    {
      name: 'features-know-no-edges',
      comment: 'inside the controller a feature never imports grpc/ or http/',
      severity: 'error',
      from: {
        path: '^packages/controller/src/(api|audit|checks|config|store|tokens|hosts|issuance|targets|scrapers|limits|policy|rotation|revocation|backup)/',
      },
      to: { path: '^packages/controller/src/(grpc|http)/' },
    },
    {
      name: 'only-context-composes',
      comment: 'only context.ts, features.ts and the commands put the program together',
      severity: 'error',
      from: {
        path: '^packages/(controller|agent)/src/',
        pathNot: '(/main\\.ts|/index\\.ts|/commands/.*|/context\\.ts|/features\\.ts|\\.test\\.ts|/testing/.*)$',
      },
      to: { path: '^packages/(controller|agent)/src/(context|features)\\.ts$', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'x509-library-in-the-checker-only',
      comment: 'issuing is our own; the library is the independent second opinion',
      severity: 'error',
      from: { path: '^packages/', pathNot: '^packages/pki/src/(checker\\.ts|.*\\.test\\.ts|testing/.*)$' },
      to: { path: 'node_modules/@peculiar/x509' },
    },
    {
      name: 'agent-stays-light',
      comment: 'no native module, no web framework, no database in the agent',
      severity: 'error',
      from: { path: '^packages/(agent|core|pki|protocol|prometheus)/' },
      to: { path: 'node_modules/(fastify|@fastify/|better-sqlite3|kysely|koffi|prom-client|zod)' },
    },
    {
      name: 'foreign-functions-in-one-file',
      comment: 'memory that no checker sees is handled in one place, and loaded by who has a PKCS #11 token only',
      severity: 'error',
      from: {
        path: '^(packages/(controller|cli)|deploy|test)/',
        pathNot: '^packages/controller/src/issuance/pkcs11/library\\.ts$',
      },
      to: { path: 'node_modules/koffi' },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      from: { path: '^(packages|deploy|test)/', pathNot: '/gen/' },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'everything-resolves',
      severity: 'error',
      from: { path: '^(packages|deploy|test)/' },
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(\\.tools|\\.cache|dist)/' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.json', '.d.ts'],
    },
  },
};
