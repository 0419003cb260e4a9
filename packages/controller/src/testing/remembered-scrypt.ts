import type * as Crypto from 'node:crypto';

/**
 * `node:crypto` whose scrypt does each derivation once: the passphrase of a test stays the same, and half a second for each
 * start would be most of the time that the tests take. For `vi.mock('node:crypto', …)`.
 */
export function rememberingScrypt(crypto: typeof Crypto): typeof Crypto {
  const known = new Map<string, Buffer>();
  const scrypt = (
    password: Buffer,
    salt: Buffer,
    length: number,
    options: Crypto.ScryptOptions,
    callback: (error: Error | null, key: Buffer) => void,
  ) => {
    const name = [password.toString('hex'), salt.toString('hex'), length, options.N, options.r, options.p].join();
    const remembered = known.get(name);
    if (remembered !== undefined) return callback(null, remembered);
    crypto.scrypt(password, salt, length, options, (error, key) => {
      if (error === null) known.set(name, key);
      callback(error, key);
    });
  };
  return { ...crypto, scrypt: scrypt as typeof Crypto.scrypt };
}
