import { TorchpassError } from '@torchpass/core';
import { P256_PARAMETERS, p256PublicKeyInfo, p256SignatureValue, type Signer } from '@torchpass/pki';
import { hash } from 'node:crypto';
import type { KeyStore } from '../key-store.ts';
import { CKA, CKO } from './constants.ts';
import type { Cryptoki, Template } from './cryptoki.ts';
import type { Handle } from './library.ts';
import { formatReference, parseReference } from './reference.ts';
import type { Connection, Token } from './token.ts';

/** Keys that are made in a token and never leave it: ECDSA P-256. CKA_ID is the serial number of the authority's certificate. */
export function createTokenKeys(token: Token): KeyStore {
  return {
    async create({ id: serial, role }) {
      const id = Buffer.from(serial, 'hex');
      const label = Buffer.from(`torchpass ${role} ${serial.slice(0, 8)}`);
      await token.use(async (session, { cryptoki }) => {
        const { privateKey } = await cryptoki.generateKeyPair(session, publicPart(id, label), privatePart(id, label));
        await refuseExtractable(cryptoki, session, privateKey).catch(async (error: unknown) => {
          await destroyAll(cryptoki, session, id);
          throw error;
        });
      });
      return { reference: formatReference({ token: token.label, id }), signer: await open(id) };
    },

    async open(reference, serial) {
      const { token: label, id } = parseReference(reference);
      if (id.toString('hex') !== serial) {
        throw new TorchpassError('KEY_SEAL_BROKEN', `The key of authority ${serial} is noted as that of another one.`, {
          hint: 'Restore it from a backup.',
        });
      }
      if (label !== token.label) {
        throw new TorchpassError(
          'CONFIG_INVALID',
          `The key of authority ${serial} is in the PKCS #11 token "${label}", but authorities.pkcs11.token is "${token.label}".`,
        );
      }
      return open(id);
    },

    async destroy(reference) {
      const { id } = parseReference(reference);
      await token.use((session, { cryptoki }) => destroyAll(cryptoki, session, id));
    },
  };

  async function open(id: Buffer): Promise<Signer> {
    const publicKey = await token.use(async (session, connection) => {
      const { cryptoki } = connection;
      await refuseExtractable(cryptoki, session, await privateKeyOf(connection, session, id));
      const [found] = await cryptoki.find(session, CKO.PUBLIC_KEY, id);
      if (found === undefined) throw missing(token.label, id);
      return p256PublicKeyInfo(pointOf(await cryptoki.attribute(session, found, CKA.EC_POINT)));
    });
    return {
      algorithm: 'ecdsa-p256',
      publicKey,
      async sign(message) {
        const digest = hash('sha256', message, 'buffer');
        const raw = await token.use(async (session, connection) =>
          connection.cryptoki.sign(session, await privateKeyOf(connection, session, id), digest),
        );
        return p256SignatureValue(raw);
      },
    };
  }

  async function privateKeyOf({ cryptoki, handles }: Connection, session: Handle, id: Buffer): Promise<Handle> {
    const name = id.toString('hex');
    const known = handles.get(name);
    if (known !== undefined) return known;
    const [found] = await cryptoki.find(session, CKO.PRIVATE_KEY, id);
    if (found === undefined) throw missing(token.label, id);
    handles.set(name, found);
    return found;
  }
}

function publicPart(id: Buffer, label: Buffer): Template {
  return [
    [CKA.EC_PARAMS, P256_PARAMETERS],
    [CKA.TOKEN, true],
    [CKA.VERIFY, true],
    [CKA.ID, id],
    [CKA.LABEL, label],
  ];
}

function privatePart(id: Buffer, label: Buffer): Template {
  return [
    [CKA.TOKEN, true],
    [CKA.PRIVATE, true],
    [CKA.SENSITIVE, true],
    [CKA.EXTRACTABLE, false],
    [CKA.SIGN, true],
    [CKA.ID, id],
    [CKA.LABEL, label],
  ];
}

/** The token is asked what it made, and at each start what it keeps: a key that could leave it is not used. */
async function refuseExtractable(cryptoki: Cryptoki, session: Handle, key: Handle): Promise<void> {
  const is = async (type: typeof CKA.SENSITIVE | typeof CKA.EXTRACTABLE | typeof CKA.NEVER_EXTRACTABLE) =>
    (await cryptoki.attribute(session, key, type))[0] === 1;
  const stays = (await is(CKA.SENSITIVE)) && !(await is(CKA.EXTRACTABLE)) && (await is(CKA.NEVER_EXTRACTABLE));
  if (stays) return;
  throw new TorchpassError('PKCS11_KEY_EXTRACTABLE', 'The token would let a private key out.', {
    hint: 'Keys of authorities are made in the token, by init or by a rotation; do not import one.',
  });
}

async function destroyAll(cryptoki: Cryptoki, session: Handle, id: Buffer): Promise<void> {
  for (const objectClass of [CKO.PRIVATE_KEY, CKO.PUBLIC_KEY]) {
    for (const object of await cryptoki.find(session, objectClass, id)) await cryptoki.destroy(session, object);
  }
}

/** CKA_EC_POINT is a DER OCTET STRING with the point; some tokens leave its head away. */
function pointOf(value: Buffer): Buffer {
  return value[0] === 0x04 && value[1] === 65 && value.length === 67 ? value.subarray(2) : value;
}

function missing(label: string, id: Buffer): TorchpassError {
  return new TorchpassError(
    'PKCS11_KEY_MISSING',
    `The PKCS #11 token "${label}" does not hold the key of authority ${id.toString('hex')}.`,
    { hint: 'Put in the token that the authorities were made with, or restore its own backup.' },
  );
}
