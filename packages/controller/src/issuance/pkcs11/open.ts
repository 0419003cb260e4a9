import type { Clock } from '@torchpass/core';
import type { Config } from '../../config/load.ts';
import { credential, readSecretFile } from '../../config/secret-file.ts';
import type { KeyStore } from '../key-store.ts';
import { createToken } from './token.ts';
import { createTokenKeys } from './token-keys.ts';

export interface TokenKeys extends KeyStore {
  /** Lets go of the token; a later use takes it again. */
  close(): Promise<void>;
}

const CREDENTIAL_NAME = 'torchpass-pkcs11-pin';

/** The token of the configuration, if there is one. Nothing is loaded before the first key is made or opened. */
export function tokenKeys(
  { authorities }: Pick<Config, 'authorities'>,
  clock: Clock,
  environment: NodeJS.ProcessEnv = process.env,
): TokenKeys | undefined {
  const { pkcs11 } = authorities;
  if (pkcs11 === undefined) return undefined;
  const configured = { path: pkcs11.pin_file ?? '', named: 'authorities.pkcs11.pin_file', guarded: false };
  const readPin = () => readSecretFile(credential(CREDENTIAL_NAME, environment) ?? configured, 'PIN');
  const token = createToken({ module: pkcs11.module, label: pkcs11.token, readPin, clock });
  return { ...createTokenKeys(token), close: () => token.close() };
}
