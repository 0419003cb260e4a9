import { mkdir, rename } from 'node:fs/promises';
import { verify } from 'node:crypto';
import { Secret, systemClock, systemRandom } from '@torchpass/core';
import { newSealing, P256_PARAMETERS, readPublicKey, type Signer } from '@torchpass/pki';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createKeyStore } from '../../packages/controller/src/issuance/key-store.ts';
import { CKA, CKO, CKR } from '../../packages/controller/src/issuance/pkcs11/constants.ts';
import { createToken } from '../../packages/controller/src/issuance/pkcs11/token.ts';
import { createTokenKeys } from '../../packages/controller/src/issuance/pkcs11/token-keys.ts';
import { startSoftHsm, type SoftHsm } from '../harness/softhsm.ts';
import { testScope } from '../harness/test-scope.ts';

const PIN = '12345678';
const ID = '4a'.repeat(16);
const MESSAGE = Buffer.from('to be signed');

async function newToken(label = 'torchpass') {
  const hsm = await startSoftHsm(testScope());
  await hsm.add(label, PIN);
  return { hsm, ...open(hsm, label) };
}

function open(hsm: SoftHsm, label = 'torchpass', pin = { text: PIN, reads: 0 }) {
  const readPin = () => {
    pin.reads += 1;
    return Promise.resolve(new Secret(pin.text));
  };
  const token = createToken({ module: hsm.module, label, readPin, clock: systemClock });
  onTestFinished(() => token.close());
  return { token, pin, keys: createTokenKeys(token) };
}

async function signs(signer: Signer, message = MESSAGE) {
  return verify('sha256', message, readPublicKey(signer.publicKey).key, await signer.sign(message));
}

describe('a key in a token', () => {
  it('signs, also after a restart, and the database holds only where it is', async () => {
    const { hsm, token, keys } = await newToken();
    const { reference, signer } = await keys.create({ id: ID, role: 'exporter' });
    expect(reference).toBe(`pkcs11:token=torchpass;id=${'%4a'.repeat(16)};type=private`);
    expect(await signs(signer)).toBe(true);
    await token.close();
    const reopened = await open(hsm).keys.open(reference, ID);
    expect(reopened.publicKey).toEqual(signer.publicKey);
    expect(await signs(reopened)).toBe(true);
  });

  it('was made there, is sensitive, and no way to get it out works', async () => {
    const { token, keys } = await newToken();
    await keys.create({ id: ID, role: 'root' });
    await token.use(async (session, { cryptoki }) => {
      const [key] = await cryptoki.find(session, CKO.PRIVATE_KEY, Buffer.from(ID, 'hex'));
      const attribute = async (type: 0x103 | 0x162 | 0x164) =>
        (await cryptoki.attribute(session, key ?? 0, type)).toString('hex');
      expect(await attribute(CKA.SENSITIVE)).toBe('01');
      expect(await attribute(CKA.EXTRACTABLE)).toBe('00');
      expect(await attribute(CKA.NEVER_EXTRACTABLE)).toBe('01');
      const exported = cryptoki.attribute(session, key ?? 0, CKA.VALUE);
      await expect(exported).rejects.toMatchObject({ code: CKR.ATTRIBUTE_SENSITIVE });
    });
  });

  it('that could leave the token is not used', async () => {
    const { token, keys } = await newToken();
    const id = Buffer.from(ID, 'hex');
    await token.use(async (session, { cryptoki }) => {
      const common = [
        [CKA.TOKEN, true],
        [CKA.ID, id],
      ] as const;
      const privatePart = [...common, [CKA.SENSITIVE, true], [CKA.EXTRACTABLE, true], [CKA.SIGN, true]] as const;
      await cryptoki.generateKeyPair(session, [...common, [CKA.EC_PARAMS, P256_PARAMETERS]], privatePart);
    });
    const reference = `pkcs11:token=torchpass;id=${'%4a'.repeat(16)};type=private`;
    await expect(keys.open(reference, ID)).rejects.toMatchObject({ code: 'PKCS11_KEY_EXTRACTABLE' });
  });

  it('signs many things at once', async () => {
    const { keys } = await newToken();
    const { signer } = await keys.create({ id: ID, role: 'exporter' });
    const messages = Array.from({ length: 100 }, (_, index) => Buffer.from(`message ${index}`));
    const all = await Promise.all(messages.map((message) => signs(signer, message)));
    expect(all).toEqual(messages.map(() => true));
  });

  it('is gone when it was destroyed, and destroying it again is fine', async () => {
    const { keys } = await newToken();
    const { reference, signer } = await keys.create({ id: ID, role: 'exporter' });
    await keys.destroy(reference);
    await keys.destroy(reference);
    await expect(signer.sign(MESSAGE)).rejects.toMatchObject({ code: 'PKCS11_KEY_MISSING' });
    await expect(keys.open(reference, ID)).rejects.toMatchObject({ code: 'PKCS11_KEY_MISSING' });
  });

  it('of one authority is not taken for that of another', async () => {
    const { hsm, keys } = await newToken();
    const { reference } = await keys.create({ id: ID, role: 'exporter' });
    await expect(keys.open(reference, '4b'.repeat(16))).rejects.toMatchObject({ code: 'KEY_SEAL_BROKEN' });
    await hsm.add('other', PIN);
    await expect(open(hsm, 'other').keys.open(reference, ID)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});

describe('a token that is taken away', () => {
  it('is an error that says so, and signs again when it is back', async () => {
    const { hsm, keys } = await newToken();
    const { signer } = await keys.create({ id: ID, role: 'exporter' });
    await rename(hsm.tokens, `${hsm.tokens}-away`);
    await mkdir(hsm.tokens);
    for (let n = 0; n < 3; n += 1) {
      await expect(signer.sign(MESSAGE)).rejects.toMatchObject({
        code: 'PKCS11_UNAVAILABLE',
        message: expect.stringContaining('no PKCS #11 token "torchpass"') as string,
      });
    }
    await rename(`${hsm.tokens}-away`, hsm.tokens);
    expect(await signs(signer)).toBe(true);
  });

  it('while many things are signed fails those and none of the later ones', async () => {
    const { hsm, keys } = await newToken();
    const { signer } = await keys.create({ id: ID, role: 'exporter' });
    const first = Array.from({ length: 40 }, () => signs(signer).catch(() => 'failed'));
    await rename(hsm.tokens, `${hsm.tokens}-away`);
    await mkdir(hsm.tokens);
    const seen = new Set(await Promise.all(first));
    expect([...seen].every((outcome) => outcome === true || outcome === 'failed')).toBe(true);
    await rename(`${hsm.tokens}-away`, hsm.tokens);
    const later = await Promise.all(Array.from({ length: 40 }, () => signs(signer)));
    expect(later.every(Boolean)).toBe(true);
  });

  it('is named when there never was one, with those that there are', async () => {
    const hsm = await startSoftHsm(testScope());
    await hsm.add('another', PIN);
    await expect(open(hsm).keys.create({ id: ID, role: 'root' })).rejects.toMatchObject({
      code: 'PKCS11_UNAVAILABLE',
      message: expect.stringContaining('only "another"') as string,
    });
    const nowhere = open({ ...hsm, module: '/nowhere/module.so' });
    await expect(nowhere.keys.create({ id: ID, role: 'root' })).rejects.toMatchObject({ code: 'PKCS11_UNAVAILABLE' });
  });
});

describe('a wrong PIN', () => {
  it('is given once, however often something is to be signed, until the file has another one', async () => {
    const { hsm, keys, token } = await newToken();
    const { reference } = await keys.create({ id: ID, role: 'exporter' });
    await token.close();
    const pin = { text: 'wrong-one', reads: 0 };
    const { keys: locked, token: again } = open(hsm, 'torchpass', pin);
    for (let n = 0; n < 5; n += 1) {
      await expect(locked.open(reference, ID)).rejects.toMatchObject({ code: 'PKCS11_PIN_REFUSED' });
    }
    await again.close();
    // SoftHSM notes a wrong PIN in the token; a right one clears the note.
    pin.text = PIN;
    expect(await signs(await locked.open(reference, ID))).toBe(true);
    expect(pin.reads).toBe(6);
  });
});

it('an installation with sealed keys goes on when a token is configured, and makes its new keys there', async () => {
  const { keys: token } = await newToken();
  const { sealing } = await newSealing(new Secret('correct horse'), systemRandom);
  const before = createKeyStore({ sealing });
  const old = await before.create({ id: '4b'.repeat(16), role: 'scraper' });
  const after = createKeyStore({ sealing, token });
  expect(await signs(await after.open(old.reference, '4b'.repeat(16)))).toBe(true);
  const made = await after.create({ id: ID, role: 'scraper' });
  expect([old.reference.slice(0, 7), made.reference.slice(0, 7)]).toEqual(['tpbox1.', 'pkcs11:']);
  await expect(before.open(made.reference, ID)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
});
