import { once } from 'node:events';
import { createCertificateRequest, generatePrivateKey } from '@torchpass/pki';
import { decodeJoinToken } from '@torchpass/protocol';
import { isTorchpassError } from '@torchpass/core';
import { realSurroundings } from '../../../packages/controller/src/commands/surroundings.ts';
import { passphraseSource, readPassphrase } from '../../../packages/controller/src/config/passphrase.ts';
import { createFeatures } from '../../../packages/controller/src/features.ts';
import { openAuthorities } from '../../../packages/controller/src/issuance/authorities.ts';
import { openStore } from '../../../packages/controller/src/store/store.ts';

/**
 * What the controller does of an enrolment, on a database that others have open too: `racer.ts NAME CONFIG TOKEN COUNT`. Says
 * "ready", waits for a line, tries as often at once, and prints how many hosts it made.
 */
const [name = '', configFile = '', text = '', count = ''] = process.argv.slice(2);
const base = await realSurroundings({ 'config.file': configFile, 'log.level': 'error' });
const { config, clock } = base;
const passphrase = await readPassphrase(passphraseSource(config, {}));
const store = await openStore({ path: `${config.storage_path}/torchpass.db`, clock });
const authorities = await openAuthorities(store, passphrase);
const { enrol } = createFeatures(
  { ...base, passphrase },
  { store, authorities, connections: () => 0, cut: () => 0, hurry: () => undefined },
);
const { id, secret } = decodeJoinToken(text);
const keys = await Promise.all(Array.from({ length: Number(count) }, () => generatePrivateKey()));

process.stdout.write('ready\n');
await once(process.stdin, 'data');
const outcomes = await Promise.all(
  keys.map((key, n) =>
    enrol({
      tokenId: id,
      tokenSecret: secret.reveal(),
      certificateRequest: createCertificateRequest(key),
      hostName: `${name}-${n}`,
      agentVersion: 'racer',
      address: '198.51.100.7',
    }).then(
      () => 'made',
      (error: unknown) => (isTorchpassError(error) ? error.code : String(error)),
    ),
  ),
);
await store.destroy();
process.stdout.write(`${JSON.stringify(outcomes)}\n`);
process.exit(0);
