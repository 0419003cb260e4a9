import type { Clock, Files, Logger, Owner, Random, Secret } from '@torchpass/core';
import type { Signer } from '@torchpass/pki';
import type { Dialect } from 'kysely';
import type { Config } from './config/load.ts';
import type { TokenKeys } from './issuance/pkcs11/open.ts';
import type { TryKnock } from './revocation/knock.ts';
import type { Resolve } from './targets/address-policy.ts';
import type { LookFromOutside } from './targets/closed-loop.ts';

/** What the program takes from outside; tests put their own here. */
export interface Surroundings {
  config: Config;
  passphrase: Secret;
  /** The PKCS #11 token of the configuration. */
  token?: TokenKeys | undefined;
  /** Prometheus's user, looked up. */
  prometheusOwner: Owner | undefined;
  /** Group of the administration socket, looked up. */
  socketGroup: number | undefined;
  clock: Clock;
  random: Random;
  files: Files;
  logger: Logger;
  resolve: Resolve;
  seams?: Seams;
}

/** What only tests put themselves between: crashes at every statement and signature, and a network that is not there. */
export interface Seams {
  wrapDialect?: (dialect: Dialect) => Dialect;
  wrapSigner?: (signer: Signer) => Signer;
  look?: LookFromOutside;
  knock?: TryKnock;
}
