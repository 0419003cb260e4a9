import { Secret } from '@torchpass/core';
import { describe, expect, it } from 'vitest';
import { CKR, TOKEN_FLAGS } from './constants.ts';
import type { Cryptoki, TokenInfo } from './cryptoki.ts';
import { Pkcs11Failure } from './failure.ts';
import { createLogin } from './login.ts';

const TOKEN: TokenInfo = { slot: 0, label: 'torchpass', flags: 0 };

/** A token that takes one PIN, and the PINs that it was given. */
function tokenWithPin(right: string, wrong: number = CKR.PIN_INCORRECT) {
  const given: string[] = [];
  const login = (_session: unknown, pin: Secret) => {
    given.push(pin.reveal());
    return pin.reveal() === right ? Promise.resolve() : Promise.reject(new Pkcs11Failure('C_Login', wrong));
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nothing else of a token is used here
  return { given, cryptoki: { login } as unknown as Cryptoki };
}

describe('the tries of a token', () => {
  it('are not used up: a wrong PIN is given once, another one at once', async () => {
    const { given, cryptoki } = tokenWithPin('right');
    let file = 'wrong';
    const login = createLogin(() => Promise.resolve(new Secret(file)));
    for (let n = 0; n < 10; n += 1) {
      await expect(login(cryptoki, 1, TOKEN)).rejects.toMatchObject({ code: 'PKCS11_PIN_REFUSED' });
    }
    expect(given).toEqual(['wrong']);
    file = 'right';
    await login(cryptoki, 1, TOKEN);
    expect(given).toEqual(['wrong', 'right']);
  });

  it.each([
    ['the last one is left to a person', TOKEN_FLAGS.USER_PIN_FINAL_TRY],
    ['a locked token is not asked', TOKEN_FLAGS.USER_PIN_LOCKED],
  ])('%s', async (_what, flags) => {
    const { given, cryptoki } = tokenWithPin('right');
    const login = createLogin(() => Promise.resolve(new Secret('right')));
    await expect(login(cryptoki, 1, { ...TOKEN, flags })).rejects.toMatchObject({ code: 'PKCS11_PIN_REFUSED' });
    expect(given).toEqual([]);
    // Unlocked by its own tool: the controller goes on.
    await login(cryptoki, 1, TOKEN);
  });
});

it('a token that says it is locked is asked again, since that costs no try', async () => {
  const { given, cryptoki } = tokenWithPin('other', CKR.PIN_LOCKED);
  const login = createLogin(() => Promise.resolve(new Secret('mine')));
  for (let n = 0; n < 2; n += 1) {
    await expect(login(cryptoki, 1, TOKEN)).rejects.toMatchObject({
      code: 'PKCS11_PIN_REFUSED',
      message: expect.stringContaining('locked') as string,
    });
  }
  expect(given).toHaveLength(2);
});

it('the PIN is in no error', async () => {
  const { cryptoki } = tokenWithPin('right');
  const login = createLogin(() => Promise.resolve(new Secret('4711-secret')));
  const error: unknown = await login(cryptoki, 1, TOKEN).catch((reason: unknown) => reason);
  expect(JSON.stringify(error, Object.getOwnPropertyNames(error)) + String(error)).not.toContain('4711');
});
