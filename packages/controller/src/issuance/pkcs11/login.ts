import { TorchpassError, type Secret } from '@torchpass/core';
import { hash } from 'node:crypto';
import { CKR, TOKEN_FLAGS } from './constants.ts';
import type { Cryptoki, TokenInfo } from './cryptoki.ts';
import { failedWith } from './failure.ts';
import type { Handle } from './library.ts';

/**
 * Logs in without ever using up a token's tries: a PIN that was refused is not given again until its file holds another one,
 * and the last try before the token locks itself is left to a person. `PKCS11_PIN_REFUSED`.
 */
export function createLogin(readPin: () => Promise<Secret>) {
  let refused: string | undefined;
  return async (cryptoki: Cryptoki, session: Handle, { label, flags }: TokenInfo): Promise<void> => {
    if ((flags & TOKEN_FLAGS.USER_PIN_LOCKED) !== 0) {
      throw refusal(`The PKCS #11 token "${label}" is locked`, UNLOCK);
    }
    if ((flags & TOKEN_FLAGS.USER_PIN_FINAL_TRY) !== 0) {
      throw refusal(`The PKCS #11 token "${label}" takes one more wrong PIN before it locks itself`, LAST_TRY);
    }
    const pin = await readPin();
    const fingerprint = hash('sha256', pin.reveal());
    if (fingerprint === refused) throw refusal(`The PKCS #11 token "${label}" refused the PIN`, WRONG);
    try {
      await cryptoki.login(session, pin);
    } catch (error) {
      if (failedWith(error, CKR.PIN_LOCKED, CKR.PIN_EXPIRED)) {
        throw refusal(`The PKCS #11 token "${label}" is locked`, UNLOCK, error);
      }
      if (!failedWith(error, CKR.PIN_INCORRECT, CKR.PIN_INVALID, CKR.PIN_LEN_RANGE)) throw error;
      refused = fingerprint;
      throw refusal(`The PKCS #11 token "${label}" refused the PIN`, WRONG, error);
    }
  };
}

const WRONG = 'Put the right PIN into the file that authorities.pkcs11.pin_file names; this one is not tried again.';
const UNLOCK = 'Unlock it with its own tool and the security officer’s PIN; the controller goes on by itself.';
const LAST_TRY = 'Log in once with its own tool and the right PIN; the controller goes on by itself.';

function refusal(what: string, hint: string, cause?: unknown): TorchpassError {
  return new TorchpassError('PKCS11_PIN_REFUSED', `${what}.`, { hint, cause });
}
